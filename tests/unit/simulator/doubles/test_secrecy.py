"""Nothing of the truth can be reached through a double: by name, by value, or by way of an import."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import simulator.doubles
from simulator.files import write_files
from simulator.world import World
from tests.unit.simulator.doubles.conftest import REQUEST

if TYPE_CHECKING:
    from simulator.doubles.book import Book
    from tests.unit.simulator.doubles.conftest import Opener, Reader

TOLD = {  # columns of the truth whose names vendors use as well, for what they know themselves
    "order_id", "tracking_number", "carrier", "service", "region", "created_at", "customer_id", "outcome", "sku",
    "return_id", "kind", "topic", "chance", "ticket_id", "trigger", "delivered_at",
}  # fmt: skip
FULL = """query($after: String) { orders(first: 8, after: $after, sortKey: UPDATED_AT) {
  pageInfo { hasNextPage endCursor } nodes {
  id name createdAt updatedAt processedAt cancelledAt cancelReason closedAt email phone sourceName tags note
  customAttributes { key value } displayFinancialStatus displayFulfillmentStatus shippingLine { title code }
  totalRefundedSet { shopMoney { amount } } shippingAddress { name city provinceCode zip }
  lineItems(first: 3) { nodes { id sku title quantity currentQuantity product { productType } } }
  fulfillments(first: 2) { id name createdAt updatedAt deliveredAt inTransitAt estimatedDeliveryAt displayStatus
    trackingInfo(first: 1) { number } events(first: 12) { nodes { id status message createdAt happenedAt city } } }
  refunds(first: 2) { id createdAt note totalRefundedSet { shopMoney { amount } } }
  returns(first: 2) { nodes { id name status createdAt closedAt
    returnLineItems(first: 2) { nodes { id quantity returnReason returnReasonNote customerNote
      returnReasonDefinition { handle name } } } } } } } }"""


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, pl.DataFrame]:
    folder = tmp_path_factory.mktemp("secret")
    write_files(World(REQUEST), folder / "out", folder / "truth")
    names = ("parcels", "orders", "tickets", "returns", "return_lines")
    return {
        name: pl.read_parquet(folder / "truth" / name / "**" / "*.parquet", hive_partitioning=False) for name in names
    }


def _everything(reader: Reader) -> dict[str, Any]:
    """All that any double tells, webhooks included."""
    told: dict[str, Any] = {name: reader.all(name, 100) for name in ("easypost", "aftership", "loop", "zendesk")}
    told["gorgias"] = [reader.get("gorgias", f"/api/tickets/{one['id']}").json() for one in reader.all("gorgias", 100)]
    told["shopify"], after = [], None
    while True:
        orders = reader.graphql(FULL, after=after).json()["data"]["orders"]
        told["shopify"] += orders["nodes"]
        if not orders["pageInfo"]["hasNextPage"]:
            break
        after = orders["pageInfo"]["endCursor"]
    now = reader.served.clock.as_of_us
    for vendor in ("shopify", "easypost", "aftership", "loop"):
        deliveries = reader.served.app.deliveries(vendor, now - 86_400_000_000, now)
        told[f"{vendor} webhooks"] = [json.loads(one.body) for one in deliveries]
    told["control"] = reader.client.get(f"{reader.served.address}/_control").json()
    return told


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_keys, value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


def test_nothing_of_the_truth_is_told(opened: Opener, book: Book, truth: dict[str, pl.DataFrame]) -> None:
    moment = book.until - timedelta(days=12)
    told = _everything(opened(as_of=moment))
    assert all(len(part) > 10 for name, part in told.items() if name != "control")
    secret_names = {column for table in truth.values() for column in table.columns} - TOLD
    keys = _keys(told)
    assert len(keys) > 150
    camel = {re.sub(r"_(\w)", lambda found: found[1].upper(), name) for name in secret_names}
    assert keys & (secret_names | camel) <= {"shipment_ref", "status", "end"}

    text = json.dumps(told)
    numbers = {f"{float(found):.5f}" for found in re.findall(r"(?<![\w.-])-?\d{1,2}\.\d{5,}", text)}
    parcels = truth["parcels"]
    for column, kind in parcels.schema.items():
        if kind.is_float():
            hidden = {f"{value:.5f}" for value in parcels[column].drop_nulls() if value not in (0, 1)}
            assert not hidden & numbers, column

    naive = moment.replace(tzinfo=None)
    for column in ("delivered_at", "ended_at", "first_real_attempt_at"):
        coming = parcels.filter(pl.col(column) > naive)[column]
        hidden = {at.isoformat(timespec="seconds") for at in coming}
        assert len(hidden) > 50
        assert not [at for at in hidden if at in text], column
    for word in ("false_attempt", "linehaul", "misdelivered", "stock_out", "serial", "situation"):
        assert word not in text, word


def test_doubles_cannot_read_the_truth() -> None:
    for file in Path(simulator.doubles.__file__).parent.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"simulator\.(truth|blame|journeys|contacts|shocks|assignment)", text), file.name
        assert not re.search(r"(from|import) pipelines\.(?!domain)", text), file.name
