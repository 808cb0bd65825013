"""What lands from Shopify, under the names of its REST bodies: orders, their lines, fulfilments, refunds, returns.

One set of entities, two ways to cut them: `order_cuts` and `event_cuts` from the Admin API's objects, `rest_cuts` from
the bodies of webhooks. Ids are global ids (`gid://shopify/Order/1`) or plain numbers: staging takes the number.
"""

from __future__ import annotations

from typing import Final

from pipelines.domain.entities import COUNT, DATE, FLAG, MONEY, REAL, TIME, Entity, Field, Kind
from pipelines.domain.pages import Cut
from pipelines.sources.shopify.settings import ShopifySettings

ORDERS: Final = Entity(
    "orders",
    "one row per order and arrival",
    ("id",),
    (
        Field("id", required=True),
        Field("name"),
        Field("created_at", TIME, required=True),
        Field("updated_at", TIME, required=True),
        Field("cancelled_at", TIME),
        Field("cancel_reason"),
        Field("test", FLAG),
        Field("source_name"),
        Field("currency"),
        Field("total_price", MONEY),
        Field("total_shipping_price", MONEY),
        Field("financial_status"),
        Field("fulfillment_status"),
        Field("shipping_title"),
        Field("customer_id", kind=Kind.TOKEN, token="customer"),
        Field("email", kind=Kind.TOKEN),
        Field("phone", kind=Kind.TOKEN),
        Field("shipping_name", kind=Kind.TOKEN, token="person_name"),
        Field("shipping_address1", kind=Kind.TOKEN, token="street"),
        Field("shipping_province_code"),
        Field("shipping_country_code"),
        Field("shipping_zip", kind=Kind.POSTCODE),
        Field("promised_date", DATE),
        Field("packed_at", TIME),
        Field("ship_from"),
        Field("time_zone"),
    ),
)

LINE_ITEMS: Final = Entity(
    "line_items",
    "one row per order line and arrival",
    ("id",),
    (
        Field("id", required=True),
        Field("order_id", required=True),
        Field("customer_id", kind=Kind.TOKEN, token="customer"),
        Field("order_created_at", TIME),
        Field("sku"),
        Field("product_id"),
        Field("product_type"),
        Field("variant_title"),
        Field("quantity", COUNT, required=True),
        Field("price", MONEY),
        Field("currency"),
        Field("weight", REAL),
        Field("weight_unit"),  # GRAMS, KILOGRAMS, OUNCES or POUNDS; without one: grams
    ),
)

FULFILLMENTS: Final = Entity(
    "fulfillments",
    "one row per tracking number of a fulfilment and arrival",
    ("id", "tracking_number"),
    (
        Field("id", required=True),
        Field("order_id", required=True),
        Field("name"),
        Field("status"),
        Field("display_status"),
        Field("created_at", TIME, required=True),
        Field("updated_at", TIME),
        Field("delivered_at", TIME),
        Field("in_transit_at", TIME),
        Field("estimated_delivery_at", TIME),
        Field("location_name"),
        Field("location_province_code"),
        Field("location_country_code"),
        Field("tracking_company"),
        Field("tracking_number"),
        Field("shipping_province_code"),
        Field("shipping_country_code"),
        Field("time_zone"),
    ),
)

FOLLOWED_ORDERS: Final = Entity(
    "followed_orders", "one row per order whose carriers' events have been read", ("id",), (Field("id", required=True),)
)

FULFILLMENT_EVENTS: Final = Entity(
    "fulfillment_events",
    "one row per carrier's event of a fulfilment and arrival",
    ("id",),
    (
        Field("id", required=True),
        Field("fulfillment_id", required=True),
        Field("tracking_company"),
        Field("tracking_number"),  # of several in one fulfilment the first: Shopify does not say which
        Field("status", required=True),
        Field("happened_at", TIME, required=True),
        Field("created_at", TIME),  # when Shopify heard of it
        Field("estimated_delivery_at", TIME),
        Field("city"),
        Field("province"),
        Field("country"),
        Field("zip", kind=Kind.POSTCODE),
    ),
)

REFUNDS: Final = Entity(
    "refunds",
    "one row per refund and arrival",
    ("id",),
    (
        Field("id", required=True),
        Field("order_id", required=True),
        Field("return_id"),
        Field("created_at", TIME),
        Field("amount", MONEY),
        Field("currency"),
    ),
)

