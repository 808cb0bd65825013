"""One order as the Admin API's object, with all that hangs on it: plain dicts by field name."""

from __future__ import annotations

from typing import Any, Final

from simulator.doubles.answers import digits, moment, money, zulu
from simulator.doubles.groups import Row

COMPANIES: Final = {"DHLExpress": "DHL Express"}
SOURCES: Final = {"web": "web", "mobile_app": "mobile_app", "marketplace": "marketplace", "pos": "pos"}
NAMES: Final = {
    "US": "United States", "CA": "Canada", "GB": "United Kingdom", "DE": "Germany", "BR": "Brazil", "ES": "Spain",
    "MX": "Mexico",
}  # fmt: skip
STATUSES: Final = {
    "label_created": "LABEL_PURCHASED", "InfoReceived_001": "LABEL_PURCHASED",
    "InTransit_002": "CARRIER_PICKED_UP",
    "delayed": "DELAYED", "weather_delay": "DELAYED", "held": "DELAYED", "missorted": "IN_TRANSIT",
    "Exception_001": "IN_TRANSIT", "Exception_004": "DELAYED", "Exception_005": "DELAYED", "Exception_017": "DELAYED",
    "delivery_exception": "ATTEMPTED_DELIVERY", "address_correction": "DELAYED", "Exception_007": "DELAYED",
}  # fmt: skip
BY_STATUS: Final = {
    "pre_transit": "CONFIRMED", "in_transit": "IN_TRANSIT", "out_for_delivery": "OUT_FOR_DELIVERY",
    "delivered": "DELIVERED", "available_for_pickup": "READY_FOR_PICKUP", "return_to_sender": "FAILURE",
    "failure": "FAILURE", "cancelled": "FAILURE", "InTransit": "IN_TRANSIT", "OutForDelivery": "OUT_FOR_DELIVERY",
    "AttemptFail": "ATTEMPTED_DELIVERY", "Delivered": "DELIVERED", "AvailableForPickup": "READY_FOR_PICKUP",
    "Exception": "FAILURE",
}  # fmt: skip
RETURN_STATUS: Final = {"review": "REQUESTED", "open": "OPEN", "closed": "CLOSED", "expired": "CANCELED"}
PICKED_UP: Final = ("received_at_origin_facility", "InTransit_002")


def gid(kind: str, number: object) -> str:
    """Shopify's global id."""
    return f"gid://shopify/{kind}/{number}"


def fulfillment_number(reference: str) -> int:
    """The number of the fulfilment made with a label."""
    return digits("fulfillment", reference)


def bag(cents: int) -> Row:
    """An amount in both currencies, which are the same one."""
    amount = {"amount": money(cents), "currencyCode": "USD"}
    return {"shopMoney": amount, "presentmentMoney": amount}


