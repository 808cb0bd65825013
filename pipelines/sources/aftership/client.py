"""AfterShip's API: trackings changed since, by cursor; its headers say what is left of the limit."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from pipelines.domain.pages import Page, Window
from pipelines.sources._http import Answer, Credential, Http, resuming
from pipelines.sources._pace import Pace
from pipelines.sources._vendor import secret
from pipelines.sources.aftership.settings import AfterShipSettings

VENDOR: Final = "AfterShip"
PAGE_SIZE: Final = 200  # the most that AfterShip gives
_BAD_REQUEST: Final = 400
_LONGEST: Final = 60.0  # seconds to wait for a limit to be reset: its clock is not ours


class _Pagination(msgspec.Struct):
    next_cursor: str | None = None
    has_next_page: bool = False


class _Data(msgspec.Struct):
    trackings: list[msgspec.Raw]
    pagination: _Pagination


class _Listed(msgspec.Struct):
    data: _Data


_LISTED: Final = msgspec.json.Decoder(_Listed)


def connect(settings: AfterShipSettings, **more: Any) -> Http:
    """The API, with the key of the settings. Raises CredentialsError where there is none."""
    key = secret(VENDOR, settings.api_key_env)
    given = {
        "pace": Pace(settings.requests_per_second, 1.0),
        "headers": {"as-api-key": key},
        "signals": _pause,
        "timeout": settings.timeout_seconds,
        "patience": settings.patience,
        **more,
    }
    url = f"{settings.base_url}/tracking/{settings.api_version}"
    return Http(VENDOR, url, [Credential(settings.api_key_env, key)], **given)


def trackings(http: Http, window: Window, cursor: Any, size: int = PAGE_SIZE) -> Iterator[Page]:
    """Trackings changed in the window, newest first; what changes meanwhile is met by the next pull's look-back."""
    params = {
        "limit": size,
        "updated_at_min": _text(window.since),
        "updated_at_max": _text(window.until),
    }
    while True:
        with resuming(cursor, _BAD_REQUEST):
            found = http.get("trackings", _decoded, params | {"cursor": cursor}).data
        cursor = found.pagination.next_cursor or None
        yield Page([bytes(one) for one in found.trackings], cursor)
        if not found.pagination.has_next_page or cursor is None:
            return


def _decoded(answer: Answer) -> _Listed:
    return _LISTED.decode(answer.body)


def _pause(headers: Mapping[str, str]) -> float:
    """Seconds until the limit is reset, when nothing is left of it."""
    left, reset = headers.get("x-ratelimit-remaining", ""), headers.get("x-ratelimit-reset", "")
    if left != "0" or not reset.isdecimal():
        return 0.0
    return min(max(int(reset) - time.time(), 0.0), _LONGEST)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