RETURNS: Final = Entity(
    "returns",
    "one row per return and arrival",
    ("id",),
    (
        Field("id", required=True),
        Field("order_id", required=True),
        Field("customer_id", kind=Kind.TOKEN, token="customer"),
        Field("name"),
        Field("status"),
        Field("created_at", TIME, required=True),
        Field("request_approved_at", TIME),
        Field("closed_at", TIME),
        Field("decline_reason"),
        Field("exchange_line_item_id"),  # the first, where there is any
    ),
)

RETURN_LINE_ITEMS: Final = Entity(
    "return_line_items",
    "one row per returned line and arrival",
    ("id",),
    (
        Field("id", required=True),
        Field("return_id", required=True),
        Field("order_id", required=True),
        Field("customer_id", kind=Kind.TOKEN, token="customer"),
        Field("return_created_at", TIME),
        Field("line_item_id"),
        Field("sku"),
        Field("quantity", COUNT, required=True),
        Field("refunded_quantity", COUNT),
        Field("return_reason"),  # the older form: one of ten words
        Field("return_reason_handle"),  # the newer: a definition, which a shop may add to
        Field("price", MONEY),
        Field("currency"),
        Field("return_reason_note", kind=Kind.TEXT),
        Field("customer_note", kind=Kind.TEXT),
    ),
)

_NOWHERE: Final = "-"  # no attribute has this key: one that the shop has not


def order_cuts(settings: ShopifySettings | None = None) -> tuple[Cut, ...]:
    """The cuts of an order of the Admin API, attributes by the keys of the settings."""
    kept = _attributes(settings, "customAttributes", "key")
    return (
        Cut(ORDERS, paths=_ORDER | kept),
        Cut(LINE_ITEMS, ("lineItems.nodes",), _LINE),
        Cut(FULFILLMENTS, ("fulfillments", "trackingInfo"), _FULFILLMENT | {"time_zone": f"^^{kept['time_zone']}"}),
        Cut(REFUNDS, ("refunds",), _REFUND),
        Cut(RETURNS, ("returns.nodes",), _RETURN),
        Cut(RETURN_LINE_ITEMS, ("returns.nodes", "returnLineItems.nodes"), _RETURNED),
    )


def event_cuts() -> tuple[Cut, ...]:
    """The cuts of an order with nothing but its fulfilments' events."""
    return (Cut(FOLLOWED_ORDERS), Cut(FULFILLMENT_EVENTS, ("fulfillments", "events.nodes"), _EVENT))


def rest_cuts(topic: str, settings: ShopifySettings | None = None) -> tuple[Cut, ...]:
    """The cuts of a webhook's body, by its topic (`orders/updated`); none for a topic that says nothing we keep."""
    kept = _attributes(settings, "note_attributes", "name")
    match topic.partition("/")[0]:
        case "orders":
            return (
                Cut(ORDERS, paths=_REST_ORDER | kept),
                Cut(LINE_ITEMS, ("line_items",), _REST_LINE),
                Cut(FULFILLMENTS, ("fulfillments",), _REST_FULFILLMENT | _REST_DESTINATION),
                Cut(REFUNDS, ("refunds",), _REST_REFUND),
            )
        case "fulfillments":
            return (Cut(FULFILLMENTS, paths=_REST_FULFILLMENT),)
        case "refunds":
            return (Cut(REFUNDS, paths=_REST_REFUND),)
        case _:
            return ()


def _attributes(settings: ShopifySettings | None, list_: str, key: str) -> dict[str, str]:
    return {
        name: f"{list_}[{key}={(settings and getattr(settings, f'{name}_attribute')) or _NOWHERE}].value"
        for name in ("promised_date", "packed_at", "ship_from", "time_zone")
    }


