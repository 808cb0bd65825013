"""Alerts by webhook and by e-mail, against servers of our own; whatever goes wrong, nothing is raised."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from pipelines.orchestration import alerts
from pipelines.settings import Alerts

ALERT = alerts.failed("acme", "run-1", "scans.csv: column 'at' is not there")


class _Hook(BaseHTTPRequestHandler):
    received: ClassVar[list[dict[str, str]]] = []
    answer = 200

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.received.append(json.loads(body))
        self.send_response(self.answer)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


class _Mail(socketserver.StreamRequestHandler):
    received: ClassVar[list[str]] = []

    def handle(self) -> None:
        self._say("220 ready")
        while line := self.rfile.readline().decode().strip():
            match line.upper()[:4]:
                case "EHLO" | "HELO":
                    self._say("250 here")
                case "DATA":
                    self._say("354 go on")
                    text = []
                    while (part := self.rfile.readline().decode()) != ".\r\n":
                        text.append(part)
                    self.received.append("".join(text))
                    self._say("250 taken")
                case "QUIT":
                    self._say("221 bye")
                    return
                case _:
                    self._say("250 fine")

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def hook() -> Iterator[str]:
    _Hook.received.clear()
    _Hook.answer = 200
    with HTTPServer(("127.0.0.1", 0), _Hook) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/secret-path"
        server.shutdown()


@pytest.fixture
def mail() -> Iterator[int]:
    _Mail.received.clear()
    with socketserver.TCPServer(("127.0.0.1", 0), _Mail) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


def test_a_webhook_gets_the_sentence_and_the_facts(hook: str):
    problems = alerts.announce(Alerts(webhook_url_env="HOOK"), ALERT, {"HOOK": hook})

    assert problems == []
    (body,) = _Hook.received
    assert body["event"] == "refresh_failed"
    assert body["text"].endswith("scans.csv: column 'at' is not there")
    assert (body["shop"], body["run_id"]) == ("acme", "run-1")


def test_mail_gets_the_sentence(mail: int):
    settings = Alerts(smtp_host="127.0.0.1", smtp_port=mail, mail_from="w@example.com", mail_to=["a@example.com"])

    assert alerts.announce(settings, ALERT, {}) == []

    (text,) = _Mail.received
    assert "Subject: Wherehouse (acme): the refresh failed" in text
    assert "column 'at' is not there" in text
    assert "To: a@example.com" in text


def test_a_password_is_not_sent_in_the_clear(mail: int):
    settings = Alerts(
        smtp_host="127.0.0.1", smtp_port=mail, mail_to=["a@example.com"], smtp_user_env="U", smtp_password_env="P"
    )

    (problem,) = alerts.announce(settings, ALERT, {"U": "me", "P": "hunter2"})

    assert "no encryption" in problem and "hunter2" not in problem
    assert _Mail.received == []


def test_nothing_is_raised_and_no_secret_is_shown(hook: str):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{unused.getsockname()[1]}/secret-path"
    settings = Alerts(webhook_url_env="HOOK")

    for environ in ({}, {"HOOK": dead}, {"HOOK": "not an address"}):
        (problem,) = alerts.announce(settings, ALERT, environ)
        assert "HOOK" in problem and "secret-path" not in problem
    _Hook.answer = 500
    (problem,) = alerts.announce(settings, ALERT, {"HOOK": hook})
    assert "answered 500" in problem and "secret-path" not in problem


def test_without_settings_nobody_is_told():
    assert not alerts.is_configured(Alerts())
    assert not alerts.is_configured(Alerts(smtp_host="mail.example.com"))
    assert alerts.announce(Alerts(), ALERT, {}) == []
