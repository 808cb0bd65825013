"""Loop's API: returns changed in a span of at most 120 days, page by page; longer windows are several spans."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from pipelines.domain.pages import Page, Window
from pipelines.sources._http import Answer, Credential, Http, resuming
from pipelines.sources._pace import Pace
from pipelines.sources._vendor import secret
from pipelines.sources.loop.settings import LoopSettings

VENDOR: Final = "Loop"
PAGE_SIZE: Final = 250
_BAD_REQUEST: Final = 400
_MINUTE: Final = 60.0
_SPAN: Final = timedelta(days=119)
_FIRST: Final = timedelta(days=730)  # how far back a pull without a beginning goes
_LIST: Final = "api/v1/warehouse/return/list"


class _Listed(msgspec.Struct):
    returns: list[msgspec.Raw]
    nextPageUrl: str | None = None  # noqa: N815


_LISTED: Final = msgspec.json.Decoder(_Listed)


def connect(settings: LoopSettings, **more: Any) -> Http:
    """The API, with the key of the settings. Raises CredentialsError where there is none."""
    key = secret(VENDOR, settings.api_key_env)
    given = {
        "pace": Pace(settings.requests_per_minute, _MINUTE),
        "headers": {"X-Authorization": key},
        "timeout": settings.timeout_seconds,
        "patience": settings.patience,
        **more,
    }
    return Http(VENDOR, settings.base_url, [Credential(settings.api_key_env, key)], **given)


def returns(http: Http, window: Window, cursor: Any, size: int = PAGE_SIZE) -> Iterator[Page]:
    """Returns changed in the window, in order of change. The cursor is the span's start and the next page's address."""
    now = datetime.now(UTC)
    until = window.until or now
    since = datetime.fromisoformat(cursor["since"]) if cursor else window.since or now - _FIRST
    follow: str | None = cursor["next"] if cursor else None
    while True:
        end = min(since + _SPAN, window.until or since + _SPAN)
        params = {"from": _text(since), "to": _text(end), "filter": "updated_at", "paginate": "true", "pageSize": size}
        while True:
            with resuming(follow, _BAD_REQUEST):
                found = http.get(follow or _LIST, _decoded, None if follow else params)
            follow = found.nextPageUrl
            yield Page(
                [bytes(one) for one in found.returns], {"since": (since if follow else end).isoformat(), "next": follow}
            )
            if follow is None:
                break
        if end >= until:
            return
        since = end


def _decoded(answer: Answer) -> _Listed:
    return _LISTED.decode(answer.body)


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