_ORDER: Final = {
    "created_at": "createdAt",
    "updated_at": "updatedAt",
    "cancelled_at": "cancelledAt",
    "cancel_reason": "cancelReason",
    "source_name": "sourceName",
    "currency": "currencyCode",
    "total_price": "totalPriceSet.shopMoney.amount",
    "total_shipping_price": "totalShippingPriceSet.shopMoney.amount",
    "financial_status": "displayFinancialStatus",
    "fulfillment_status": "displayFulfillmentStatus",
    "shipping_title": "shippingLine.title",
    "customer_id": "customer.legacyResourceId",
    "shipping_name": "shippingAddress.name",
    "shipping_address1": "shippingAddress.address1",
    "shipping_province_code": "shippingAddress.provinceCode",
    "shipping_country_code": "shippingAddress.countryCodeV2",
    "shipping_zip": "shippingAddress.zip",
}
_LINE: Final = {
    "order_id": "^id",
    "customer_id": "^customer.legacyResourceId",
    "order_created_at": "^createdAt",
    "product_id": "product.legacyResourceId",
    "product_type": "product.productType",
    "variant_title": "variantTitle",
    "price": "originalUnitPriceSet.shopMoney.amount",
    "currency": "originalUnitPriceSet.shopMoney.currencyCode",
    "weight": "variant.inventoryItem.measurement.weight.value",
    "weight_unit": "variant.inventoryItem.measurement.weight.unit",
}
_FULFILLMENT: Final = {
    "id": "^id",
    "order_id": "^^id",
    "name": "^name",
    "status": "^status",
    "display_status": "^displayStatus",
    "created_at": "^createdAt",
    "updated_at": "^updatedAt",
    "delivered_at": "^deliveredAt",
    "in_transit_at": "^inTransitAt",
    "estimated_delivery_at": "^estimatedDeliveryAt",
    "location_name": "^location.name",
    "location_province_code": "^location.address.provinceCode",
    "location_country_code": "^location.address.countryCode",
    "tracking_company": "company",
    "tracking_number": "number",
    "shipping_province_code": "^^shippingAddress.provinceCode",
    "shipping_country_code": "^^shippingAddress.countryCodeV2",
}
_EVENT: Final = {
    "fulfillment_id": "^id",
    "tracking_company": "^trackingInfo[0].company",
    "tracking_number": "^trackingInfo[0].number",
    "happened_at": "happenedAt",
    "created_at": "createdAt",
    "estimated_delivery_at": "estimatedDeliveryAt",
}
_REFUND: Final = {
    "order_id": "^id",
    "return_id": "return.id",
    "created_at": "createdAt",
    "amount": "totalRefundedSet.shopMoney.amount",
    "currency": "totalRefundedSet.shopMoney.currencyCode",
}
_RETURN: Final = {
    "order_id": "^id",
    "customer_id": "^customer.legacyResourceId",
    "created_at": "createdAt",
    "request_approved_at": "requestApprovedAt",
    "closed_at": "closedAt",
    "decline_reason": "decline.reason",
    "exchange_line_item_id": "exchangeLineItems.nodes[0].id",
}
_SOLD: Final = "fulfillmentLineItem.lineItem"
_RETURNED: Final = {
    "return_id": "^id",
    "order_id": "^^id",
    "customer_id": "^^customer.legacyResourceId",
    "return_created_at": "^createdAt",
    "line_item_id": f"{_SOLD}.id",
    "sku": f"{_SOLD}.sku",
    "refunded_quantity": "refundedQuantity",
    "return_reason": "returnReason",
    "return_reason_handle": "returnReasonDefinition.handle",
    "price": f"{_SOLD}.originalUnitPriceSet.shopMoney.amount",
    "currency": f"{_SOLD}.originalUnitPriceSet.shopMoney.currencyCode",
    "return_reason_note": "returnReasonNote",
    "customer_note": "customerNote",
}
_REST_ORDER: Final = {
    "total_shipping_price": "shipping_lines[0].price",
    "shipping_title": "shipping_lines[0].title",
    "customer_id": "customer.id",
    "shipping_name": "shipping_address.name",
    "shipping_address1": "shipping_address.address1",
    "shipping_province_code": "shipping_address.province_code",
    "shipping_country_code": "shipping_address.country_code",
    "shipping_zip": "shipping_address.zip",
}
_REST_LINE: Final = {
    "order_id": "^id",
    "customer_id": "^customer.id",
    "order_created_at": "^created_at",
    "currency": "^currency",
    "weight": "grams",
}
_REST_FULFILLMENT: Final = {
    "display_status": "shipment_status",
    "location_name": "origin_address.name",
    "location_province_code": "origin_address.province_code",
    "location_country_code": "origin_address.country_code",
}
_REST_DESTINATION: Final = {
    "shipping_province_code": "^shipping_address.province_code",
    "shipping_country_code": "^shipping_address.country_code",
}
_REST_REFUND: Final = {
    "return_id": "return.id",
    "amount": "transactions[kind=refund].amount",
    "currency": "transactions[kind=refund].currency",
}
