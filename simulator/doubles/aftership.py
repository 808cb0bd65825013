"""AfterShip's trackings: paged by cursor, local checkpoint times with their offset, receipt times in UTC."""

from __future__ import annotations

import time
from typing import Any, Final

import numpy as np
import polars as pl

from simulator.doubles.answers import (
    Answer,
    Call,
    hexadecimal,
    moment,
    pack_cursor,
    parse_time,
    plus_zero,
    unpack_cursor,
)
from simulator.doubles.easypost import owners, signers
from simulator.doubles.groups import Group, Row, microseconds, numbered
from simulator.doubles.limits import Window
from simulator.doubles.places import THREE_LETTERS, local_times
from simulator.doubles.shelf import Page, Shelf, Timeline
from simulator.doubles.vendor import UNKNOWN_WORD, Setting

SLUGS: Final = {"DHLExpress": "dhl", "OnTrac": "ontrac"}


class AfterShip:
    """GET /tracking/{version}/trackings and /trackings/{id}."""

    name = "aftership"
    key = "asat_double_aftership_key"

    def __init__(self, setting: Setting) -> None:
        self.setting, self.clock = setting, setting.clock
        self.window = Window(setting.clock, 6, 1.0)
        versions = setting.book["shipments"].filter(pl.col("feed") == "aftership")
        first = versions.unique("shipment_ref", keep="first", maintain_order=True).sort("arrives_at", "shipment_ref")
        self.ids = [hexadecimal("tracking", text) for text in first["shipment_ref"]]
        self.places = {text: row for row, text in enumerate(self.ids)}
        count = len(first)
        self.versions = Group(versions, numbered(versions["shipment_ref"], first["shipment_ref"]), count)
        scans = setting.book["scans"].filter(pl.col("feed") == "aftership").unique("scan_id", maintain_order=True)
        self.scans = Group(local_times(scans), owners(scans, first), count)
        orders = setting.book["orders"].unique("order_id", keep="first", maintain_order=True)
        self.order_rows = numbered(first["order_id"], orders["order_id"]).tolist()
        self.orders = orders.select(
            "order_id", "order_number", "person_name", "email", "phone", "language", "city", "postal", "promised_date"
        )
        self.signers = signers(orders, first["order_id"])
        rows = np.concatenate([self.versions.rows, self.scans.rows])
        changes = np.concatenate([self.versions.at, self.scans.at])
        self.shelf = Shelf(Timeline(rows, changes, count, microseconds(first["label_created_at"])))

    def access(self) -> dict[str, str]:
        """The key, for the header as-api-key."""
        return {"api_key": self.key}

    def refused(self, call: Call) -> Answer | None:
        """Header as-api-key."""
        return None if call.headers.get("as-api-key") == self.key else self.bad_key()

    def bad_key(self) -> Answer:
        """401."""
        return _error(401, "Unauthorized", "The API key is invalid.")

    def limited(self, wait: float) -> tuple[int, Any]:
        """429."""
        return 429, _error(429, "TooManyRequests", "You have exceeded the API call rate limit.").content

    def answer(self, call: Call) -> Answer:
        """Route a request; every answer tells the limit."""
        wait = self.window.take()
        result = Answer(*self.limited(wait)) if wait else self._route(call)
        reset = time.time() + max(self.window.reset_seconds, wait)
        result.headers |= {
            "X-RateLimit-Limit": str(self.window.limit),
            "X-RateLimit-Remaining": str(self.window.remaining),
            "X-RateLimit-Reset": str(int(reset) + 1),
        }
        return result

    def _route(self, call: Call) -> Answer:
        parts = call.path.strip("/").split("/")
        if call.method != "GET" or len(parts) < 3 or parts[0] != "tracking" or parts[2] != "trackings":
            return _error(404, "NotFound", "The URI requested is invalid or the resource does not exist.")
        if len(parts) == 3:
            return self._list(call)
        row = self.places.get(parts[3], -1)
        now = self.clock.as_of_us
        if row < 0 or self.shelf.updated(now)[row] < 0:
            return _error(404, "NotFound", "Tracking does not exist.")
        return Answer(200, {"meta": {"code": 200}, "data": self.trackings([row], now)[0]})

    def _list(self, call: Call) -> Answer:
        now, query = self.clock.as_of_us, call.query
        try:
            size = int(query.get("limit", "100"))
        except ValueError:
            size = 0
        if not 1 <= size <= 200:
            return _error(400, "BadRequest", "The value of `limit` is invalid: 1 to 200.")
        after = None
        if query.get("cursor"):
            after = unpack_cursor(query["cursor"])
            if after is None:
                return _error(400, "BadRequest", "The value of `cursor` is invalid.")
        where = self._filter(query, now)
        if isinstance(where, Answer):
            return where
        page = self.shelf.page(now, size, "created", True, where, after, call.trouble)
        following = pack_cursor(*page.last) if page.more and page.last else ""
        data = {
            "limit": size,
            "pagination": {"total": page.total, "next_cursor": following, "has_next_page": page.more},
            "trackings": self._shown(page, call),
        }
        return Answer(200, {"meta": {"code": 200}, "data": data})

    def _filter(self, query: Any, now: int) -> Any:
        values = {"created": self.shelf.timeline.created, "updated": self.shelf.updated(now)}
        where = np.ones(len(self.ids), dtype=np.bool_)
        for name, column in values.items():
            for side in ("min", "max"):
                text = query.get(f"{name}_at_{side}")
                if not text:
                    continue
                at = parse_time(text.replace(" ", "+"))
                if at is None:
                    return _error(400, "BadRequest", f"The value of `{name}_at_{side}` is invalid.")
                where &= (column >= at) if side == "min" else (column <= at)
        return where

    def _shown(self, page: Page, call: Call) -> list[Row]:
        bodies = self.bodies(page.rows, page.as_of, page.updated)
        for place in range(min(call.trouble.records("unknown_enum", 2), len(bodies))):
            body = bodies[(call.trouble.dice + place * 11) % len(bodies)]
            if body["checkpoints"]:
                event = body["checkpoints"][-1]
                self.setting.note(self.name, body["id"], "subtag", event["subtag"], UNKNOWN_WORD)
                event["subtag"] = body["subtag"] = UNKNOWN_WORD
        if "naive_times" in call.trouble:
            for body in bodies:
                for event in body["checkpoints"]:
                    event["checkpoint_time"] = event["checkpoint_time"][:19]
        return bodies

    def trackings(self, rows: list[int], at: int) -> list[Row]:
        """Bodies of trackings as they stood at a moment (microseconds)."""
        return self.bodies(rows, [at] * len(rows), self.shelf.updated(at)[rows].tolist())

    def bodies(self, rows: list[int], as_of: list[int], updated: list[int]) -> list[Row]:
        """Bodies, each as it stood at its own moment and with the time of update to show."""
        versions = self.versions.all(rows, as_of)
        scans = self.scans.all(rows, as_of)
        orders = self.orders[[self.order_rows[row] for row in rows]].to_dicts() if rows else []
        packed = zip(rows, versions, scans, orders, updated, strict=True)
        return [self._body(row, own, events, order, at) for row, own, events, order, at in packed]

    def _body(self, row: int, versions: list[Row], scans: list[Row], order: Row, updated: int) -> Row:
        now = versions[-1]
        last = max(scans, key=lambda scan: scan["occurred_at"]) if scans else None
        taken = _first(scans, lambda scan: scan["detail"] == "InTransit_002")
        done = _first(scans, lambda scan: scan["status"] == "Delivered")
        tried = [scan for scan in scans if scan["status"] == "AttemptFail"]
        attempted = _first(scans, lambda scan: scan["status"] in ("AttemptFail", "Delivered"))
        estimates = [version["last_estimate_date"] for version in versions if version["last_estimate_date"]]
        created = plus_zero(moment(int(self.shelf.timeline.created[row])))
        return {
            "id": self.ids[row],
            "created_at": created,
            "updated_at": plus_zero(moment(updated)),
            "tracking_number": now["tracking_number"],
            "slug": SLUGS.get(now["carrier"], "other"),
            "active": last is None or last["status"] not in ("Delivered", "Expired"),
            "title": order["order_number"],
            "tag": last["status"] if last else "Pending",
            "subtag": last["detail"] if last else "Pending_001",
            "subtag_message": last["message"] if last else "",
            "source": "api",
            "language": order["language"],
            "tracked_count": len(scans),
            "customers": [
                {"role": "buyer", "name": order["person_name"], "email": order["email"],
                 "phone_number": order["phone"], "language": order["language"]}
            ],
            "order_id": now["order_id"],
            "order_number": order["order_number"],
            "order_promised_delivery_date": str(order["promised_date"]),
            "shipment_type": now["service"],
            "shipment_weight": None if now["grams"] is None else {"unit": "g", "value": now["grams"]},
            "shipment_package_count": 1,
            "shipment_pickup_date": _wall(taken),
            "shipment_delivery_date": _wall(done),
            "first_attempted_at": _wall(attempted),
            "failed_delivery_attempts": len(tried),
            "signed_by": self.signers[row] if done else None,
            "courier_estimated_delivery": _estimate(estimates[-1:]),
            "first_estimated_delivery": _estimate(estimates[:1]),
            "latest_estimated_delivery": _estimate(estimates[-1:]),
            "aftership_estimated_delivery_date": None,
            "on_time_status": None,
            "on_time_difference": None,
            "transit_time": (done["local_at"].date() - taken["local_at"].date()).days if done and taken else None,
            "return_to_sender": any(scan["detail"] in ("Exception_010", "Exception_011") for scan in scans),
            "origin_country_region": "USA",
            "origin_state": now["node_region"],
            "origin_city": None,
            "origin_postal_code": None,
            "origin_raw_location": f"{now['node']}, {now['node_region']}, USA",
            "destination_country_region": THREE_LETTERS[now["country"]],
            "destination_state": now["region"],
            "destination_city": order["city"],
            "destination_postal_code": order["postal"],
            "destination_raw_location": f"{order['city']}, {now['region']}, {THREE_LETTERS[now['country']]}",
            "tracking_ship_date": None,
            "custom_fields": None,
            "order_tags": [],
            "shipment_tags": [],
            "checkpoints": [_checkpoint(scan) for scan in scans],
        }  # fmt: skip


