"""Announcing that a refresh failed or is late: a webhook, an e-mail, or both. Never raises into what it reports on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Final

from pipelines.settings import Alerts

_TIMEOUT_SECONDS: Final = 10.0
_IMPLICIT_TLS_PORT: Final = 465


@dataclass(frozen=True, slots=True)
class Alert:
    """What is announced. `text` is one sentence; `facts` go along for machines."""

    event: str  # refresh_failed, refresh_late
    text: str
    facts: Mapping[str, str] = field(default_factory=dict)


def failed(shop: str, run_id: str, why: str) -> Alert:
    """A refresh that ended without publishing."""
    text = f"Wherehouse ({shop}): the refresh failed and nothing was published. {why}"
    return Alert("refresh_failed", text, {"shop": shop, "run_id": run_id, "reason": why})


def late(shop: str, sentence: str) -> Alert:
    """A refresh that was not published by its hour."""
    return Alert("refresh_late", f"Wherehouse ({shop}): {sentence}", {"shop": shop, "reason": sentence})


def is_configured(settings: Alerts) -> bool:
    """Whether anybody is to be told."""
    return bool(settings.webhook_url_env or (settings.smtp_host and settings.mail_to))


def announce(settings: Alerts, alert: Alert, environ: Mapping[str, str] | None = None) -> list[str]:
    """Send an alert wherever settings say. Returns what could not be sent, one sentence each; never raises."""
    environment = os.environ if environ is None else environ
    problems = []
    if settings.webhook_url_env:
        problems.append(_guarded("webhook", lambda: _post(settings, alert, environment)))
    if settings.smtp_host and settings.mail_to:
        problems.append(_guarded("e-mail", lambda: _mail(settings, alert, environment)))
    return [problem for problem in problems if problem]


def _guarded(what: str, send: Callable[[], None]) -> str:
    try:
        send()
    except Exception as error:  # an alert must never be the reason why something fails
        return f"alert by {what} could not be sent: {type(error).__name__}: {error}"
    return ""


def _post(settings: Alerts, alert: Alert, environ: Mapping[str, str]) -> None:
    import httpx  # here: most refreshes announce nothing

    url = _secret(environ, settings.webhook_url_env)
    body = {"event": alert.event, "text": alert.text, **alert.facts}  # `text` is what chat services show
    try:
        response = httpx.post(url, json=body, timeout=_TIMEOUT_SECONDS)
    except httpx.HTTPError as error:
        # the address is a secret and stands in some of httpx's messages
        raise OSError(f"{type(error).__name__} at the address in {settings.webhook_url_env}") from None
    if response.status_code >= 300:
        raise OSError(f"the address in {settings.webhook_url_env} answered {response.status_code}")


def _mail(settings: Alerts, alert: Alert, environ: Mapping[str, str]) -> None:
    import smtplib

    message = EmailMessage()
    message["Subject"] = alert.text.split(". ")[0][:120]
    message["From"] = settings.mail_from or settings.mail_to[0]
    message["To"] = ", ".join(settings.mail_to)
    message.set_content(f"{alert.text}\n\n{json.dumps(dict(alert.facts), indent=2)}\n")
    if settings.smtp_port == _IMPLICIT_TLS_PORT:
        server: smtplib.SMTP = smtplib.SMTP_SSL(settings.smtp_host, settings.smtp_port, timeout=_TIMEOUT_SECONDS)
    else:
        server = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=_TIMEOUT_SECONDS)
    with server:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls()
        elif settings.smtp_user_env and settings.smtp_port != _IMPLICIT_TLS_PORT:
            raise OSError("the server offers no encryption, so the password was not sent to it")
        if settings.smtp_user_env:
            user = _secret(environ, settings.smtp_user_env)
            server.login(user, _secret(environ, settings.smtp_password_env))
        server.send_message(message)


def _secret(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "")
    if not value:
        raise KeyError(f"environment variable {name} is not set")
    return value
