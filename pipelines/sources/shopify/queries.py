"""What is asked of Shopify's Admin API, as GraphQL.

Nested lists are short, because a query is priced by what it could give; what is longer is asked for by itself
(`MORE`). A bulk query has no such bounds, and cannot hold a connection below a list: so events are asked for apart.
"""

from __future__ import annotations

from typing import Final

LINES, FULFILLMENTS, REFUNDS, RETURNS, RETURNED = 5, 3, 2, 1, 3  # of one order on a page
FOLLOWED_FULFILLMENTS, EVENTS = 2, 12
_ALL: Final = 50  # of a list that is asked for by itself

_MONEY: Final = "{shopMoney{amount currencyCode}}"
_INFO: Final = "pageInfo{hasNextPage endCursor}"
_LINE: Final = f"""id sku quantity variantTitle originalUnitPriceSet{_MONEY} product{{legacyResourceId productType}}
variant{{inventoryItem{{measurement{{weight{{unit value}}}}}}}}"""
_FULFILLMENT: Final = """id name status displayStatus createdAt updatedAt deliveredAt inTransitAt estimatedDeliveryAt
location{name address{provinceCode countryCode}}"""
_REFUND: Final = f"id createdAt totalRefundedSet{_MONEY} return{{id}}"
_RETURNED: Final = f"""id quantity refundedQuantity returnReason returnReasonNote customerNote
returnReasonDefinition{{handle}}
... on ReturnLineItem{{fulfillmentLineItem{{lineItem{{id sku originalUnitPriceSet{_MONEY}}}}}}}"""
_EXCHANGED: Final = "exchangeLineItems(first:1){nodes{id}}"
_RETURN: Final = "id name status createdAt requestApprovedAt closedAt decline{reason}"
_ORDER: Final = f"""id name createdAt updatedAt cancelledAt cancelReason test sourceName currencyCode email phone
displayFinancialStatus displayFulfillmentStatus totalPriceSet{_MONEY} totalShippingPriceSet{_MONEY}
shippingLine{{title}}
shippingAddress{{name address1 provinceCode countryCodeV2 zip}} customer{{legacyResourceId}}
customAttributes{{key value}}"""
_EVENT: Final = "id status happenedAt createdAt estimatedDeliveryAt city province country zip"


def _lines(first: int, after: str = "") -> str:
    return f"lineItems(first:{first}{after}){{nodes{{{_LINE}}} {_INFO}}}"


def _fulfillments(first: int) -> str:
    return f"fulfillments(first:{first}){{{_FULFILLMENT} trackingInfo(first:2){{company number}}}}"


def _refunds(first: int) -> str:
    return f"refunds(first:{first}){{{_REFUND}}}"


def _returned(first: int, after: str = "") -> str:
    return f"returnLineItems(first:{first}{after}){{nodes{{{_RETURNED}}} {_INFO}}}"


def _returns(first: int, lines: int, after: str = "") -> str:
    return f"returns(first:{first}{after}){{nodes{{{_RETURN} {_EXCHANGED} {_returned(lines)}}} {_INFO}}}"


def _followed(first: int, events: int) -> str:
    inner = f"events(first:{events}){{nodes{{{_EVENT}}} {_INFO}}}"
    return f"fulfillments(first:{first}){{id trackingInfo(first:1){{company number}} {inner}}}"


def _page(fields: str) -> str:
    return f"""query($first:Int!,$after:String,$query:String!){{
orders(first:$first,after:$after,query:$query,sortKey:UPDATED_AT){{nodes{{{fields}}} {_INFO}}}}}"""


def _more(kind: str, fields: str) -> str:
    given = "$id:ID!,$after:String" if "$after" in fields else "$id:ID!"
    return f"query({given}){{node(id:$id){{... on {kind}{{{fields}}}}}}}"


ORDERS: Final = _page(
    f"{_ORDER} {_lines(LINES)} {_fulfillments(FULFILLMENTS)} {_refunds(REFUNDS)} {_returns(RETURNS, RETURNED)}"
)
FOLLOWED: Final = _page(f"id {_followed(FOLLOWED_FULFILLMENTS, EVENTS)}")
MORE: Final = {
    "lineItems": _more("Order", _lines(_ALL, ",after:$after")),
    "fulfillments": _more("Order", _fulfillments(_ALL)),
    "refunds": _more("Order", _refunds(_ALL)),
    "returns": _more("Order", _returns(5, 10, ",after:$after")),
    "returnLineItems": _more("Return", _returned(_ALL, ",after:$after")),
    "followed": _more("Order", _followed(10, 40)),
    "events": _more("Fulfillment", f"events(first:100,after:$after){{nodes{{{_EVENT}}} {_INFO}}}"),
}
COUNT: Final = "query($query:String!){shop{name} ordersCount(query:$query){count}}"


def bulk(search: str) -> str:
    """The bulk query: every order that the search finds, with everything but events."""
    given = f'(query:"{search}")' if search else ""
    returns = f"{_RETURN} {_listed('exchangeLineItems', 'id')} {_listed('returnLineItems', _RETURNED)}"
    return f"""{{orders{given}{{edges{{node{{{_ORDER} {_listed("lineItems", _LINE)} {_listed("returns", returns)}
fulfillments{{{_FULFILLMENT} trackingInfo{{company number}}}} refunds{{{_REFUND}}}}}}}}}}}"""


def _listed(name: str, fields: str) -> str:
    return f"{name}{{edges{{node{{{fields}}}}}}}"


RUN: Final = """mutation($query:String!){bulkOperationRunQuery(query:$query,groupObjects:true){
bulkOperation{id status} userErrors{message}}}"""
JOB: Final = "query($id:ID!){node(id:$id){... on BulkOperation{id status errorCode objectCount url}}}"
RUNNING: Final = "{currentBulkOperation{id status query}}"
