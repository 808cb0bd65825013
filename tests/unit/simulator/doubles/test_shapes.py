"""Bodies against recorded and documented ones: the same keys with the same JSON types, and none left out silently."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from simulator.doubles.shopify import rest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.simulator.doubles.conftest import Reader

Types = dict[str, set[str]]

# Recorded bodies show only null here; the vendor's own reference says what else may stand there.
ONLY_NULL_RECORDED = {
    "tracking_details[].est_delivery_date": "str",
    "carrier_detail.guaranteed_delivery_date": "str",
}
LEFT_OUT = {
    "previous_attributes.state": "of events about batches",
}
STATUSES = {
    "unknown", "pre_transit", "in_transit", "out_for_delivery", "delivered", "available_for_pickup", "return_to_sender",
    "failure", "cancelled", "error",
}  # fmt: skip
TAGS = {
    "Pending", "InfoReceived", "InTransit", "OutForDelivery", "AttemptFail", "Delivered", "AvailableForPickup",
    "Exception", "Expired",
}  # fmt: skip
# REST fields that recorded orders (of an older API version) do not have.
NEWER_REST = {
    "admin_graphql_api_id", "phone", "processed_at", "cancel_reason", "address2", "company", "country_code",
    "latitude", "longitude", "first_name", "last_name", "province_code", "total_discount", "source", "refunds",
}  # fmt: skip


def _walk(value: Any, path: str, types: Types) -> None:
    types.setdefault(path, set()).add("float" if type(value) is int else type(value).__name__)
    if isinstance(value, dict):
        for name, inner in value.items():
            _walk(inner, f"{path}.{name}" if path else name, types)
    elif isinstance(value, list):
        for inner in value:
            _walk(inner, f"{path}[]", types)


def _found(value: Any, kind: str) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        if value.get("object") == kind:
            yield value
        for inner in value.values():
            yield from _found(inner, kind)
    elif isinstance(value, list):
        for inner in value:
            yield from _found(inner, kind)


def _recorded(payloads: Path, kind: str) -> Types:
    types: Types = {}
    count = 0
    for file in sorted((payloads / "easypost").rglob("*.json")):
        for body in _found(json.loads(file.read_text(encoding="utf-8")), kind):
            count += 1
            _walk({name: value for name, value in body.items() if name != "result"}, "", types)
    assert count > 30
    return types


def _compare(sent: Types, recorded: Types) -> None:
    assert set(sent) <= set(recorded), "keys that no payload shows"
    assert set(recorded) - set(sent) <= set(LEFT_OUT), "documented keys that are not sent"
    for path, kinds in sent.items():
        allowed = recorded[path] | ({ONLY_NULL_RECORDED[path]} if path in ONLY_NULL_RECORDED else set())
        assert kinds <= allowed, path


def test_trackers_have_the_recorded_shape(reader: Reader, payloads: Path) -> None:
    sent: Types = {}
    for tracker in reader.all("easypost", 100):
        _walk(tracker, "", sent)
    _compare(sent, _recorded(payloads, "Tracker"))


def test_every_recorded_list_has_the_keys_of_ours(reader: Reader, payloads: Path) -> None:
    own = set(reader.get("easypost", "/v2/trackers").json())
    lists = [file for file in (payloads / "easypost").rglob("*.json") if "tracker_all" in file.name or
             file.name == "trackers-list.json"]  # fmt: skip
    assert lists
    for file in lists:
        assert set(json.loads(file.read_text(encoding="utf-8"))) == own


def test_errors_have_the_recorded_shape(reader: Reader, payloads: Path) -> None:
    recorded = json.loads((payloads / "easypost/recorded/test_event_retrieve_payload.3.json").read_text("utf-8"))
    answer = reader.get("easypost", "/v2/trackers/trk_nothing")
    assert answer.status_code == 404
    assert set(answer.json()["error"]) == set(recorded["error"])


def test_events_have_the_recorded_shape(reader: Reader, payloads: Path) -> None:
    sent: Types = {}
    for place, one in enumerate(reader.served.app.deliveries("easypost", 0, reader.served.clock.as_of_us)):
        body = json.loads(one.body)
        assert body.pop("result")["object"] == "Tracker"
        _walk(body, "", sent)
        if place == 300:
            break
    _compare(sent, _recorded(payloads, "Event"))


def test_words_are_among_the_documented_ones(reader: Reader) -> None:
    trackers = {tracker["status"] for tracker in reader.all("easypost", 100)}
    assert trackers <= STATUSES
    assert {tracking["tag"] for tracking in reader.all("aftership", 200)} <= TAGS
    assert {one["state"] for one in reader.all("loop", 100)} <= {"open", "closed", "cancelled", "expired", "review"}


@pytest.mark.parametrize("name", ["order", "fulfillment", "refund"])
def test_webhook_bodies_have_the_recorded_rest_keys(reader: Reader, payloads: Path, name: str) -> None:
    recorded: Types = {}
    for file in sorted((payloads / "shopify").rglob("*.json")):
        _walk(json.loads(file.read_text(encoding="utf-8")), "", recorded)
    known = {path.rpartition(".")[2].removesuffix("[]") for path in recorded}
    orders = _objects(reader)
    made = {
        "order": [rest.order(order) for order in orders],
        "fulfillment": [rest.fulfillment(order, one) for order in orders for one in order["fulfillments"]],
        "refund": [rest.refund(order, one) for order in orders for one in order["refunds"]],
    }[name]
    sent: Types = {}
    for body in made:
        _walk(body, "", sent)
    keys = {path.rpartition(".")[2].removesuffix("[]") for path in sent} - {""}
    later = {"return", "restock_type", "order_adjustments", "shipment_status", "location_id", "subtotal", "total_tax",
             "confirmed", "currency", "name", "user_id", "transactions", "taxable", "tax_lines", "phone"}  # fmt: skip
    assert keys - known <= NEWER_REST | later


def _objects(reader: Reader) -> list[dict[str, Any]]:
    now = reader.served.clock.as_of_us
    double = reader.served.app.shopify
    rows = list(range(0, len(double.orders.numbers), 3))
    return double.orders.objects(rows, [now] * len(rows), [now] * len(rows))