def _first(scans: list[Row], test: Any) -> Row | None:
    found = [scan for scan in scans if test(scan)]
    return min(found, key=lambda scan: scan["occurred_at"]) if found else None


def _wall(scan: Row | None) -> str | None:
    """Local time with its offset."""
    if scan is None:
        return None
    minutes = abs(scan["offset"])
    sign = "-" if scan["offset"] < 0 else "+"
    return f"{scan['local_at'].isoformat(timespec='seconds')}{sign}{minutes // 60:02d}:{minutes % 60:02d}"


def _estimate(days: list[Any]) -> Row | None:
    if not days:
        return None
    return {
        "type": "specific",
        "source": "Courier",
        "datetime": str(days[0]),
        "datetime_min": None,
        "datetime_max": None,
    }


def _checkpoint(scan: Row) -> Row:
    country = THREE_LETTERS.get(scan["country"])
    place = ", ".join(text for text in (scan["city"], scan["region"], country) if text)
    return {
        "created_at": plus_zero(scan["arrives_at"]),
        "slug": SLUGS.get(scan["carrier"], "other"),
        "checkpoint_time": _wall(scan),
        "tag": scan["status"],
        "subtag": scan["detail"],
        "subtag_message": scan["message"],
        "raw_tag": None,
        "message": scan["message"],
        "location": place or None,
        "city": scan["city"],
        "state": scan["region"],
        "zip": None,
        "country_region": country,
        "country_region_name": scan["country"],
        "coordinate": None,
        "events": [],
        "source": "courier",
        "hash": hexadecimal("checkpoint", scan["scan_id"]),
    }


def _error(status: int, kind: str, message: str) -> Answer:
    return Answer(status, {"meta": {"code": status, "type": kind, "message": message}, "data": {}})
