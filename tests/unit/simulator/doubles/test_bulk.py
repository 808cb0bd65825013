"""Shopify's bulk operation: everything as JSON lines, one at a time, and what it does not run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.simulator.doubles.conftest import Opener, Reader

RUN = """mutation($text: String!) { bulkOperationRunQuery(query: $text) {
  bulkOperation { id status } userErrors { field message } } }"""
POLL = "{ currentBulkOperation { id status errorCode objectCount rootObjectCount fileSize url } }"
ALL = """{ orders { edges { node { id updatedAt lineItems { edges { node { id sku } } }
  returns { edges { node { id returnLineItems { edges { node { id quantity } } } } } } } } } }"""


def _run(reader: Reader, text: str) -> dict[str, Any]:
    result: dict[str, Any] = reader.graphql(RUN, text=text).json()["data"]["bulkOperationRunQuery"]
    return result


def test_everything_comes_as_lines_that_name_their_parent(opened: Opener) -> None:
    reader = opened()
    orders = {order["id"]: order for order in reader.all("shopify", 30)}
    assert _run(reader, ALL)["bulkOperation"]["status"] == "CREATED"
    busy = _run(reader, ALL)
    assert busy["bulkOperation"] is None
    assert "already in progress" in busy["userErrors"][0]["message"]
    states = []
    while not states or states[-1]["status"] in ("CREATED", "RUNNING"):
        states.append(reader.graphql(POLL).json()["data"]["currentBulkOperation"])
        assert (states[-1]["url"] is None) == (states[-1]["status"] != "COMPLETED")
    body = reader.client.get(states[-1]["url"])  # the address is the permission
    lines = [json.loads(line) for line in body.text.splitlines()]
    assert len(lines) == int(states[-1]["objectCount"])
    assert len(body.content) == int(states[-1]["fileSize"])
    roots = [line for line in lines if "__parentId" not in line]
    assert {line["id"] for line in roots} == set(orders)
    assert len(roots) == int(states[-1]["rootObjectCount"])
    seen: set[str] = set()
    for line in lines:  # a parent comes before its children
        assert line.get("__parentId") is None or line["__parentId"] in seen
        seen.add(line["id"])
    goods = [line for line in lines if "sku" in line]
    assert len(goods) == sum(len(order["lineItems"]["nodes"]) for order in orders.values())
    assert any("ReturnLineItem" in line["id"] for line in lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{ orders { edges { node { fulfillments { events { edges { node { id } } } } } } } }", "within a list field"),
        ("{ shop { name } }", "exactly one connection"),
        ("{ orders { edges { node { nothing } } } }", "Cannot query field"),
    ],
)
def test_what_bulk_does_not_run(reader: Reader, text: str, words: str) -> None:
    assert words in _run(reader, text)["userErrors"][0]["message"]
