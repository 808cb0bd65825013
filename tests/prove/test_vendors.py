"""Sixty days and 30,000 orders from six vendors' doubles: told record for record; night by night, and in all trouble."""

from __future__ import annotations

from datetime import UTC, timedelta
from itertools import chain
from pathlib import Path

import pytest

from simulator.doubles.book import Book, make_book
from simulator.doubles.faults import KINDS, Faults
from simulator.doubles.server import serving
from simulator.settings import Request
from tests.e2e import runs
from tests.e2e.vendor_checks import SECRETS, VENDORS, pull, refresh, require_told

pytestmark = pytest.mark.prove

REFUSALS = {
    "rate_limited": {"retry_after": -5},
    "rate_limited_bare": {},
    "server_error": {},
    "redirect": {},
    "token_in_error": {},
    "reset": {},
    "truncated": {},
    "html": {},
    "huge_body": {"bytes": 80 << 20},
    "gzip_bomb": {"bytes": 1 << 30},
}
ODDITIES = {
    "slow": {"seconds": 0.5},
    "clock_skew": {"seconds": -900},
    "shift": {"records": 3},
    "duplicates": {"records": 3},
    "edited": {"records": 3},
    "unknown_enum": {},
    "naive_times": {},
}
EVERY, TIMES = 120, 20  # requests between two strikes of a kind; strikes


def in_turn() -> dict[str, dict[str, object]]:
    """Every kind again and again, what refuses a request and what makes its answer odd by turns."""
    odd = list(ODDITIES.items())
    kinds = chain.from_iterable((refusal, odd[place % len(odd)]) for place, refusal in enumerate(REFUSALS.items()))
    found: dict[str, dict[str, object]] = {}
    for place, (kind, own) in enumerate(kinds):
        at = [place + 2 + EVERY * number for number in range(TIMES)]
        found.setdefault(kind, {**own, "at": []})["at"] += at  # type: ignore[operator]
    return found


@pytest.fixture(scope="module")
def book() -> Book:
    made = make_book(Request(seed=7, days=60, orders_per_day=520))
    assert made["orders"]["order_id"].n_unique() >= 30_000
    return made


def scans(data: Path) -> list[tuple]:
    return sorted(runs.rows(data, "select scan_id, shipment_id, milestone, occurred_at, known_at from marts.fct_scans"))


def test_night_by_night_and_rebuilt(book: Book, tmp_path: Path) -> None:
    shop, end = tmp_path / "data", book.until.astimezone(UTC)
    with serving(book) as served:
        for moment in (end - timedelta(days=15), end):
            run = refresh(served, shop, moment).expect(0, 3)
            print(f"\nas of {moment:%Y-%m-%d}: {run.cpu_seconds:.0f} CPU s")
            require_told(book, shop, moment)
        everything = scans(shop)
        refresh(served, shop, end, full=True).expect(0, 3)
        require_told(book, shop, end)
        assert scans(shop) == everything


def test_with_every_fault_nothing_is_lost_doubled_or_invented(book: Book, tmp_path: Path) -> None:
    shop, end = tmp_path / "data", book.until.astimezone(UTC)
    trouble = in_turn()
    struck: set[str] = set()
    with serving(book, faults=Faults(dict.fromkeys(VENDORS, trouble))) as served:
        for vendor in (
            "easypost",
            "shopify",
            "loop",
            "",
        ):  # each key is refused once in the middle, then the next one's
            served.faults.settings |= {vendor: {**trouble, "expired_key": {"after": 20}}} if vendor else {}
            run = pull(served, shop, end).expect(0, 3)
            assert "Traceback" not in run.text and not any(secret in run.text for secret in SECRETS.values())
            struck |= {kind for own in served.faults.struck.values() for kind in own}
            served.faults.replace(dict.fromkeys(VENDORS, trouble))
        assert struck == set(KINDS)
        served.faults.replace({})
        pull(served, shop, end).expect(0, 3)
        refresh(served, shop, end).expect(0, 3)
        print(f"\n{len(served.app.setting.altered):,} values were replaced by words that nobody knows")
    require_told(book, shop, end, is_altered=True)
