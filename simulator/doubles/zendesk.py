"""Zendesk's incremental export of tickets by cursor: ten requests a minute, the last minute left out."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from simulator.doubles.answers import Answer, Call, digits, moment, pack_cursor, unpack_cursor, zulu
from simulator.doubles.groups import Group, Row, numbered
from simulator.doubles.limits import Window
from simulator.doubles.parting import tickets_of
from simulator.doubles.shelf import Page, Shelf, Timeline
from simulator.doubles.vendor import UNKNOWN_WORD, Setting

PATH: Final = "/api/v2/incremental/tickets/cursor.json"
LEFT_OUT_US: Final = 60_000_000
ORDER_ID, ORDER_NAME, TRACKING, SCORE = 360000000001, 360000000002, 360000000003, 360000000004
CHANNELS: Final = {"web_form": "web", "email": "email", "chat": "chat", "social": "twitter"}
GOOD: Final = 4  # score from which a rating counts as good


class Zendesk:
    """GET /api/v2/incremental/tickets/cursor.json, ticket_fields.json and users/{id}.json."""

    name = "zendesk"
    key = "double-zendesk-token"
    user = "ops@fieldandfold.example"

    def __init__(self, setting: Setting) -> None:
        self.setting, self.clock = setting, setting.clock
        self.window = Window(setting.clock, 10, 60.0)
        versions = tickets_of(setting, "zendesk")
        first = versions.unique("ticket_id", keep="first", maintain_order=True).sort("arrives_at", "ticket_id")
        self.ids = first["ticket_id"].to_list()
        count = len(first)
        self.versions = Group(versions, numbered(versions["ticket_id"], first["ticket_id"]), count)
        self.shelf = Shelf(Timeline(self.versions.rows, self.versions.at, count))

    def access(self) -> dict[str, str]:
        """User and API token; basic auth as user/token:token, or the token as bearer."""
        return {"user": self.user, "api_token": self.key}

    def refused(self, call: Call) -> Answer | None:
        """Basic auth with an API token, or a bearer token."""
        if call.headers.get("authorization") == f"Bearer {self.key}":
            return None
        return None if call.basic() == (f"{self.user}/token", self.key) else self.bad_key()

    def bad_key(self) -> Answer:
        """401."""
        return Answer(401, {"error": "Couldn't authenticate you"})

    def limited(self, wait: float) -> tuple[int, Any]:
        """429."""
        return 429, {"error": "APIRateLimitExceeded", "description": "Number of allowed requests per minute exceeded"}

    def answer(self, call: Call) -> Answer:
        """Route a request."""
        if call.path == "/api/v2/ticket_fields.json":
            return Answer(200, {"ticket_fields": FIELDS, "next_page": None, "previous_page": None, "count": 4})
        if call.path != PATH or call.method != "GET":
            return Answer(404, {"error": "RecordNotFound", "description": "Not found"})
        wait = self.window.take()
        if wait:
            return Answer(*self.limited(wait), {"Retry-After": str(math.ceil(wait))})
        return self._export(call)

    def _export(self, call: Call) -> Answer:
        now, query = self.clock.as_of_us, call.query
        end = now - LEFT_OUT_US
        size = int(query["per_page"]) if query.get("per_page", "").isdigit() else 1000
        if query.get("cursor"):
            after = unpack_cursor(query["cursor"])
            if after is None:
                return _invalid("cursor is not valid")
        else:
            start = query.get("start_time", "")
            if not start.isdigit():
                return _invalid("start_time must be a Unix time")
            if int(start) * 1_000_000 > end:
                return _invalid("Too recent start_time. Use a start_time older than 60 seconds")
            after = (int(start) * 1_000_000, -1)
        where = self.shelf.updated(now) <= max(end, after[0] if self.shelf.stamps else end)
        for row in self.shelf.stamps:  # edits by faults happen "now", and are let through
            where[row] = True
        page = self.shelf.page(now, min(max(size, 1), 1000), "updated", False, np.asarray(where), after, call.trouble)
        cursor = pack_cursor(*(page.last or after))
        body: Row = {
            "tickets": self._shown(page, call),
            "after_url": f"{call.base_url}{PATH}?cursor={cursor}",
            "after_cursor": cursor,
            "before_url": None,
            "before_cursor": None,
            "end_of_stream": not page.more,
        }
        if "users" in query.get("include", ""):
            rows = self.versions.latest(page.rows, page.as_of)
            body["users"] = list({user["id"]: user for user in map(_user, filter(None, rows))}.values())
        return Answer(200, body)

    def _shown(self, page: Page, call: Call) -> list[Row]:
        versions = self.versions.latest(page.rows, page.as_of)
        bodies = [self._body(now, at, call) for now, at in zip(versions, page.updated, strict=True) if now]
        for place in range(min(call.trouble.records("unknown_enum", 2), len(bodies))):
            body = bodies[(call.trouble.dice + place * 11) % len(bodies)]
            self.setting.note(self.name, str(body["id"]), "status", body["status"], UNKNOWN_WORD)
            body["status"] = UNKNOWN_WORD
        if "naive_times" in call.trouble:
            for body in bodies:
                body["created_at"] = body["created_at"].removesuffix("Z")
                body["updated_at"] = body["updated_at"].removesuffix("Z")
        return bodies

    def _body(self, now: Row, updated: int, call: Call) -> Row:
        values = {ORDER_ID: now["order_id"], ORDER_NAME: now["order_number"], TRACKING: now["tracking_number"]}
        values[SCORE] = None if now["score"] is None else str(now["score"])
        fields = [{"id": number, "value": value} for number, value in values.items()]
        rating = "unoffered" if now["score"] is None else "good" if now["score"] >= GOOD else "bad"
        person = _user(now)["id"]
        return {
            "url": f"{call.base_url}/api/v2/tickets/{now['ticket_id']}.json",
            "id": now["ticket_id"],
            "external_id": None,
            "via": {"channel": CHANNELS[now["channel"]], "source": {"from": {}, "to": {}, "rel": None}},
            "created_at": zulu(now["created_at"]),
            "updated_at": zulu(moment(updated)),
            "generated_timestamp": updated // 1_000_000,
            "type": None,
            "subject": now["subject"],
            "raw_subject": now["subject"],
            "description": now["body"],
            "priority": None,
            "status": now["status"],
            "recipient": None,
            "requester_id": person,
            "submitter_id": person,
            "assignee_id": None,
            "organization_id": None,
            "group_id": 360000000010,
            "collaborator_ids": [],
            "follower_ids": [],
            "email_cc_ids": [],
            "forum_topic_id": None,
            "problem_id": None,
            "has_incidents": False,
            "is_public": True,
            "due_at": None,
            "tags": [now["tags"]] if now["tags"] else [],
            "custom_fields": fields,
            "fields": fields,
            "satisfaction_rating": {"score": rating},
            "followup_ids": [],
            "ticket_form_id": 360000000020,
            "brand_id": 360000000030,
            "allow_channelback": False,
            "allow_attachments": True,
        }


FIELDS: Final = [
    {"id": number, "type": "text", "title": title}
    for number, title in ((ORDER_ID, "Order id"), (ORDER_NAME, "Order"), (TRACKING, "Tracking"), (SCORE, "Score"))
]


def _user(now: Row) -> Row:
    """The requester: with the shop's customer number where the ticket is linked."""
    customer = now["customer_id"]
    return {
        "id": digits("zendesk user", now["email"]),
        "email": now["email"],
        "external_id": None if customer is None else str(customer),
        "role": "end-user",
    }


def _invalid(message: str) -> Answer:
    return Answer(400, {"error": "InvalidValue", "description": message})