class Order:
    """An order while its object is being made: `object` gives it."""

    def __init__(
        self,
        now: Row,
        lines: list[Row],
        parcels: list[Row],
        scans: list[Row],
        returns: list[Row],
        back: list[Row],
        revisions: list[Row],
        updated: int,
    ) -> None:
        self.now, self.revisions, self.updated = now, revisions, updated
        self.lines = {line["order_line_id"]: _line(line) for line in lines}
        self.prices = {line["order_line_id"]: line["price_cents"] for line in lines}
        self.parcels: dict[str, list[Row]] = {}
        for parcel in parcels:
            self.parcels.setdefault(parcel["shipment_ref"], []).append(parcel)
        self.scans: dict[str, list[Row]] = {}
        for scan in scans:
            self.scans.setdefault(scan["shipment_ref"], []).append(scan)
        self.returns = {version["return_id"]: version for version in returns}
        self.back: dict[str, list[Row]] = {}
        for line in back:
            self.back.setdefault(line["return_id"], []).append(line)

    def object(self) -> Row:
        """The object, every field of the schema filled."""
        now, number = self.now, self.now["order_id"]
        refunds = self._refunds()
        refunded = sum(cents for cents, _ in refunds)
        total, shipping = now["total_cents"], now["shipping_cents"]
        paid = "PAID" if not refunded else "REFUNDED" if refunded >= total else "PARTIALLY_REFUNDED"
        first, _, last = now["person_name"].partition(" ")
        created = zulu(now["ordered_at"])
        return {
            "__typename": "Order",
            "id": gid("Order", number),
            "legacyResourceId": number,
            "name": now["order_number"],
            "number": int(now["order_number"].lstrip("#")),
            "createdAt": created,
            "updatedAt": zulu(moment(self.updated)),
            "processedAt": created,
            "cancelledAt": zulu(now["cancelled_at"]),
            "cancelReason": "OTHER" if now["cancelled_at"] else None,
            "closedAt": None,
            "test": False,
            "currencyCode": now["currency"],
            "presentmentCurrencyCode": now["currency"],
            "sourceName": SOURCES[now["channel"]],
            "tags": [],
            "note": None,
            "email": now["email"],
            "phone": now["phone"],
            "customerLocale": now["language"],
            "customAttributes": self._attributes(),
            "displayFinancialStatus": paid,
            "displayFulfillmentStatus": (now["fulfillment_status"] or "unfulfilled").upper(),
            "totalPriceSet": bag(total),
            "currentTotalPriceSet": bag(max(total - refunded, 0)),
            "subtotalPriceSet": bag(total - shipping),
            "totalShippingPriceSet": bag(shipping),
            "totalRefundedSet": bag(refunded),
            "shippingLine": {"title": now["service"], "code": now["service"], "originalPriceSet": bag(shipping)},
            "shippingAddress": {
                "name": now["person_name"], "firstName": first, "lastName": last, "address1": now["street"],
                "city": now["city"], "province": now["region"], "provinceCode": now["region"], "zip": now["postal"],
                "country": NAMES[now["country"]], "countryCodeV2": now["country"], "phone": now["phone"],
            },
            "customer": {
                "id": gid("Customer", now["customer_id"]), "legacyResourceId": str(now["customer_id"]),
                "email": now["email"], "firstName": first, "lastName": last, "displayName": now["person_name"],
                "locale": now["language"],
            },
            "lineItems": list(self.lines.values()),
            "fulfillments": self._fulfillments(),
            "refunds": [refund for _, refund in refunds],
            "returns": [self._return(version) for version in self.returns.values() if version["own"]],
        }  # fmt: skip

    def _attributes(self) -> list[Row]:
        """What the shop's own systems keep with an order."""
        now = self.now
        values = {
            "promised_delivery_date": str(now["promised_date"]),
            "revised_delivery_date": str(self.revisions[-1]["promised_date"]) if self.revisions else None,
            "packed_at": zulu(now["ready_at"]),
            "ship_from": f"{now['node']}/{now['node_region']}",
            "ship_to_time_zone": now["time_zone"],
        }
        return [{"key": key, "value": value} for key, value in values.items() if value]

    def _fulfillments(self) -> list[Row]:
        firsts = [ref for ref, versions in self.parcels.items() if versions[0]["replaces"] is None]
        keys = sorted(self.lines)
        made = []
        for place, (ref, versions) in enumerate(self.parcels.items()):
            own = keys[firsts.index(ref) :: len(firsts)] if ref in firsts else []
            made.append(self._fulfillment(place, ref, versions, own))
        return made

    def _fulfillment(self, place: int, ref: str, versions: list[Row], lines: list[str]) -> Row:
        now, scans = versions[-1], self.scans.get(ref, [])
        number = fulfillment_number(ref)
        events = [_event(scan) for scan in sorted(scans, key=lambda scan: scan["occurred_at"])]
        voided = now["status"] == "voided"
        moves = [scan for scan in scans if scan["detail"] in PICKED_UP]
        ends = [scan for scan in scans if scan["status"] in ("delivered", "Delivered")]
        estimate = now["last_estimate_date"]
        changed = max([now["arrives_at"], *(scan["arrives_at"] for scan in scans)])
        return {
            "__typename": "Fulfillment",
            "id": gid("Fulfillment", number),
            "legacyResourceId": str(number),
            "name": f"{self.now['order_number']}-F{place + 1}",
            "createdAt": zulu(now["label_created_at"]),
            "updatedAt": zulu(changed),
            "deliveredAt": zulu(min((scan["occurred_at"] for scan in ends), default=None)),
            "inTransitAt": zulu(min((scan["occurred_at"] for scan in moves), default=None)),
            "estimatedDeliveryAt": f"{estimate}T00:00:00Z" if estimate else None,
            "status": "CANCELLED" if voided else "SUCCESS",
            "displayStatus": "CANCELED" if voided else events[-1]["status"] if events else "FULFILLED",
            "totalQuantity": sum(self.lines[key]["quantity"] for key in lines),
            "requiresShipping": True,
            "location": {
                "id": gid("Location", digits("location", now["node"])), "name": now["node"],
                "address": {"city": None, "provinceCode": now["node_region"], "countryCode": "US", "zip": None},
            },
            "service": {"handle": "manual", "serviceName": "Manual"},
            "trackingInfo": [
                {"company": COMPANIES.get(now["carrier"], now["carrier"]), "number": now["tracking_number"],
                 "url": f"https://tracking.example.test/{now['tracking_number']}"}
            ],
            "events": events,
            "fulfillmentLineItems": [
                {"id": gid("FulfillmentLineItem", digits("fulfilled", key)), "lineItem": self.lines[key],
                 "quantity": self.lines[key]["quantity"]}
                for key in lines
            ],
        }  # fmt: skip

    def _refunds(self) -> list[tuple[int, Row]]:
        made = []
        if self.now["financial_status"] == "refunded" and self.now["cancelled_at"]:
            pairs = [(key, line["quantity"], line["quantity"] * self.prices[key]) for key, line in self.lines.items()]
            cents = self.now["total_cents"]
            made.append((cents, self._refund(self.now["order_id"], self.now["cancelled_at"], cents, "CANCEL", pairs)))
        for number, version in self.returns.items():
            if version["refunded_at"] is None or version["refund_cents"] <= 0:
                continue
            lines = self.back.get(number, [])
            pairs = [(line["order_line_id"], line["quantity"], line["amount_cents"]) for line in lines]
            cents = version["refund_cents"]
            refund = self._refund(number, version["refunded_at"], cents, "RETURN", pairs)
            refund["return"] = {"id": gid("Return", number)} if version["own"] else None
            made.append((cents, refund))
        return made

    def _refund(self, key: str, at: Any, cents: int, restock: str, lines: list[tuple[str, int, int]]) -> Row:
        number = digits("refund", key, restock)
        return {
            "__typename": "Refund",
            "id": gid("Refund", number),
            "legacyResourceId": str(number),
            "createdAt": zulu(at),
            "updatedAt": zulu(at),
            "note": None,
            "totalRefundedSet": bag(cents),
            "return": None,
            "refundLineItems": [
                {"id": gid("RefundLineItem", digits("refunded", key, line)), "quantity": quantity,
                 "restockType": restock, "lineItem": self.lines[line], "subtotalSet": bag(amount)}
                for line, quantity, amount in lines
                if line in self.lines
            ],
        }  # fmt: skip

    def _return(self, now: Row) -> Row:
        number, lines = now["return_id"], self.back.get(now["return_id"], [])
        place = sorted(self.returns).index(number)
        settled, rejected = now["refunded_at"] is not None, now["outcome"] == "rejected"
        status = "DECLINED" if rejected else RETURN_STATUS[now["state"]]
        swapped = now["outcome"] == "exchange" and settled
        own = [refund for _, refund in self._refunds() if refund["return"] == {"id": gid("Return", number)}]
        return {
            "__typename": "Return",
            "id": gid("Return", number),
            "name": f"{self.now['order_number']}-R{place + 1}",
            "status": status,
            "createdAt": zulu(now["requested_at"]),
            "requestApprovedAt": zulu(now["approved_at"]),
            "closedAt": zulu(now["arrives_at"]) if status in ("CLOSED", "CANCELED") else None,
            "totalQuantity": sum(line["quantity"] for line in lines),
            "decline": {"reason": "OTHER", "note": None} if rejected else None,
            "returnLineItems": [_returned(line, self.lines, settled, now) for line in lines],
            "exchangeLineItems": [
                {"id": gid("ExchangeLineItem", digits("exchange", line["return_line_id"])),
                 "quantity": line["quantity"], "lineItem": None}
                for line in lines
            ] if swapped else [],
            "refunds": own,
        }  # fmt: skip


