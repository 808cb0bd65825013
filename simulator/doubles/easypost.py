"""EasyPost's trackers: newest first, paged by `before_id`; local times where the place is known, marked Z."""

from __future__ import annotations

import base64
from functools import cache
from typing import Any, Final

import msgspec
import numpy as np
import polars as pl

from simulator.doubles.answers import Answer, Call, hexadecimal, moment, parse_time, zulu
from simulator.doubles.groups import Group, Row, microseconds, numbered
from simulator.doubles.limits import Window
from simulator.doubles.places import local_times
from simulator.doubles.shelf import Page, Shelf, Timeline
from simulator.doubles.vendor import UNKNOWN_WORD, Setting
from simulator.settings import world_settings

GRAMS_PER_OUNCE: Final = 28.349523125
NEW_AFTER_US: Final = 90 * 86_400 * 1_000_000  # a repeated code returns the old tracker for three months


class EasyPost:
    """GET and POST /v2/trackers, GET /v2/trackers/{id}."""

    name = "easypost"
    key = "EZAK-double-easypost-key"

    def __init__(self, setting: Setting) -> None:
        self.setting, self.clock = setting, setting.clock
        self.window = Window(setting.clock, 5, 1.0)
        versions = setting.book["shipments"].filter(pl.col("feed") == "easypost")
        first = versions.unique("shipment_ref", keep="first", maintain_order=True).sort("arrives_at", "shipment_ref")
        self.references = first["shipment_ref"]
        self.ids = ["trk_" + hexadecimal("tracker", text) for text in self.references]
        self.places = {text: row for row, text in enumerate(self.ids)}
        self.codes = first["tracking_number"].to_list()
        count = len(first)
        self.versions = Group(versions, numbered(versions["shipment_ref"], self.references), count)
        scans = setting.book["scans"].filter(pl.col("feed") == "easypost").unique("scan_id", maintain_order=True)
        scans = local_times(scans)
        owner = owners(scans, first)
        self.scans = Group(scans, owner, count)
        self.signers = signers(setting.book["orders"], first["order_id"])
        rows = np.concatenate([self.versions.rows, self.scans.rows])
        changes = np.concatenate([self.versions.at, self.scans.at])
        self.shelf = Shelf(Timeline(rows, changes, count, microseconds(first["label_created_at"])))

    def access(self) -> dict[str, str]:
        """The key, as user of basic auth."""
        return {"api_key": self.key}

    def refused(self, call: Call) -> Answer | None:
        """Basic auth with the key as user and no password."""
        given = call.basic()
        if given is None:
            return _error(401, "APIKEY.MISSING", "No API key was supplied.")
        return None if given[0] == self.key else self.bad_key()

    def bad_key(self) -> Answer:
        """401."""
        return _error(401, "APIKEY.INACTIVE", "This api key is no longer active. Please use a different api key.")

    def limited(self, wait: float) -> tuple[int, Any]:
        """429."""
        message = "You have been rate-limited for making too many requests; slow down and try again."
        return 429, {"error": {"code": "RATE_LIMITED", "message": message, "errors": []}}

    def answer(self, call: Call) -> Answer:
        """Route a request."""
        wait = self.window.take() if call.path == "/v2/trackers" and call.method == "GET" else 0.0
        if wait:
            return Answer(*self.limited(wait))
        if call.path == "/v2/trackers":
            return self._list(call) if call.method == "GET" else self._create(call)
        if call.path.startswith("/v2/trackers/") and call.method == "GET":
            row = self.places.get(call.path.rpartition("/")[2], -1)
            if row >= 0 and self.shelf.updated(self.clock.as_of_us)[row] >= 0:
                return Answer(200, self.trackers([row], self.clock.as_of_us)[0])
        return _error(404, "NOT_FOUND", "The requested resource could not be found.")

    def _list(self, call: Call) -> Answer:
        now, query = self.clock.as_of_us, call.query
        try:
            size = int(query.get("page_size", "20"))
        except ValueError:
            size = 0
        if not 1 <= size <= 100:
            return _error(422, "PAGE_SIZE.INVALID", "page_size must be between 1 and 100.")
        cursor = None
        if "before_id" in query:
            row = self.places.get(query["before_id"])
            if row is None:
                return _error(422, "BEFORE_ID.INVALID", "before_id does not exist.")
            cursor = (int(self.shelf.timeline.created[row]), row)
        where = self._filter(query)
        page = self.shelf.page(now, size, "created", True, where, cursor, call.trouble)
        return Answer(200, {"trackers": self._shown(page, call), "has_more": page.more})

    def _filter(self, query: Any) -> Any:
        created = self.shelf.timeline.created
        where = np.ones(len(created), dtype=np.bool_)
        since, until = parse_time(query.get("start_datetime", "")), parse_time(query.get("end_datetime", ""))
        if since is not None:
            where &= created >= since
        if until is not None:
            where &= created < until
        if "tracking_code" in query:
            where &= np.array([code == query["tracking_code"] for code in self.codes])
        return where

    def _create(self, call: Call) -> Answer:
        """Post a code: the tracker there is, while it is younger than three months."""
        try:
            code = msgspec.json.decode(call.body)["tracker"]["tracking_code"]
        except (msgspec.MsgspecError, KeyError, TypeError):
            return _error(422, "PARAMETER.REQUIRED", "tracking_code is required.")
        now = self.clock.as_of_us
        there = [row for row, own in enumerate(self.codes) if own == code and self.shelf.updated(now)[row] >= 0]
        young = [row for row in there if self.shelf.timeline.created[row] > now - NEW_AFTER_US]
        if not young:
            return _error(422, "TRACKER.NOT_SUPPORTED", "This double tracks only the parcels of its world.")
        return Answer(200, self.trackers(young[:1], now)[0])

    def _shown(self, page: Page, call: Call) -> list[Row]:
        bodies = self.bodies(page.rows, page.as_of, page.updated)
        for place in range(min(call.trouble.records("unknown_enum", 2), len(bodies))):
            body = bodies[(call.trouble.dice + place * 11) % len(bodies)]
            if body["tracking_details"]:
                event = body["tracking_details"][-1]
                self.setting.note(self.name, body["id"], "status_detail", event["status_detail"], UNKNOWN_WORD)
                event["status_detail"] = body["status_detail"] = UNKNOWN_WORD
        if "naive_times" in call.trouble:
            for body in bodies:
                for event in body["tracking_details"]:
                    event["datetime"] = event["datetime"].removesuffix("Z")
        return bodies

    def trackers(self, rows: list[int], at: int) -> list[Row]:
        """Bodies of trackers as they stood at a moment (microseconds)."""
        return self.bodies(rows, [at] * len(rows), self.shelf.updated(at)[rows].tolist())

    def bodies(self, rows: list[int], as_of: list[int], updated: list[int]) -> list[Row]:
        """Bodies, each as it stood at its own moment and with the time of update to show."""
        versions = self.versions.all(rows, as_of)
        scans = self.scans.all(rows, as_of)
        return [
            self._body(row, own, events, at)
            for row, own, events, at in zip(rows, versions, scans, updated, strict=True)
        ]

    def _body(self, row: int, versions: list[Row], scans: list[Row], updated: int) -> Row:
        now, number = versions[-1], self.ids[row]
        last = max(scans, key=lambda scan: scan["occurred_at"]) if scans else None
        estimate = now["last_estimate_date"]
        grams = now["grams"]
        return {
            "id": number,
            "object": "Tracker",
            "mode": "production",
            "tracking_code": now["tracking_number"],
            "status": last["status"] if last else "unknown",
            "status_detail": last["detail"] if last else "unknown",
            "created_at": zulu(moment(int(self.shelf.timeline.created[row]))),
            "updated_at": zulu(moment(updated)),
            "signed_by": self.signers[row] if last and last["status"] == "delivered" else None,
            "weight": None if grams is None else round(grams / GRAMS_PER_OUNCE, 1),
            "est_delivery_date": None if estimate is None else f"{estimate}T00:00:00Z",
            "shipment_id": now["shipment_ref"],
            "carrier": now["carrier"],
            "tracking_details": [_detail(scan, versions) for scan in scans],
            "fees": [{"object": "Fee", "type": "TrackerFee", "amount": "0.02000", "charged": True, "refunded": False}],
            "carrier_detail": {
                "object": "CarrierDetail",
                "service": now["service"],
                "container_type": None,
                "est_delivery_date_local": None if estimate is None else str(estimate),
                "est_delivery_time_local": None,
                "origin_location": f"{now['node']} {now['node_region']}",
                "origin_tracking_location": _origin(now["node_region"]),
                "destination_location": f"{now['region']} {now['country']}",
                "destination_tracking_location": None,
                "guaranteed_delivery_date": None if now["committed_date"] is None else str(now["committed_date"]),
                "alternate_identifier": None,
                "initial_delivery_attempt": None,
            },
            "delivery_evidence": [],
            "finalized": last is not None and last["status"] in ("delivered", "return_to_sender", "cancelled"),
            "is_return": now["is_return"],
            "public_url": "https://track.easypost.com/" + base64.b64encode(f"1:{number}".encode()).decode(),
        }


