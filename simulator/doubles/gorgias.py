"""Gorgias' tickets: paged by cursor, forty requests in twenty seconds a key."""

from __future__ import annotations

import math
from typing import Any, Final
from urllib.parse import urlencode

from simulator.doubles.answers import Answer, Call, digits, moment, pack_cursor, plus_zero, unpack_cursor
from simulator.doubles.groups import Group, Row, numbered
from simulator.doubles.limits import Bucket
from simulator.doubles.parting import tickets_of
from simulator.doubles.shelf import Page, Shelf, Timeline
from simulator.doubles.vendor import UNKNOWN_WORD, Setting

LIMIT: Final = 40
PERIOD: Final = 20.0  # seconds
STATUS: Final = {"open": "open", "solved": "closed"}
CHANNELS: Final = {"social": "facebook-messenger", "chat": "chat", "email": "email", "web_form": "contact_form"}
EXCERPT: Final = 200


class Gorgias:
    """GET /api/tickets and /api/tickets/{id} (with its messages)."""

    name = "gorgias"
    key = "double-gorgias-key"
    user = "ops@fieldandfold.example"

    def __init__(self, setting: Setting) -> None:
        self.setting, self.clock = setting, setting.clock
        self.bucket = Bucket(setting.clock, LIMIT, LIMIT / PERIOD)
        versions = tickets_of(setting, "gorgias")
        first = versions.unique("ticket_id", keep="first", maintain_order=True).sort("arrives_at", "ticket_id")
        self.places = {number: row for row, number in enumerate(first["ticket_id"])}
        count = len(first)
        self.versions = Group(versions, numbered(versions["ticket_id"], first["ticket_id"]), count)
        self.shelf = Shelf(Timeline(self.versions.rows, self.versions.at, count))

    def access(self) -> dict[str, str]:
        """User and key of basic auth."""
        return {"user": self.user, "api_key": self.key}

    def refused(self, call: Call) -> Answer | None:
        """Basic auth."""
        return None if call.basic() == (self.user, self.key) else self.bad_key()

    def bad_key(self) -> Answer:
        """401."""
        return Answer(401, {"error": {"msg": "Unauthorized. Invalid credentials."}})

    def limited(self, wait: float) -> tuple[int, Any]:
        """429."""
        return 429, {"error": {"msg": "Too many requests."}}

    def answer(self, call: Call) -> Answer:
        """Route a request; every answer tells how much of the limit is used."""
        wait = self.bucket.take(1)
        result = Answer(*self.limited(wait), {"Retry-after": str(math.ceil(wait))}) if wait else self._route(call)
        used = LIMIT - math.floor(self.bucket.available())
        result.headers["X-Gorgias-Account-Api-Call-Limit"] = f"{used}/{LIMIT}"
        return result

    def _route(self, call: Call) -> Answer:
        if call.method == "GET" and call.path in ("/api/tickets", "/api/tickets/"):
            return self._list(call)
        number = call.path.rpartition("/")[2]
        now = self.clock.as_of_us
        row = self.places.get(int(number), -1) if number.isdigit() else -1
        if call.method == "GET" and row >= 0 and self.shelf.updated(now)[row] >= 0:
            version = self.versions.latest([row], [now])[0]
            assert version is not None
            return Answer(200, _body(version, int(self.shelf.updated(now)[row]), whole=True))
        return Answer(404, {"error": {"msg": "Not found."}})

    def _list(self, call: Call) -> Answer:
        query, now = call.query, self.clock.as_of_us
        size = int(query.get("limit", "30")) if query.get("limit", "30").isdigit() else 0
        if not 1 <= size <= 100:
            return Answer(400, {"error": {"msg": "limit must be between 1 and 100."}})
        column, _, way = query.get("order_by", "created_datetime:desc").partition(":")
        if column not in ("created_datetime", "updated_datetime") or way not in ("asc", "desc", ""):
            return Answer(400, {"error": {"msg": "order_by is not valid."}})
        after = None
        if query.get("cursor"):
            after = unpack_cursor(query["cursor"])
            if after is None:
                return Answer(400, {"error": {"msg": "cursor is not valid."}})
        by = column.removesuffix("_datetime")
        page = self.shelf.page(now, size, by, way != "asc", None, after, call.trouble)
        following = pack_cursor(*page.last) if page.more and page.last else None
        meta = {"prev_cursor": None, "next_cursor": following, "total_resources": None}
        data = self._shown(page, call)
        return Answer(200, {"object": "list", "uri": f"{call.path}?{urlencode(query)}", "data": data, "meta": meta})

    def _shown(self, page: Page, call: Call) -> list[Row]:
        versions = self.versions.latest(page.rows, page.as_of)
        bodies = [_body(now, at) for now, at in zip(versions, page.updated, strict=True) if now]
        for place in range(min(call.trouble.records("unknown_enum", 2), len(bodies))):
            body = bodies[(call.trouble.dice + place * 11) % len(bodies)]
            self.setting.note(self.name, str(body["id"]), "status", body["status"], UNKNOWN_WORD)
            body["status"] = UNKNOWN_WORD
        if "naive_times" in call.trouble:
            for body in bodies:
                body["created_datetime"] = body["created_datetime"][:19]
                body["updated_datetime"] = body["updated_datetime"][:19]
        return bodies


def _body(now: Row, updated: int, whole: bool = False) -> Row:
    created, closed = plus_zero(now["created_at"]), now["status"] == "solved"
    body: Row = {
        "id": now["ticket_id"],
        "uri": f"/api/tickets/{now['ticket_id']}/",
        "external_id": None,
        "status": STATUS[now["status"]],
        "priority": "normal",
        "channel": CHANNELS[now["channel"]],
        "via": "gorgias_chat" if now["channel"] == "chat" else CHANNELS[now["channel"]],
        "from_agent": False,
        "spam": False,
        "customer": {
            "id": digits("gorgias customer", now["email"]),
            "email": now["email"],
            "name": None,
            "external_id": None if now["customer_id"] is None else str(now["customer_id"]),
        },
        "assignee_user": None,
        "assignee_team": None,
        "language": now["language"],
        "subject": now["subject"],
        "excerpt": now["body"][:EXCERPT],
        "meta": {
            "order_id": now["order_id"],
            "order_name": now["order_number"],
            "tracking_number": now["tracking_number"],
        },
        "tags": [{"id": digits("tag", now["tags"]), "name": now["tags"], "decoration": None}] if now["tags"] else [],
        "custom_fields": {},
        "messages_count": 1,
        "is_unread": not closed,
        "satisfaction_survey": None if now["score"] is None else {"score": now["score"]},
        "created_datetime": created,
        "opened_datetime": created,
        "last_received_message_datetime": created,
        "last_message_datetime": created,
        "updated_datetime": plus_zero(moment(updated)),
        "closed_datetime": plus_zero(moment(updated)) if closed else None,
        "snooze_datetime": None,
        "trashed_datetime": None,
    }
    if whole:
        text = {"body_text": now["body"], "from_agent": False, "created_datetime": created, "channel": body["channel"]}
        body["messages"] = [{"id": digits("message", now["ticket_id"]), "ticket_id": now["ticket_id"], **text}]
    return body
