"""Without faults every record that is there comes exactly once, in any page size, and says what the world says."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

if TYPE_CHECKING:
    from simulator.doubles.book import Book
    from tests.unit.simulator.doubles.conftest import Opener, Reader

SIZES = {"shopify": 30, "easypost": 100, "aftership": 100, "loop": 50, "zendesk": 200, "gorgias": 100}


def _expected(book: Book, vendor: str) -> set[str]:
    tables = book.tables
    match vendor:
        case "shopify":
            return {f"gid://shopify/Order/{number}" for number in tables["orders"]["order_id"]}
        case "easypost" | "aftership":
            return set(tables["shipments"].filter(pl.col("feed") == vendor)["tracking_number"])
        case "loop":
            home = tables["orders"].filter(pl.col("country") == "US")["order_id"]
            return set(tables["returns"].filter(pl.col("order_id").is_in(home.implode()))["return_id"])
        case _:
            tickets = tables["tickets"]
            if vendor == "zendesk":  # the last minute is left out
                tickets = tickets.filter(pl.col("arrives_at") <= book.until.replace(tzinfo=None) - timedelta(minutes=1))
            own = pl.col("channel").is_in(["chat", "social"])
            return {str(number) for number in tickets.filter(own if vendor == "gorgias" else ~own)["ticket_id"]}


@pytest.mark.parametrize("vendor", SIZES)
def test_every_record_comes_exactly_once(reader: Reader, book: Book, vendor: str) -> None:
    name = "tracking_code" if vendor == "easypost" else "tracking_number" if vendor == "aftership" else "id"
    found = [record for page in getattr(reader, vendor)(SIZES[vendor]) for record in page]
    ids = [str(record["id"]) for record in found]
    assert len(ids) == len(set(ids))
    assert {str(record[name]) for record in found} == _expected(book, vendor)
    assert len(ids) > 20


@pytest.mark.parametrize("vendor", ["loop", "zendesk", "gorgias"])
def test_page_size_does_not_matter(reader: Reader, vendor: str) -> None:
    assert reader.all(vendor, 7) == reader.all(vendor, 100)


def test_all_scans_come_with_their_trackers(reader: Reader, book: Book) -> None:
    told = sum(len(tracker["tracking_details"]) for tracker in reader.all("easypost", 100))
    scans = book["scans"].filter(pl.col("feed") == "easypost")
    assert told == scans["scan_id"].n_unique()
    told = sum(len(tracking["checkpoints"]) for tracking in reader.all("aftership", 200))
    assert told == book["scans"].filter(pl.col("feed") == "aftership")["scan_id"].n_unique()


def test_aftership_times_are_the_worlds(reader: Reader, book: Book) -> None:
    events = [event for tracking in reader.all("aftership", 200) for event in tracking["checkpoints"]]
    told = sorted(datetime.fromisoformat(event["checkpoint_time"]).timestamp() for event in events)
    scans = book["scans"].filter(pl.col("feed") == "aftership").unique("scan_id")
    assert told == sorted((scans["occurred_at"].dt.timestamp("us") / 1e6).to_list())
    assert len({event["checkpoint_time"][-6:] for event in events}) > 3


def test_easypost_times_are_local_where_the_place_is_known(reader: Reader, book: Book) -> None:
    scans = book["scans"].filter((pl.col("feed") == "easypost") & (pl.col("region") == "CA"))
    at = {row["tracking_number"]: row["occurred_at"] for row in scans.sort("occurred_at").iter_rows(named=True)}
    seen = 0
    for tracker in reader.all("easypost", 100):
        events = [one for one in tracker["tracking_details"] if one["tracking_location"]["state"] == "CA"]
        if events and tracker["tracking_code"] in at:
            latest = max(one["datetime"] for one in events)
            assert latest == (at[tracker["tracking_code"]] - timedelta(hours=7)).isoformat() + "Z"
            seen += 1
    assert seen > 20


def test_shopify_filters_by_update_and_pages_nested_lists(reader: Reader) -> None:
    everything = reader.all("shopify", 30)
    assert [order["updatedAt"] for order in everything] == sorted(order["updatedAt"] for order in everything)
    middle = everything[len(everything) // 2]["updatedAt"]
    later = [order for page in reader.shopify(30, f"updated_at:>='{middle}'") for order in page]
    assert later == [order for order in everything if order["updatedAt"] >= middle]
    big = max(everything, key=lambda order: len(order["lineItems"]["nodes"]))
    query = """query($id: ID!, $after: String) { order(id: $id) { lineItems(first: 1, after: $after) {
        edges { cursor node { id } } pageInfo { hasNextPage endCursor } } } }"""
    found, after = [], None
    while True:
        lines = reader.graphql(query, id=big["id"], after=after).json()["data"]["order"]["lineItems"]
        found += [edge["node"]["id"] for edge in lines["edges"]]
        if not lines["pageInfo"]["hasNextPage"]:
            break
        after = lines["pageInfo"]["endCursor"]
    assert found == [line["id"] for line in big["lineItems"]["nodes"]]
    assert len(found) > 1


def test_only_what_was_known_at_the_moment_is_shown(opened: Opener, book: Book) -> None:
    moment = book.until - timedelta(days=15)
    early = opened(as_of=moment)
    orders = early.all("shopify", 30)
    placed = book["orders"].filter(pl.col("arrives_at") <= moment.replace(tzinfo=None))["order_id"].n_unique()
    assert len(orders) == placed
    assert max(order["updatedAt"] for order in orders) <= moment.isoformat()
    trackers = {tracker["id"]: tracker for tracker in early.all("easypost", 100)}
    early.client.post(f"{early.served.address}/_control/clock", json={"as_of": book.until.isoformat()})
    later = {tracker["id"]: tracker for tracker in early.all("easypost", 100)}
    moved = [key for key in trackers if later[key]["updated_at"] > trackers[key]["updated_at"]]
    assert moved
    assert any(later[key]["status"] == "delivered" != trackers[key]["status"] for key in moved)
    assert all(tracker["updated_at"] <= moment.isoformat() for tracker in trackers.values())


def test_the_clock_does_not_go_past_what_is_known(reader: Reader) -> None:
    answer = reader.client.post(f"{reader.served.address}/_control/clock", json={"as_of": "2031-01-01T00:00:00Z"})
    assert answer.status_code == 400


def test_loop_refuses_more_than_120_days(reader: Reader) -> None:
    answer = reader.get("loop", "/api/v1/warehouse/return/list", **{"from": "2026-01-01", "to": "2026-08-01"})
    assert answer.status_code == 400


def test_easypost_gives_the_old_tracker_for_a_repeated_code(reader: Reader) -> None:
    tracker = next(reader.easypost())[0]
    own = reader.access["easypost"]
    answer = reader.client.post(
        f"{own['base_url']}/v2/trackers",
        json={"tracker": {"tracking_code": tracker["tracking_code"]}},
        auth=(own["api_key"], ""),
    )
    assert answer.json()["id"] == tracker["id"]


def test_gorgias_gives_the_words_with_one_ticket(reader: Reader) -> None:
    ticket = next(reader.gorgias())[0]
    whole = reader.get("gorgias", f"/api/tickets/{ticket['id']}").json()
    assert whole["messages"][0]["body_text"].startswith(ticket["excerpt"])


def test_zendesk_names_requesters_on_request(reader: Reader) -> None:
    page = reader.get("zendesk", "/api/v2/incremental/tickets/cursor.json", start_time=1, include="users").json()
    assert {ticket["requester_id"] for ticket in page["tickets"]} == {user["id"] for user in page["users"]}
    soon = reader.get("zendesk", "/api/v2/incremental/tickets/cursor.json", start_time=4_000_000_000)
    assert soon.status_code == 400
