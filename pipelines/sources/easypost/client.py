"""EasyPost's API: lists of trackers, newest first, paged by `before_id`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from pipelines.domain.pages import Page, Window
from pipelines.sources._http import Answer, Credential, Http, resuming
from pipelines.sources._pace import Pace
from pipelines.sources._vendor import secret
from pipelines.sources.easypost.settings import EasyPostSettings

VENDOR: Final = "EasyPost"
PAGE_SIZE: Final = 100  # the most that EasyPost gives
_UNPROCESSABLE: Final = 422


class _Listed(msgspec.Struct):
    trackers: list[msgspec.Raw]
    has_more: bool = False


class _Id(msgspec.Struct):
    id: str


_LISTED: Final = msgspec.json.Decoder(_Listed)
_ID: Final = msgspec.json.Decoder(_Id)


def connect(settings: EasyPostSettings, **more: Any) -> Http:
    """The API, with the key of the settings. Raises CredentialsError where there is none."""
    key = secret(VENDOR, settings.api_key_env)
    pace = Pace(settings.requests_per_second, 1.0)
    more = {"pace": pace, "auth": (key, ""), "timeout": settings.timeout_seconds, "patience": settings.patience, **more}
    return Http(VENDOR, settings.base_url, [Credential(settings.api_key_env, key)], **more)


def trackers(http: Http, window: Window, cursor: Any, size: int = PAGE_SIZE) -> Iterator[Page]:
    """Trackers created in the window; the cursor is the id of the last one read."""
    params = {
        "page_size": size,
        "start_datetime": _text(window.since),
        "end_datetime": _text(window.until),
    }
    while True:
        with resuming(cursor, _UNPROCESSABLE):
            listed = http.get("v2/trackers", _decoded, params | {"before_id": cursor})
        if listed.trackers:
            cursor = _ID.decode(listed.trackers[-1]).id
        yield Page([bytes(one) for one in listed.trackers], cursor)
        if not listed.has_more or not listed.trackers:
            return


def _decoded(answer: Answer) -> _Listed:
    return _LISTED.decode(answer.body)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
