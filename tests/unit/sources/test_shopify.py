"""Shopify in its three forms: pages, the file of a bulk operation, and the bodies of webhooks say the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipelines.domain.pages import CursorLostError, Page, Window
from pipelines.landing import Landing
from pipelines.landing.keys import generate
from pipelines.sources.shopify import client, queries
from pipelines.sources.shopify.entities import rest_cuts
from pipelines.sources.shopify.settings import ShopifySettings
from pipelines.sources.shopify.source import streams
from simulator.doubles.book import Book
from simulator.doubles.faults import Faults
from simulator.doubles.server import Served, serving
from simulator.doubles.shopify import rest

ATTRIBUTES = {
    "promised_date_attribute": "promised_delivery_date",
    "packed_at_attribute": "packed_at",
    "ship_from_attribute": "ship_from",
    "time_zone_attribute": "ship_to_time_zone",
}
UNLIKE = {
    "status", "display_status", "financial_status", "fulfillment_status", "cancel_reason", "product_type", "weight_unit",
    "delivered_at", "in_transit_at", "estimated_delivery_at", "location_name", "location_province_code",
    "location_country_code", "time_zone",
}  # fmt: skip
PAGES = {"after": None}  # a cursor that asks for pages


@pytest.fixture(scope="module")
def served(book: Book) -> Iterator[Served]:
    with serving(book) as served:
        yield served


def settings(served: Served) -> ShopifySettings:
    return ShopifySettings(base_url=served.base_url("shopify"), **ATTRIBUTES)


def read(served: Served, cursor: Any, window: Window | None = None, **more: Any) -> list[Page]:
    with client.connect(settings(served), sleep=lambda seconds: None, **more) as http:
        return list(client.orders(http, window or Window(), cursor))


def records(pages: list[Page]) -> dict[str, Any]:
    """Orders by id, without what tells only how they came."""
    found = [json.loads(record) for page in pages for record in page.records]
    assert len(found) == len({one["id"] for one in found})
    return {one["id"]: _bare(one) for one in found}


def _bare(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: _bare(one) for name, one in value.items() if name not in ("pageInfo", "__parentId")}
        return {name: one for name, one in kept.items() if one != {"nodes": []}}
    return [_bare(one) for one in value] if isinstance(value, list) else value


def test_bulk_and_pages_say_the_same_of_every_order(served: Served) -> None:
    bulk, pages = read(served, None), read(served, PAGES)
    assert records(bulk) == records(pages)
    assert len(records(bulk)) > 400
    assert any(len(one["fulfillments"]) >= queries.FULFILLMENTS - 1 for one in records(bulk).values())


def test_lists_are_read_to_their_ends_however_short_they_are_asked_for(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = records(read(served, PAGES))
    monkeypatch.setattr(queries, "FULFILLMENTS", 1)
    monkeypatch.setattr(queries, "REFUNDS", 1)
    fields = f"{queries._lines(1)} {queries._fulfillments(1)} {queries._refunds(1)} {queries._returns(1, 1)}"
    monkeypatch.setattr(queries, "ORDERS", queries._page(f"{queries._ORDER} {fields}"))
    monkeypatch.setitem(queries.MORE, "lineItems", queries._more("Order", queries._lines(1, ",after:$after")))
    window = Window(since=datetime(2026, 8, 25, tzinfo=UTC))
    short = records(read(served, PAGES, window))
    assert len(short) > 100 and short == {own: whole[own] for own in short}


def test_a_file_that_breaks_off_is_read_on_and_nothing_is_given_twice(book: Book) -> None:
    troubles = {"reset": {"at": [4]}, "truncated": {"at": [5]}, "html": {"at": [6]}, "server_error": {"at": [7]}}
    with serving(book, faults=Faults({"shopify": troubles})) as served:
        found = records(read(served, None))
        assert sum(served.faults.struck["shopify"].values()) == 4
    assert len(found) == book["orders"]["order_id"].n_unique()


def test_a_pull_goes_on_where_it_was_broken_off(served: Served) -> None:
    for start in (None, PAGES):
        pages = read(served, start)
        place = len(pages) // 2
        rest_of = read(served, pages[place - 1].cursor)
        assert [page.records for page in rest_of] == [page.records for page in pages[place:]]


def test_an_operation_that_is_gone_is_a_lost_place_and_so_is_a_cursor_that_is_none(served: Served) -> None:
    for cursor in ({"bulk": "gid://shopify/BulkOperation/99999", "given": 5}, {"after": "nowhere"}):
        with pytest.raises(CursorLostError):
            read(served, cursor)


def test_the_file_on_another_host_gets_no_token(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, str]] = []
    whole = served.app.doubles["shopify"]._file
    monkeypatch.setattr(
        served.app.doubles["shopify"], "_file", lambda call: (asked.append(dict(call.headers)), whole(call))[1]
    )
    read(served, None)
    assert asked and not any("shpat" in value for headers in asked for value in headers.values())


def test_bodies_of_webhooks_land_as_the_same_rows(served: Served, book: Book, tmp_path: Path) -> None:
    double = served.app.doubles["shopify"]
    now = served.clock.as_of_us
    bodies = [rest.order(double.order(row, now)) for row in range(200)]
    wanted = {str(body["id"]) for body in bodies}
    own = settings(served)
    stream = streams("store", own)[0]
    pulled = [record for page in read(served, None) for record in page.records]
    pulled = [record for record in pulled if json.loads(record)["id"].rpartition("/")[2] in wanted]
    landed = {}
    keys = generate()
    for name, cuts, some in (
        ("pulled", stream.cuts, pulled),
        ("told", rest_cuts("orders/updated", own), [json.dumps(body).encode() for body in bodies]),
    ):
        with Landing(tmp_path / name, keys, shop="shop") as landing:
            outcomes = landing.groups(replace(stream, cuts=cuts)).land(some)
            assert not any(one.quarantined for one in outcomes)
            landed[name] = {cut.entity.name: rows(tmp_path / name, cut.entity.name) for cut in cuts}
    for entity, told in landed["told"].items():
        assert told, entity
        assert told == landed["pulled"][entity], entity


def rows(data: Path, entity: str) -> set[tuple]:
    """Landed rows, ids as plain numbers, without what only the one or the other form has or writes in its own words."""
    frame = pl.concat([pl.read_parquet(path) for path in (data / "landing" / "store" / entity).rglob("*.parquet")])
    own = [name for name in frame.columns if not name.startswith("_") and name not in UNLIKE]
    ids = [pl.col(name).str.split("/").list.last() for name in own if name == "id" or name.endswith("_id")]
    return set(frame.select(own).with_columns(ids).iter_rows())
