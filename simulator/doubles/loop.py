"""Loop's returns: a list by window of at most 120 days, whole or paged by address, money as text."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

import numpy as np
import polars as pl

from simulator.doubles.answers import (
    Answer,
    Call,
    digits,
    moment,
    money,
    pack_cursor,
    parse_time,
    plus_zero,
    unpack_cursor,
)
from simulator.doubles.groups import Group, Row, microseconds, numbered
from simulator.doubles.limits import Window
from simulator.doubles.parting import returns_of
from simulator.doubles.shelf import Shelf, Timeline
from simulator.doubles.vendor import UNKNOWN_WORD, Setting

LONGEST_US: Final = 120 * 86_400 * 1_000_000
STATES: Final = ("open", "closed", "cancelled", "expired", "review")


class Loop:
    """GET /api/v1/warehouse/return/list and /api/v1/warehouse/return/details."""

    name = "loop"
    key = "double-loop-key"

    def __init__(self, setting: Setting) -> None:
        self.setting, self.clock = setting, setting.clock
        self.window = Window(setting.clock, 300, 60.0)
        versions = returns_of(setting, "loop")
        first = versions.unique("return_id", keep="first", maintain_order=True).sort("arrives_at", "return_id")
        self.ids = first["return_id"].cast(pl.Int64).to_list()
        self.places = {text: row for row, text in enumerate(first["return_id"])}
        count = len(first)
        self.versions = Group(versions, numbered(versions["return_id"], first["return_id"]), count)
        lines = setting.book["return_lines"]
        goods = setting.book["order_lines"].select("order_line_id", "title", "variant", "product_id")
        lines = lines.join(goods, on="order_line_id", how="left", maintain_order="left")
        self.lines = Group(lines, numbered(lines["return_id"], first["return_id"]), count)
        labels = setting.book["shipments"].filter(pl.col("is_return"))
        labels = labels.select("order_id", "carrier", "tracking_number", "label_created_at", "arrives_at")
        owned = versions.filter(pl.col("approved_at").is_not_null()).unique("return_id", keep="first")
        joined = labels.join(
            owned.select("return_id", "order_id", "approved_at"),
            left_on=["order_id", "label_created_at"],
            right_on=["order_id", "approved_at"],
        )
        self.labels = Group(joined, numbered(joined["return_id"], first["return_id"]), count)
        orders = setting.book["orders"].unique("order_id", keep="first", maintain_order=True)
        self.order_rows = numbered(first["order_id"], orders["order_id"]).tolist()
        self.orders = orders.select("order_id", "order_number", "email", "country")
        rows = np.concatenate([self.versions.rows, self.labels.rows])
        changes = np.concatenate([self.versions.at, self.labels.at])
        self.shelf = Shelf(Timeline(rows, changes, count, microseconds(first["requested_at"])))

    def access(self) -> dict[str, str]:
        """The key, for the header X-Authorization."""
        return {"api_key": self.key}

    def refused(self, call: Call) -> Answer | None:
        """Header X-Authorization."""
        return None if call.headers.get("x-authorization") == self.key else self.bad_key()

    def bad_key(self) -> Answer:
        """401."""
        return _error(401, "UNAUTHORIZED", "Invalid API key.")

    def limited(self, wait: float) -> tuple[int, Any]:
        """429."""
        return 429, _error(429, "RATE_LIMITED", "Too many requests.").content

    def answer(self, call: Call) -> Answer:
        """Route a request."""
        wait = self.window.take()
        if wait:
            return Answer(*self.limited(wait))
        if call.path == "/api/v1/warehouse/return/list" and call.method == "GET":
            return self._list(call)
        if call.path == "/api/v1/warehouse/return/details" and call.method == "GET":
            row = self.places.get(call.query.get("return_id", ""), -1)
            if row >= 0 and self.shelf.updated(self.clock.as_of_us)[row] >= 0:
                return Answer(200, self.returns([row], self.clock.as_of_us)[0])
        return _error(404, "NOT_FOUND", "The requested resource does not exist.")

    def _list(self, call: Call) -> Answer:
        now, query = self.clock.as_of_us, call.query
        until = parse_time(query["to"]) if "to" in query else now + 10**12
        since = parse_time(query["from"]) if "from" in query else now - 86_400_000_000
        if since is None or until is None:
            return _error(400, "BAD_REQUEST", "from and to must be dates.")
        if min(until, now) - since > LONGEST_US:
            return _error(400, "BAD_REQUEST", "The date range cannot exceed 120 days.")
        column = query.get("filter", "created_at")
        if column not in ("created_at", "updated_at"):
            return _error(400, "BAD_REQUEST", "filter must be created_at or updated_at.")
        by = column.removesuffix("_at")
        key = self.shelf.updated(now) if by == "updated" else self.shelf.timeline.created
        where = (key >= since) & (key <= until)
        if query.get("state"):
            where &= self._in_state(query["state"], now)
        if query.get("paginate") != "true":
            page = self.shelf.page(now, max(len(self.ids), 1), by, False, where, None, call.trouble)
            return Answer(200, self._shown(page, call))
        size = int(query.get("pageSize", "50")) if query.get("pageSize", "50").isdigit() else 0
        if not 1 <= size <= 250:
            return _error(400, "BAD_REQUEST", "pageSize must lie between 1 and 250.")
        after = unpack_cursor(query["cursor"]) if query.get("cursor") else None
        page = self.shelf.page(now, size, by, False, where, after, call.trouble)
        follow = None
        if page.more and page.last:
            follow = f"{call.base_url}{call.path}?{urlencode(dict(query) | {'cursor': pack_cursor(*page.last)})}"
        return Answer(200, {"returns": self._shown(page, call), "nextPageUrl": follow, "previousPageUrl": None})

    def _in_state(self, state: str, now: int) -> Any:
        rows = list(range(len(self.ids)))
        versions = self.versions.latest(rows, [now] * len(rows))
        return np.array([version is not None and version["state"] == state for version in versions], dtype=np.bool_)

    def _shown(self, page: Any, call: Call) -> list[Row]:
        bodies = self.bodies(page.rows, page.as_of, page.updated)
        for place in range(min(call.trouble.records("unknown_enum", 2), len(bodies))):
            body = bodies[(call.trouble.dice + place * 11) % len(bodies)]
            self.setting.note(self.name, str(body["id"]), "state", body["state"], UNKNOWN_WORD)
            body["state"] = UNKNOWN_WORD
        if "naive_times" in call.trouble:
            for body in bodies:
                for name in ("created_at", "updated_at", "label_updated_at"):
                    body[name] = body[name] and body[name][:19].replace("T", " ")
        return bodies

    def returns(self, rows: list[int], at: int) -> list[Row]:
        """Bodies of returns as they stood at a moment (microseconds)."""
        return self.bodies(rows, [at] * len(rows), self.shelf.updated(at)[rows].tolist())

    def bodies(self, rows: list[int], as_of: list[int], updated: list[int]) -> list[Row]:
        """Bodies, each as it stood at its own moment and with the time of update to show."""
        packed = zip(
            rows,
            self.versions.latest(rows, as_of),
            self.lines.all(rows, as_of),
            self.labels.latest(rows, as_of),
            self.orders[[self.order_rows[row] for row in rows]].to_dicts() if rows else [],
            updated,
            strict=True,
        )
        return [self._body(row, now, lines, label, order, at) for row, now, lines, label, order, at in packed if now]

    def _body(self, row: int, now: Row, lines: list[Row], label: Row | None, order: Row, updated: int) -> Row:
        total = sum(line["amount_cents"] for line in lines)
        outcome = now["outcome"] if now["outcome"] != "expired" else None
        status, status_at = _label(now)
        return {
            "id": self.ids[row],
            "state": now["state"],
            "created_at": plus_zero(now["requested_at"]),
            "updated_at": plus_zero(moment(updated)),
            "total": money(now["refund_cents"] + now["retained_cents"]),
            "order_id": digits("loop order", now["order_id"], limit=10**9),
            "order_name": order["order_number"],
            "provider_order_id": now["order_id"],
            "order_number": order["order_number"].lstrip("#"),
            "customer": order["email"],
            "currency": "USD",
            "return_product_total": money(total),
            "return_discount_total": "0.00",
            "return_tax_total": "0.00",
            "return_total": money(total),
            "return_credit_total": money(0),
            "exchange_product_total": money(now["retained_cents"] if outcome == "exchange" else 0),
            "exchange_total": money(now["retained_cents"] if outcome == "exchange" else 0),
            "gift_card": money(now["retained_cents"] if outcome in ("store_credit", "gift_card") else 0),
            "handling_fee": "0.00",
            "refund": money(now["refund_cents"]),
            "refunds": [
                {"id": digits("loop refund", now["return_id"]), "amount": money(now["refund_cents"]),
                 "created_at": plus_zero(now["refunded_at"]), "gateway": "shopify_payments"}
            ] if now["refunded_at"] and now["refund_cents"] else [],
            "upsell": "0.00",
            "line_items": [_line(line, outcome) for line in lines],
            "exchanges": [],
            "outcome": outcome,
            "carrier": label and label["carrier"],
            "tracking_number": label and label["tracking_number"],
            "label_status": status if label else None,
            "label_updated_at": plus_zero(status_at) if label else None,
            "label_url": None,
            "destination_id": None,
            "status_page_url": f"https://returns.example.test/status/{self.ids[row]}",
            "return_method": {"provider": "loop", "type": "mail"},
            "type": "default",
        }  # fmt: skip


def _label(now: Row) -> tuple[str | None, Any]:
    if now["state"] == "expired":
        return "expired", now["arrives_at"]
    for status, column in (("delivered", "received_at"), ("in_transit", "label_first_scan_at"), ("new", "approved_at")):
        if now[column] is not None:
            return status, now[column]
    return None, None


def _line(line: Row, outcome: str | None) -> Row:
    return {
        "line_item_id": int(line["return_line_id"]),
        "provider_line_item_id": int(line["order_line_id"]),
        "product_id": line["product_id"] and str(line["product_id"]),
        "sku": line["sku"],
        "title": line["title"],
        "variant": line["variant"],
        "quantity": line["quantity"],
        "price": money(line["amount_cents"]),
        "discount": "0.00",
        "tax": "0.00",
        "refund": money(line["amount_cents"] if outcome == "refund" else 0),
        "outcome": outcome,
        "return_reason": line["reason_code"],
        "parent_return_reason": None,
        "return_comment": line["note"],
    }


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"errors": [{"code": code, "message": message}]})
