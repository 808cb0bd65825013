"""Zendesk's API: the incremental export of tickets by cursor, which gives each change once and then again at times."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from pipelines.domain.pages import Page, Window
from pipelines.sources._http import Answer, Credential, Http, resuming
from pipelines.sources._pace import Pace
from pipelines.sources._vendor import secret
from pipelines.sources.zendesk.settings import ZendeskSettings

VENDOR: Final = "Zendesk"
PAGE_SIZE: Final = 1000  # the most that Zendesk gives
_EXPORT: Final = "api/v2/incremental/tickets/cursor.json"
_BAD_REQUEST: Final = 400
_MINUTE: Final = 60.0


class _User(msgspec.Struct):
    id: int
    email: str | None = None
    external_id: str | None = None


class _Exported(msgspec.Struct):
    tickets: list[msgspec.Raw]
    after_cursor: str | None
    end_of_stream: bool
    users: list[_User] = []


class _Requester(msgspec.Struct):
    requester_id: int | None = None


class _Changed(msgspec.Struct):
    updated_at: str | None = None


_EXPORTED: Final = msgspec.json.Decoder(_Exported)
_REQUESTER: Final = msgspec.json.Decoder(_Requester)
_CHANGED: Final = msgspec.json.Decoder(_Changed)


def connect(settings: ZendeskSettings, **more: Any) -> Http:
    """The API, with user and token of the settings. Raises CredentialsError where there is none."""
    user, token = secret(VENDOR, settings.user_env), secret(VENDOR, settings.token_env)
    credentials = [Credential(settings.user_env, user), Credential(settings.token_env, token)]
    pace = Pace(settings.requests_per_minute, _MINUTE)
    more = {
        "pace": pace,
        "auth": (f"{user}/token", token),
        "timeout": settings.timeout_seconds,
        "patience": settings.patience,
        **more,
    }
    return Http(VENDOR, settings.base_url, credentials, **more)


def tickets(http: Http, window: Window, cursor: Any, size: int = PAGE_SIZE) -> Iterator[Page]:
    """Tickets changed since, in order of change. The cursor never ends: the next pull goes on from the last one."""
    cursor = cursor or window.bookmark
    since = window.since or datetime(1970, 1, 1, tzinfo=UTC)
    while True:
        place = {"cursor": cursor} if cursor else {"start_time": int(since.timestamp())}
        with resuming(cursor, _BAD_REQUEST):
            found = http.get(_EXPORT, _decoded, {"per_page": size, "include": "users", **place})
        cursor = found.after_cursor or cursor
        yield Page(_with_requester(found), cursor)
        if found.end_of_stream or not found.after_cursor or _is_after(found.tickets, window.until):
            return


def _is_after(records: list[msgspec.Raw], until: datetime | None) -> bool:
    """Whether all tickets of a page changed after the window: the export is in order of change."""
    if until is None or not records:
        return False
    end = f"{until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return all((_CHANGED.decode(one).updated_at or "") >= end for one in records)


def _decoded(answer: Answer) -> _Exported:
    return _EXPORTED.decode(answer.body)


def _with_requester(found: _Exported) -> list[bytes]:
    """The tickets, each with its requester, whom Zendesk exports beside them, as a last member `_requester`."""
    people = {user.id: b',"_requester":' + msgspec.json.encode(user) + b"}" for user in found.users}
    records = []
    for raw in found.tickets:
        record = bytes(raw).rstrip()
        own = people.get(_REQUESTER.decode(record).requester_id or 0)
        records.append(record if own is None else record[:-1] + own)
    return records
