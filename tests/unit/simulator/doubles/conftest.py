"""One small world behind all six doubles, and plain readers of each API, written without the doubles' code."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from simulator.doubles.book import Book, make_book
from simulator.doubles.faults import Faults
from simulator.doubles.server import Served, serving
from simulator.settings import Request

REQUEST = Request(seed=23, days=40, orders_per_day=32)
ORDERS = """
query Orders($after: String, $search: String, $first: Int!) {
  orders(first: $first, after: $after, sortKey: UPDATED_AT, query: $search) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id name createdAt updatedAt cancelledAt displayFinancialStatus customAttributes { key value }
      totalPriceSet { shopMoney { amount currencyCode } }
      lineItems(first: 8) { nodes { id sku quantity } }
      fulfillments(first: 3) { id status displayStatus trackingInfo(first: 1) { number company } }
    }
  }
}
"""


@dataclass
class Reader:
    """Reads whole collections over a real socket."""

    served: Served
    client: httpx.Client

    def __post_init__(self) -> None:
        self.access = self.client.get(f"{self.served.address}/_control").json()["vendors"]

    def get(self, vendor: str, path: str, **query: Any) -> httpx.Response:
        """One GET with the vendor's credentials."""
        own = self.access[vendor]
        given: dict[str, Any] = {"params": query} if query else {}
        match vendor:
            case "easypost":
                given["auth"] = (own["api_key"], "")
            case "zendesk":
                given["auth"] = (own["user"] + "/token", own["api_token"])
            case "gorgias":
                given["auth"] = (own["user"], own["api_key"])
            case "aftership":
                given["headers"] = {"as-api-key": own["api_key"]}
            case "loop":
                given["headers"] = {"X-Authorization": own["api_key"]}
        base = "" if path.startswith("http") else own["base_url"]
        return self.client.get(base + path, **given)

    def graphql(self, text: str, /, **variables: Any) -> httpx.Response:
        """One query to Shopify."""
        own = self.access["shopify"]
        return self.client.post(
            f"{own['base_url']}/admin/api/2026-10/graphql.json",
            json={"query": text, "variables": variables},
            headers={"X-Shopify-Access-Token": own["access_token"]},
        )

    def easypost(self, size: int = 100) -> Iterator[list[dict[str, Any]]]:
        """Pages of trackers."""
        query: dict[str, Any] = {"page_size": size}
        while True:
            page = self.get("easypost", "/v2/trackers", **query).json()
            yield page["trackers"]
            if not page["has_more"]:
                return
            query["before_id"] = page["trackers"][-1]["id"]

    def aftership(self, size: int = 100) -> Iterator[list[dict[str, Any]]]:
        """Pages of trackings."""
        query: dict[str, Any] = {"limit": size}
        while True:
            page = self.get("aftership", "/tracking/2026-07/trackings", **query).json()["data"]
            yield page["trackings"]
            if not page["pagination"]["has_next_page"]:
                return
            query["cursor"] = page["pagination"]["next_cursor"]

    def loop(self, size: int = 20, column: str = "created_at") -> Iterator[list[dict[str, Any]]]:
        """Pages of returns."""
        path = "/api/v1/warehouse/return/list"
        query = {"from": "2026-08-01", "paginate": "true", "pageSize": size, "filter": column}
        page = self.get("loop", path, **query).json()
        while True:
            yield page["returns"]
            if page["nextPageUrl"] is None:
                return
            page = self.get("loop", page["nextPageUrl"]).json()

    def zendesk(self, size: int = 30) -> Iterator[list[dict[str, Any]]]:
        """Pages of tickets."""
        path = "/api/v2/incremental/tickets/cursor.json"
        page = self.get("zendesk", path, start_time=1, per_page=size).json()
        while True:
            yield page["tickets"]
            if page["end_of_stream"]:
                return
            page = self.get("zendesk", path, cursor=page["after_cursor"], per_page=size).json()

    def gorgias(self, size: int = 20) -> Iterator[list[dict[str, Any]]]:
        """Pages of tickets."""
        query: dict[str, Any] = {"limit": size}
        while True:
            page = self.get("gorgias", "/api/tickets", **query).json()
            yield page["data"]
            if page["meta"]["next_cursor"] is None:
                return
            query["cursor"] = page["meta"]["next_cursor"]

    def shopify(self, size: int = 20, search: str = "") -> Iterator[list[dict[str, Any]]]:
        """Pages of orders."""
        after = None
        while True:
            answer = self.graphql(ORDERS, after=after, search=search, first=size).json()
            orders = answer["data"]["orders"]
            yield orders["nodes"]
            if not orders["pageInfo"]["hasNextPage"]:
                return
            after = orders["pageInfo"]["endCursor"]

    def all(self, vendor: str, size: int = 20) -> list[dict[str, Any]]:
        """Every record of a vendor, as often as it is given."""
        return [record for page in getattr(self, vendor)(size) for record in page]


@pytest.fixture(scope="session")
def book() -> Book:
    """The world's records."""
    return make_book(REQUEST)


@pytest.fixture(scope="session")
def reader(book: Book) -> Iterator[Reader]:
    """A reader of doubles without faults whose limits never bite."""
    with serving(book) as served, httpx.Client(timeout=20) as client:
        yield Reader(served, client)


Opener = Callable[..., Reader]


@pytest.fixture
def opened(book: Book, request: pytest.FixtureRequest) -> Opener:
    """Opens doubles with settings of one's own: opened(faults={...}, seconds_per_request=0, as_of=...)."""

    def open_one(faults: dict[str, Any] | None = None, **settings: Any) -> Reader:
        context = serving(book, settings.pop("as_of", None), faults=Faults(faults), **settings)
        served = context.__enter__()
        request.addfinalizer(lambda: context.__exit__(None, None, None))
        client = httpx.Client(timeout=20)
        request.addfinalizer(client.close)
        return Reader(served, client)

    return open_one


@pytest.fixture(scope="session")
def payloads() -> Path:
    """Recorded and documented bodies; skips loudly without them."""
    root = Path(os.environ.get("WHEREHOUSE_SHARED_DATA", Path(__file__).parents[4] / ".." / "shared" / "data"))
    folder = root / "payloads"
    if not folder.is_dir():
        pytest.skip(f"no recorded payloads in {folder}: set WHEREHOUSE_SHARED_DATA")
    return folder
