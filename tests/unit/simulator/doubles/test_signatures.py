"""Deliveries of webhooks over a real socket, their signatures checked with other code than the one that signs."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from simulator.doubles import webhooks

if TYPE_CHECKING:
    from pathlib import Path

    from simulator.doubles.webhooks import Delivery
    from tests.unit.simulator.doubles.conftest import Opener, Reader

VENDORS = ("shopify", "easypost", "aftership", "loop")


def _holds(secret: bytes, body: bytes, digest: bytes) -> bool:
    check = HMAC(secret, hashes.SHA256())
    check.update(body)
    try:
        check.verify(digest)
    except InvalidSignature:
        return False
    return True


def _genuine(vendor: str, headers: dict[str, str], body: bytes) -> bool:
    given = {name.lower(): value for name, value in headers.items()}
    secret = webhooks.SECRETS[vendor]
    try:
        match vendor:
            case "shopify":
                return _holds(secret.encode(), body, base64.b64decode(given["x-shopify-hmac-sha256"]))
            case "aftership":
                return _holds(secret.encode(), body, base64.b64decode(given["aftership-hmac-sha256"]))
            case "easypost":
                kind, _, digest = given["x-hmac-signature"].partition("=")
                key = unicodedata.normalize("NFKD", secret).encode()
                return kind == "hmac-sha256-hex" and _holds(key, body, bytes.fromhex(digest))
            case _:
                text = json.dumps(json.loads(body), separators=(",", ":"), ensure_ascii=False).replace("/", "\\/")
                return _holds(secret.encode(), text.encode(), base64.b64decode(given["x-loop-signature"]))
    except (KeyError, ValueError):
        return False


def _some(reader: Reader, vendor: str, count: int = 150) -> list[Delivery]:
    return list(islice(reader.served.app.deliveries(vendor, 0, reader.served.clock.as_of_us), count))


@pytest.mark.parametrize("vendor", VENDORS)
def test_signatures_hold_and_forgeries_do_not(reader: Reader, vendor: str) -> None:
    for place, one in enumerate(_some(reader, vendor)):
        assert _genuine(vendor, one.headers, one.body)
        false = webhooks.forged(one, place)
        assert not false.genuine
        assert not _genuine(vendor, false.headers, false.body)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine to check against")
def test_openssl_says_the_same(reader: Reader) -> None:
    one = _some(reader, "shopify", 1)[0]
    digest = subprocess.run(
        ["openssl", "dgst", "-sha256", "-hmac", webhooks.SECRETS["shopify"], "-binary"],
        input=one.body, capture_output=True, check=True,
    ).stdout  # fmt: skip
    assert one.headers["X-Shopify-Hmac-SHA256"] == base64.b64encode(digest).decode()


def test_easypost_signs_the_same(payloads: Path) -> None:
    """The vendor's own example: body, secret (not ASCII) and signature."""
    folder = payloads / "easypost" / "documented" / "fixtures"
    own = json.loads((folder / "client-library-fixtures.json").read_text(encoding="utf-8"))["webhooks"]
    body = (folder / "event-body.json").read_bytes().strip()
    assert webhooks.sign("easypost", body, own["secret"]) == own["hmac_signature"]
    assert webhooks.sign("easypost", body, unicodedata.normalize("NFC", own["secret"])) == own["hmac_signature"]


@pytest.mark.parametrize("vendor", VENDORS)
def test_deliveries_tell_what_the_api_tells(reader: Reader, vendor: str) -> None:
    """The last delivery about a record is the record as listed."""
    last: dict[Any, Any] = {}
    now = reader.served.clock.as_of_us
    ids = []
    for one in reader.served.app.deliveries(vendor, now - 3 * 86_400_000_000, now):
        body = json.loads(one.body)
        ids.append(one.id)
        body = body.get("result") or body.get("msg") or body
        last[body["id"]] = (one.topic, body)
    assert len(ids) == len(set(ids))
    if vendor == "shopify":
        orders = {int(order["id"].rpartition("/")[2]): order for order in reader.all("shopify", 30)}
        own = {key: body for key, (topic, body) in last.items() if topic.startswith("orders/")}
        assert own
        assert all(body["updated_at"] == orders[key]["updatedAt"] for key, body in own.items())
        assert {topic for topic, _ in last.values()} >= {"orders/create", "orders/updated"}
        return
    listed = {record["id"]: record for record in reader.all(vendor, 100)}
    assert last
    for key, (_, body) in last.items():
        assert {name: body[name] for name in listed[key]} == listed[key]


@pytest.mark.parametrize("topic", ["customers/data_request", "customers/redact", "shop/redact"])
def test_privacy_topics(reader: Reader, topic: str) -> None:
    one = webhooks.privacy(reader.served.app.shopify, topic, 3, reader.served.clock.as_of_us)
    assert one.headers["X-Shopify-Topic"] == topic
    assert _genuine("shopify", one.headers, one.body)
    assert "shop_domain" in json.loads(one.body)


@contextmanager
def _receiver(fail_first: int = 0) -> Iterator[tuple[str, list[tuple[dict[str, str], bytes]]]]:
    """Answers 401 to what is not genuine, 503 to the first deliveries, keeps the rest."""
    kept: list[tuple[dict[str, str], bytes]] = []
    left = [fail_first]

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = dict(self.headers.items())
            if left[0] > 0:
                left[0] -= 1
                status = 503
            else:
                status = 200 if _genuine("shopify", headers, body) else 401
            if status == 200:
                kept.append((headers, body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/hooks", kept
    server.shutdown()
    server.server_close()


def test_delivering_repeats_forges_and_tries_again(reader: Reader) -> None:
    some = _some(reader, "shopify", 120)
    mixed = list(webhooks.mixed(some, redelivered=0.1, forged_share=0.1, seed=4))
    repeats, forgeries = sum(one.genuine for one in mixed) - 120, sum(not one.genuine for one in mixed)
    assert repeats > 3
    assert forgeries > 3
    with _receiver(fail_first=2) as (url, kept):
        sent = webhooks.send(mixed, url, threads=2)
    assert sent.acknowledged == {one.id for one in some}
    assert sent.accepted_forgeries == sent.failed == []
    assert len(kept) == 120 + repeats
    assert len({headers["X-Shopify-Webhook-Id"] for headers, _ in kept}) == 120
    assert sent.statuses[401] >= forgeries - 2
    assert sent.statuses[503] == 2


def test_the_control_door_sends_webhooks(opened: Opener) -> None:
    reader = opened()
    now = reader.served.clock.as_of
    with _receiver() as (url, kept):
        given = {"vendor": "shopify", "url": url, "until": now.isoformat(), "forged": 0.05, "redelivered": 0.05}
        given["since"] = now.replace(hour=0, day=now.day - 1).isoformat()
        report = reader.client.post(f"{reader.served.address}/_control/webhooks", json=given).json()
    assert report["acknowledged"] > 30
    assert len(kept) >= report["acknowledged"]
    assert report["failed"] == report["accepted_forgeries"] == []