def _line(line: Row) -> Row:
    variant = digits("variant", line["sku"])
    return {
        "id": gid("LineItem", line["order_line_id"]),
        "sku": line["sku"],
        "name": f"{line['title']} - {line['variant']}",
        "title": line["title"],
        "variantTitle": line["variant"],
        "quantity": line["quantity"],
        "currentQuantity": line["quantity"],
        "refundableQuantity": line["quantity"],
        "originalUnitPriceSet": bag(line["price_cents"]),
        "discountedUnitPriceSet": bag(line["price_cents"]),
        "requiresShipping": True,
        "product": {
            "id": gid("Product", line["product_id"]), "legacyResourceId": str(line["product_id"]),
            "title": line["title"], "productType": line["category"],
        },
        "variant": {
            "id": gid("ProductVariant", variant), "sku": line["sku"], "title": line["variant"],
            "inventoryItem": {
                "id": gid("InventoryItem", variant),
                "measurement": {"weight": {"unit": "GRAMS", "value": float(line["grams"])}},
            },
        },
    }  # fmt: skip


def _event(scan: Row) -> Row:
    return {
        "id": gid("FulfillmentEvent", scan["scan_id"]),
        "status": STATUSES.get(scan["detail"], BY_STATUS.get(scan["status"], "IN_TRANSIT")),
        "message": scan["message"],
        "createdAt": zulu(scan["arrives_at"]),
        "happenedAt": zulu(scan["occurred_at"]),
        "estimatedDeliveryAt": None,
        "address1": None,
        "city": scan["city"],
        "province": scan["region"],
        "country": scan["country"],
        "zip": None,
        "latitude": None,
        "longitude": None,
    }


def _returned(line: Row, lines: dict[str, Row], settled: bool, now: Row) -> Row:
    """Both forms of the reason: the older word, and the newer definition by handle."""
    code = line["reason_code"]
    word = code if code.isupper() else "OTHER"
    handle = code.lower().replace("_", "-")
    done = line["quantity"] if settled else 0
    item = lines.get(line["order_line_id"])
    return {
        "__typename": "ReturnLineItem",
        "id": gid("ReturnLineItem", line["return_line_id"]),
        "quantity": line["quantity"],
        "refundedQuantity": done if now["refund_cents"] > 0 else 0,
        "refundableQuantity": line["quantity"] - done,
        "processedQuantity": done,
        "returnReason": word,
        "returnReasonNote": "",
        "returnReasonDefinition": {
            "id": gid("ReturnReasonDefinition", digits("reason", handle)), "handle": handle,
            "name": handle.replace("-", " ").capitalize(), "deleted": False,
        },
        "customerNote": line["note"],
        "restockingFee": None,
        "fulfillmentLineItem": {
            "id": gid("FulfillmentLineItem", digits("fulfilled", line["order_line_id"])),
            "quantity": item["quantity"] if item else line["quantity"], "lineItem": item,
        },
    }  # fmt: skip
