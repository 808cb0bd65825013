"""The REST bodies that Shopify's webhooks carry, made from the Admin API's objects."""

from __future__ import annotations

from typing import Any, Final

Row = dict[str, Any]
SHOP_DOMAIN: Final = "fieldandfold.myshopify.example"


def number(gid: str) -> int:
    """The number in a global id."""
    return int(gid.rpartition("/")[2])


def _cents(bag: Row) -> str:
    return str(bag["shopMoney"]["amount"])


def _line(line: Row) -> Row:
    variant = line["variant"]
    return {
        "id": number(line["id"]),
        "admin_graphql_api_id": line["id"],
        "fulfillment_service": "manual",
        "fulfillment_status": None,
        "grams": int(variant["inventoryItem"]["measurement"]["weight"]["value"]),
        "name": line["name"],
        "price": _cents(line["originalUnitPriceSet"]),
        "product_exists": True,
        "product_id": number(line["product"]["id"]),
        "properties": [],
        "quantity": line["quantity"],
        "requires_shipping": True,
        "sku": line["sku"],
        "tax_lines": [],
        "taxable": True,
        "title": line["title"],
        "total_discount": "0.00",
        "variant_id": number(variant["id"]),
        "variant_inventory_management": "shopify",
        "variant_title": line["variantTitle"],
        "vendor": None,
    }


def fulfillment(order: Row, own: Row) -> Row:
    """Body of fulfillments/create and fulfillments/update."""
    tracking = own["trackingInfo"][0]
    shown = own["displayStatus"]
    return {
        "id": number(own["id"]),
        "admin_graphql_api_id": own["id"],
        "order_id": number(order["id"]),
        "name": own["name"],
        "status": own["status"].lower(),
        "service": "manual",
        "created_at": own["createdAt"],
        "updated_at": own["updatedAt"],
        "shipment_status": shown.lower() if own["events"] else None,
        "location_id": number(own["location"]["id"]),
        "tracking_company": tracking["company"],
        "tracking_number": tracking["number"],
        "tracking_numbers": [tracking["number"]],
        "tracking_url": tracking["url"],
        "tracking_urls": [tracking["url"]],
        "receipt": {},
        "line_items": [_line(item["lineItem"]) for item in own["fulfillmentLineItems"]],
    }


def refund(order: Row, own: Row) -> Row:
    """Body of refunds/create."""
    return {
        "id": number(own["id"]),
        "admin_graphql_api_id": own["id"],
        "order_id": number(order["id"]),
        "created_at": own["createdAt"],
        "processed_at": own["createdAt"],
        "note": own["note"],
        "user_id": None,
        "restock": True,
        "return": {"id": number(own["return"]["id"])} if own["return"] else None,
        "refund_line_items": [
            {
                "id": number(item["id"]),
                "line_item_id": number(item["lineItem"]["id"]),
                "line_item": _line(item["lineItem"]),
                "quantity": item["quantity"],
                "restock_type": item["restockType"].lower(),
                "subtotal": float(_cents(item["subtotalSet"])),
                "total_tax": 0.0,
            }
            for item in own["refundLineItems"]
        ],
        "transactions": [
            {
                "id": number(own["id"]) + 1,
                "order_id": number(order["id"]),
                "amount": _cents(own["totalRefundedSet"]),
                "currency": order["currencyCode"],
                "kind": "refund",
                "gateway": "shopify_payments",
                "status": "success",
                "created_at": own["createdAt"],
            }
        ],
        "order_adjustments": [],
    }


def order(own: Row) -> Row:
    """Body of orders/create, orders/updated, orders/cancelled."""
    address, customer = own["shippingAddress"], own["customer"]
    place = {
        "first_name": address["firstName"],
        "last_name": address["lastName"],
        "name": address["name"],
        "address1": address["address1"],
        "address2": None,
        "company": None,
        "city": address["city"],
        "province": address["province"],
        "province_code": address["provinceCode"],
        "zip": address["zip"],
        "country": address["country"],
        "country_code": address["countryCodeV2"],
        "phone": address["phone"],
        "latitude": None,
        "longitude": None,
    }
    status = own["displayFulfillmentStatus"].lower()
    return {
        "id": number(own["id"]),
        "admin_graphql_api_id": own["id"],
        "name": own["name"],
        "number": own["number"] - 1000,
        "order_number": own["number"],
        "email": own["email"],
        "phone": own["phone"],
        "created_at": own["createdAt"],
        "updated_at": own["updatedAt"],
        "processed_at": own["processedAt"],
        "cancelled_at": own["cancelledAt"],
        "cancel_reason": own["cancelReason"] and own["cancelReason"].lower(),
        "closed_at": None,
        "confirmed": True,
        "test": False,
        "currency": own["currencyCode"],
        "financial_status": own["displayFinancialStatus"].lower(),
        "fulfillment_status": None if status == "unfulfilled" else status,
        "source_name": own["sourceName"],
        "tags": "",
        "note": own["note"],
        "note_attributes": [{"name": pair["key"], "value": pair["value"]} for pair in own["customAttributes"]],
        "buyer_accepts_marketing": False,
        "taxes_included": False,
        "discount_codes": [],
        "tax_lines": [],
        "total_price": _cents(own["totalPriceSet"]),
        "subtotal_price": _cents(own["subtotalPriceSet"]),
        "total_line_items_price": _cents(own["subtotalPriceSet"]),
        "total_discounts": "0.00",
        "total_tax": "0.00",
        "total_weight": 0,
        "customer": {
            "id": number(customer["id"]),
            "email": customer["email"],
            "first_name": customer["firstName"],
            "last_name": customer["lastName"],
            "phone": own["phone"],
        },
        "shipping_address": place,
        "billing_address": place,
        "shipping_lines": [
            {
                "code": own["shippingLine"]["code"],
                "title": own["shippingLine"]["title"],
                "price": _cents(own["shippingLine"]["originalPriceSet"]),
                "source": "shopify",
                "tax_lines": [],
            }
        ],
        "line_items": [_line(line) for line in own["lineItems"]],
        "fulfillments": [fulfillment(own, one) for one in own["fulfillments"]],
        "refunds": [refund(own, one) for one in own["refunds"]],
    }


def privacy(topic: str, own: Row) -> Row:
    """Body of the three topics about personal data that every app must honour."""
    shop: Row = {"shop_id": 1, "shop_domain": SHOP_DOMAIN}
    customer = {"id": number(own["customer"]["id"]), "email": own["email"], "phone": own["phone"]}
    orders = [number(own["id"])]
    match topic:
        case "customers/redact":
            return shop | {"customer": customer, "orders_to_redact": orders}
        case "customers/data_request":
            return shop | {"customer": customer, "orders_requested": orders, "data_request": {"id": 1}}
        case _:
            return shop
