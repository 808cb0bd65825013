"""Every vendor at full speed, as its settings are by default, against a double that limits in earnest.

The limits' clock stands still but for what a client waits, so nobody really sleeps and nothing depends on the machine.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipelines.domain.pages import Page, Window
from pipelines.sources._pace import Pace
from pipelines.sources.shopify import client as shopify
from pipelines.sources.shopify.settings import ShopifySettings
from simulator.doubles.book import Book
from simulator.doubles.server import Served, serving

STREAMS = {  # how to ask for pages so small that there are more of them than a vendor's limit
    "aftership": ("trackings", 5),
    "easypost": ("trackers", 25),
    "gorgias": ("tickets", 1),
    "loop": ("returns", 1),
    "zendesk": ("tickets", 1),
}
OWN = {"loop": {"since": "2026-08-01"}}


@pytest.fixture
def served(book: Book) -> Iterator[Served]:
    with serving(book, seconds_per_request=0) as served:
        yield served


def throttled(served: Served, vendor: str) -> tuple[int, int]:
    """Requests, and those of them that were too fast."""
    own = [one for one in served.app.requests if one["vendor"] == vendor]
    return len(own), sum(one["throttled"] for one in own)


@pytest.mark.parametrize("vendor", STREAMS)
def test_a_limit_is_never_hit_nor_left_unused(served: Served, vendor: str) -> None:
    name, size = STREAMS[vendor]
    module = importlib.import_module(f"pipelines.sources.{vendor}.client")
    settings = importlib.import_module(f"pipelines.sources.{vendor}").CONNECTOR.settings(
        base_url=served.base_url(vendor), **OWN.get(vendor, {})
    )
    read: Callable[..., Iterator[Page]] = getattr(module, name)
    with module.connect(settings) as plain:
        limit, seconds = plain._pace._limit, plain._pace._seconds
    pace = Pace(limit, seconds / 1.05, clock=served.clock.seconds, sleep=served.clock.advance)
    with module.connect(settings, pace=pace, sleep=served.clock.advance) as http:
        while http.requests < 2.5 * limit:  # again and again, where there are fewer pages
            assert sum(len(page.records) for page in read(http, Window(settings.first_moment), None, size=size)) > size
    asked, too_fast = throttled(served, vendor)
    assert too_fast == 0
    assert served.clock.seconds() <= seconds * (asked / limit + 1)


def test_shopifys_points_are_spent_as_they_come(served: Served) -> None:
    settings = ShopifySettings(base_url=served.base_url("shopify"))

    def read(points: Any) -> float:
        with shopify.connect(settings, points=points, sleep=served.clock.advance) as http:
            for stream in (shopify.orders, shopify.events):
                assert sum(len(page.records) for page in stream(http, Window(), {"after": None})) > 400
        return served.clock.seconds()

    seconds = read(shopify.Points(served.clock.seconds, served.clock.advance))
    asked, too_fast = throttled(served, "shopify")
    assert asked > 80 and too_fast <= 0.01 * asked
    bucket = served.app.doubles["shopify"].bucket
    spent = bucket.size + seconds * bucket.rate - bucket.available()
    assert seconds > 0 and bucket.available() < bucket.size, "the bucket was never short: nothing is shown"
    assert spent > 0.9 * seconds * bucket.rate


def test_a_bucket_that_others_emptied_is_waited_for(served: Served) -> None:
    settings = ShopifySettings(base_url=served.base_url("shopify"))
    bucket = served.app.doubles["shopify"].bucket
    bucket.take(bucket.available() - 1)
    with shopify.connect(settings, points=shopify.Points(served.clock.seconds, served.clock.advance),
                         sleep=served.clock.advance) as http:  # fmt: skip
        page = next(shopify.orders(http, Window(), {"after": None}))
    assert len(page.records) == shopify.PAGE_SIZE
    assert throttled(served, "shopify") == (2, 1)


def test_a_query_that_is_too_dear_is_asked_for_in_smaller_pages(served: Served) -> None:
    settings = ShopifySettings(base_url=served.base_url("shopify"))
    with shopify.connect(settings) as http:
        page = next(shopify.orders(http, Window(), {"after": None}, size=40))
    assert len(page.records) == 5
