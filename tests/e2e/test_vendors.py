"""Refreshes from the vendors' doubles over HTTP: what is published is what the simulator's own records say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from simulator.doubles.book import Book, make_book
from simulator.doubles.faults import Faults
from simulator.doubles.server import serving
from simulator.settings import Request
from tests.e2e import runs
from tests.e2e.vendor_checks import SECRETS, refresh, require_told

REQUEST = Request(seed=23, days=40, orders_per_day=32)
VENDORS = ("aftership", "easypost", "gorgias", "loop", "shopify", "zendesk")
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


def scans(data: Path) -> list[tuple]:
    return sorted(runs.rows(data, "select scan_id, shipment_id, milestone, occurred_at, known_at from marts.fct_scans"))


def test_what_the_vendors_tell_is_what_is_published(book: Book, shop: Path) -> None:
    end = book.until.astimezone(UTC)
    middle = end - timedelta(days=15)
    with serving(book) as served:
        refresh(served, shop, middle).expect()
        require_told(book, shop, middle)
        refresh(served, shop, end).expect()
        require_told(book, shop, end)
        topics = dict(runs.rows(shop, "select topic, count(*) from marts.fct_tickets group by topic"))
        assert len(topics) > 3 and topics["wismo"] > 5
        raw = b"".join(path.read_bytes() for path in (shop / "landing").rglob("*.parquet"))
        assert not any(email.encode() in raw for email in book["tickets"]["email"].unique())
        assert not any(name.encode() in raw for name in book["orders"]["person_name"].unique())
        unmapped = runs.rows(shop, "select status_code from ops.unmapped_codes")
        known = runs.rows(shop, "select avg((milestone <> 'unknown')::int) from marts.fct_scans")[0][0]
        assert known > 0.99, unmapped
        again = refresh(served, shop, end).expect()
        assert "nothing new" in again.text or "0 rows landed" in again.text
        everything = scans(shop)
        refresh(served, shop, end, full=True).expect()
        require_told(book, shop, end)
        assert scans(shop) == everything


def test_with_everything_going_wrong_nothing_is_lost_doubled_or_invented(book: Book, shop: Path) -> None:
    end = book.until.astimezone(UTC)
    with serving(book, faults=Faults(dict.fromkeys(VENDORS, TROUBLE))) as served:
        run = refresh(served, shop, end).expect()
        assert not any(secret in run.text for secret in SECRETS.values())
    require_told(book, shop, end)


def test_a_refused_key_is_named_and_the_others_are_published(book: Book, shop: Path) -> None:
    end = book.until.astimezone(UTC)
    with serving(book, faults=Faults({"easypost": {"expired_key": {"after": 0}}})) as served:
        run = refresh(served, shop, end)
    assert run.code == 3
    assert "EasyPost refused the key in EASYPOST_API_KEY (401)" in run.text
    assert runs.rows(shop, "select count(*) from marts.fct_tickets")[0][0] > 20
    assert "Traceback" not in run.text and "EZAK" not in run.text
