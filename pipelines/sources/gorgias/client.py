"""Gorgias' API: tickets by cursor, those changed last first; its header says how much of the limit is used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from pipelines.domain.pages import Page, Window
from pipelines.sources._http import Answer, Credential, Http, resuming
from pipelines.sources._pace import Pace
from pipelines.sources._vendor import secret
from pipelines.sources.gorgias.settings import GorgiasSettings

VENDOR: Final = "Gorgias"
PAGE_SIZE: Final = 100  # the most that Gorgias gives
_BAD_REQUEST: Final = 400
_PERIOD: Final = 20.0  # seconds
_USED: Final = "x-gorgias-account-api-call-limit"
_LEFT: Final = 2  # requests left of the limit below which to slow down


class _Meta(msgspec.Struct):
    next_cursor: str | None = None


class _Listed(msgspec.Struct):
    data: list[msgspec.Raw]
    meta: _Meta


class _Changed(msgspec.Struct):
    updated_datetime: str | None = None


_LISTED: Final = msgspec.json.Decoder(_Listed)
_CHANGED: Final = msgspec.json.Decoder(_Changed)


def connect(settings: GorgiasSettings, **more: Any) -> Http:
    """The API, with user and key of the settings. Raises CredentialsError where there is none."""
    user, key = secret(VENDOR, settings.user_env), secret(VENDOR, settings.api_key_env)
    pace = Pace(settings.requests_per_20_seconds, _PERIOD)
    more = {
        "pace": pace,
        "auth": (user, key),
        "signals": _pause,
        "timeout": settings.timeout_seconds,
        "patience": settings.patience,
        **more,
    }
    return Http(VENDOR, settings.base_url, [Credential(settings.api_key_env, key)], **more)


def tickets(http: Http, window: Window, cursor: Any, size: int = PAGE_SIZE) -> Iterator[Page]:
    """Tickets changed since, newest change first; what changes meanwhile is met by the next pull's look-back."""
    while True:
        params = {"limit": size, "order_by": "updated_datetime:desc", "cursor": cursor}
        with resuming(cursor, _BAD_REQUEST):
            found = http.get("api/tickets", _decoded, params)
        cursor = found.meta.next_cursor
        yield Page([bytes(one) for one in found.data], cursor)
        if cursor is None or _is_before(found.data, window.since):
            return


def _decoded(answer: Answer) -> _Listed:
    return _LISTED.decode(answer.body)


def _is_before(records: list[msgspec.Raw], since: datetime | None) -> bool:
    """Whether a page ends with tickets that changed before the window."""
    if since is None or not records:
        return False
    text = _CHANGED.decode(records[-1]).updated_datetime
    try:
        changed = datetime.fromisoformat(text or "")
    except ValueError:
        return False
    return (changed if changed.tzinfo else changed.replace(tzinfo=UTC)) < since


def _pause(headers: Mapping[str, str]) -> float:
    """Seconds to wait when the account's calls (ours and others') have nearly used the limit: `38/40`."""
    used, _, limit = headers.get(_USED, "").partition("/")
    if not (used.isdigit() and limit.isdigit()) or int(limit) - int(used) > _LEFT:
        return 0.0
    return _PERIOD / max(int(limit), 1) * _LEFT
