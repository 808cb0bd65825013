"""Refreshes from the vendors' doubles over HTTP: what is published is what the simulator's own records say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from simulator.doubles.book import Book, make_book
from simulator.doubles.faults import Faults
from simulator.doubles.server import Served, serving
from simulator.settings import Request
from tests.e2e import runs

REQUEST = Request(seed=23, days=40, orders_per_day=32)
SECRETS = {
    "EASYPOST_API_KEY": "EZAK-double-easypost-key",
    "ZENDESK_USER": "ops@fieldandfold.example",
    "ZENDESK_API_TOKEN": "double-zendesk-token",
    "GORGIAS_USER": "ops@fieldandfold.example",
    "GORGIAS_API_KEY": "double-gorgias-key",
}
SETTINGS = """
shop = "doubles"
time_zone = "America/New_York"
[sources.parcels]
type = "easypost"
base_url = "{address}/easypost"
requests_per_second = 1000
[sources.desk]
type = "zendesk"
base_url = "{address}/zendesk"
requests_per_minute = 10000
order_id_field = 360000000001
order_number_field = 360000000002
tracking_number_field = 360000000003
score_field = 360000000004
[sources.chat]
type = "gorgias"
base_url = "{address}/gorgias"
requests_per_20_seconds = 10000
"""
TROUBLE = {
    "rate_limited": {"at": [2], "retry_after": 0.1},
    "rate_limited_bare": {"at": [5]},
    "server_error": {"at": [7], "burst": 2},
    "reset": {"at": [1, 10]},
    "truncated": {"at": [3, 12]},
    "html": {"at": [14]},
    "token_in_error": {"at": [16]},
    "duplicates": {"every": 4, "records": 3},
    "shift": {"every": 6, "records": 2},
}


@pytest.fixture(scope="module")
def book() -> Book:
    return make_book(REQUEST)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"


def settle(served: Served, data: Path) -> Path:
    data.parent.mkdir(parents=True, exist_ok=True)
    path = data.parent / "wherehouse.toml"
    path.write_text(SETTINGS.format(address=served.address))
    return path


def refresh(served: Served, data: Path, moment: datetime, *, full: bool = False) -> runs.Run:
    served.clock.set_as_of(moment)
    as_of = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    return runs.refresh(settle(served, data), data, as_of=as_of, full=full, environment=SECRETS)


def told_scans(book: Book, moment: datetime) -> set[tuple]:
    """Scans that EasyPost has heard of by then, of parcels it knows, as a person would read them off the records."""
    moment = moment.replace(tzinfo=None)
    parcels = book["shipments"].filter((pl.col("feed") == "easypost") & (pl.col("arrives_at") <= moment))
    scans = book["scans"].filter((pl.col("feed") == "easypost") & (pl.col("arrives_at") <= moment))
    scans = scans.filter(pl.col("tracking_number").is_in(parcels["tracking_number"].unique().to_list()))
    code = (pl.col("status") + "." + pl.col("detail")).alias("code")
    return set(scans.select("tracking_number", code, pl.col("occurred_at").dt.truncate("1s")).iter_rows())


def published_scans(data: Path) -> list[tuple]:
    query = (
        "select split_part(shipment_id, '@', 1), status_code, date_trunc('second', occurred_at) from marts.fct_scans"
    )
    return runs.rows(data, query)


def told_parcels(book: Book, moment: datetime) -> dict[str, tuple]:
    own = book["shipments"].filter(
        (pl.col("feed") == "easypost") & (pl.col("arrives_at") <= moment.replace(tzinfo=None))
    )
    last = own.sort("arrives_at", maintain_order=True).unique("shipment_ref", keep="last", maintain_order=True)
    return {row[0]: row[1:] for row in last.select("tracking_number", "is_return", "committed_date").iter_rows()}


def told_tickets(book: Book, moment: datetime) -> dict[str, tuple]:
    """Tickets by then, in the desk that their channel belongs to."""
    own = book["tickets"].filter(pl.col("arrives_at") <= moment.replace(tzinfo=None))
    last = own.sort("arrives_at", maintain_order=True).unique("ticket_id", keep="last", maintain_order=True)
    desk = pl.when(pl.col("channel").is_in(["chat", "social"])).then(pl.lit("gorgias-")).otherwise(pl.lit("zendesk-"))
    named = last.select((desk + pl.col("ticket_id").cast(pl.Utf8)).alias("id"), pl.col("created_at").dt.truncate("1s"),
                        pl.col("score").cast(pl.Float64))  # fmt: skip
    return {row[0]: row[1:] for row in named.iter_rows()}


def published_tickets(data: Path) -> dict[str, tuple]:
    query = "select ticket_id, date_trunc('second', created_at), score from marts.fct_tickets"
    return {row[0]: row[1:] for row in runs.rows(data, query)}


def test_what_the_vendors_tell_is_what_is_published(book: Book, shop: Path) -> None:
    end = book.until.astimezone(UTC)
    middle = end - timedelta(days=15)
    with serving(book) as served:
        refresh(served, shop, middle).expect()
        scans = published_scans(shop)
        assert set(scans) == told_scans(book, middle)
        assert published_tickets(shop) == told_tickets(book, middle)
        assert len(scans) == len(set(scans))
        refresh(served, shop, end).expect()
        scans = published_scans(shop)
        assert set(scans) == told_scans(book, end) and len(scans) == len(set(scans))
        assert {
            row[0]: row[1:]
            for row in runs.rows(
                shop, "select tracking_number, is_return, committed_date from marts.fct_shipments where is_declared"
            )
        } == told_parcels(book, end)
        assert published_tickets(shop) == told_tickets(book, end)
        topics = dict(runs.rows(shop, "select topic, count(*) from marts.fct_tickets group by topic"))
        assert len(topics) > 3 and topics["wismo"] > 5
        raw = b"".join(path.read_bytes() for path in (shop / "landing").rglob("*.parquet"))
        assert not any(email.encode() in raw for email in book["tickets"]["email"].unique())
        unmapped = runs.rows(shop, "select status_code from ops.unmapped_codes")
        known = runs.rows(shop, "select count(*) from marts.fct_scans where milestone <> 'unknown'")[0][0]
        assert known > 0.99 * len(scans), unmapped
        again = refresh(served, shop, end).expect()
        assert "nothing new" in again.text or "0 rows landed" in again.text
        everything = published_scans(shop)
        refresh(served, shop, end, full=True).expect()
        assert sorted(published_scans(shop)) == sorted(everything)


def test_with_everything_going_wrong_nothing_is_lost_doubled_or_invented(book: Book, shop: Path) -> None:
    end = book.until.astimezone(UTC)
    with serving(book, faults=Faults({"easypost": TROUBLE, "zendesk": TROUBLE, "gorgias": TROUBLE})) as served:
        run = refresh(served, shop, end).expect()
        assert not any(secret in run.text for secret in SECRETS.values())
        scans = published_scans(shop)
        assert published_tickets(shop) == told_tickets(book, end)
    assert set(scans) == told_scans(book, end) and len(scans) == len(set(scans))


def test_a_refused_key_is_named_and_the_others_are_published(book: Book, shop: Path) -> None:
    end = book.until.astimezone(UTC)
    with serving(book, faults=Faults({"easypost": {"expired_key": {"after": 0}}})) as served:
        run = refresh(served, shop, end)
    assert run.code == 3
    assert "EasyPost refused the key in EASYPOST_API_KEY (401)" in run.text
    assert published_tickets(shop) == told_tickets(book, end)
    assert "Traceback" not in run.text and "EZAK" not in run.text
