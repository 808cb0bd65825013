"""One small world for the tests that speak to doubles, and the keys that these take."""

from __future__ import annotations

import pytest

from simulator.doubles.book import Book, make_book
from simulator.settings import Request
from tests.e2e.vendor_checks import SECRETS


@pytest.fixture(scope="session")
def book() -> Book:
    return make_book(Request(seed=23, days=30, orders_per_day=16))


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