def _detail(scan: Row, versions: list[Row]) -> Row:
    known = [version for version in versions if version["arrives_at"] <= scan["arrives_at"]]
    estimate = known[-1]["last_estimate_date"] if known else None
    return {
        "object": "TrackingDetail",
        "message": scan["message"],
        "description": "",
        "status": scan["status"],
        "status_detail": scan["detail"],
        "datetime": zulu(scan["local_at"]),
        "source": scan["carrier"],
        "carrier_code": "",
        "tracking_location": _location(scan["city"], scan["region"], scan["country"]),
        "est_delivery_date": None if estimate is None else f"{estimate}T00:00:00Z",
    }


def _location(city: str | None, state: str | None, country: str | None) -> Row:
    return {
        "object": "TrackingLocation",
        "city": city and city.upper(),
        "state": state,
        "country": country,
        "zip": None,
    }


@cache
def _origin(region: str) -> Row:
    """Where parcels from a warehouse start."""
    row = next(row for row in world_settings()["destinations"]["rows"] if row[0] == region)
    return _location(row[8][0], region, "US") | {"zip": row[7] + "01"}


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message, "errors": []}})


def owners(scans: pl.DataFrame, parcels: pl.DataFrame) -> Any:
    """The row in `parcels` of each scan: the parcel with its number whose label came before it, else the first one."""
    table = parcels.select("tracking_number", "label_created_at").with_row_index("row")
    table = table.with_columns(pl.col("row").cast(pl.Int64)).sort("label_created_at")
    wanted = scans.select("tracking_number", (pl.col("occurred_at") + pl.duration(hours=12)).alias("at"))
    wanted = wanted.with_row_index("place").sort("at")
    before = wanted.join_asof(
        table,
        left_on="at",
        right_on="label_created_at",
        by="tracking_number",
        strategy="backward",
        check_sortedness=False,
    ).sort("place")["row"]
    first = numbered(scans["tracking_number"], parcels["tracking_number"])
    return np.where(before.is_null().to_numpy(), first, before.fill_null(-1).to_numpy())


def signers(orders: pl.DataFrame, order_id: pl.Series) -> list[str | None]:
    """Who signs for a parcel, for three in ten: personal data, as carriers report it."""
    people = orders.unique("order_id", keep="first").select("order_id", "person_name")
    names = pl.DataFrame({"order_id": order_id}).join(people, on="order_id", how="left", maintain_order="left")
    return [
        name.upper() if name and int(hexadecimal("signed", own)[:4], 16) % 10 < 3 else None
        for own, name in names.select("order_id", "person_name").iter_rows()
    ]
