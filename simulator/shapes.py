"""How a merchant's systems export the world's tables: columns, words and formats of each, before any dirt.

Nothing here is canonical: that is the point. `examples/simulated_files.toml` maps it back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import polars as pl

from simulator.texts import iso, money, offset

GRAMS_PER_OUNCE: Final = 28.349523125


@dataclass(frozen=True, slots=True)
class Shape:
    """One export: its folder, the table it is cut from, format, and which columns damage makes unreadable."""

    folder: str
    entity: str
    format: str  # csv, jsonl, parquet
    make: Callable[[pl.DataFrame], pl.DataFrame]
    key: str
    time: str


def _orders(t: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": t["order_id"],
            "name": t["order_number"],
            "email": t["email"],
            "customer_id": t["customer_id"],
            "created_at": iso(t["ordered_at"]),
            "updated_at": iso(t["arrives_at"]),
            "cancelled_at": iso(t["cancelled_at"]),
            "packed_at": iso(t["ready_at"]),
            "financial_status": t["financial_status"],
            "fulfillment_status": t["fulfillment_status"],
            "source_name": t["channel"],
            "currency": t["currency"],
            "total_price": money(t["total_cents"]),
            "total_shipping": money(t["shipping_cents"]),
            "shipping_method": t["service"],
            "shipping_name": t["person_name"],
            "shipping_phone": t["phone"],
            "shipping_address1": t["street"],
            "shipping_city": t["city"],
            "shipping_province_code": t["region"],
            "shipping_zip": t["postal"],
            "shipping_country_code": t["country"],
            "shipping_time_zone": t["time_zone"],
            "location": t["node"],
            "location_province_code": t["node_region"],
            "promised_delivery_date": t["promised_date"].cast(pl.String),
        }
    )


def _order_lines(t: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": t["order_line_id"],
            "order_id": t["order_id"],
            "customer_id": t["customer_id"],
            "created_at": iso(t["ordered_at"]),
            "sku": t["sku"],
            "product_id": t["product_id"],
            "title": t["title"],
            "product_type": t["category"],
            "variant_title": t["variant"],
            "quantity": t["quantity"],
            "price_cents": t["price_cents"],
            "currency": pl.Series(["USD"]).new_from_index(0, len(t)),
            "grams": t["grams"],
        }
    )


def _shipments(t: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": t["shipment_ref"],
            "reference": t["order_id"],
            "created_at": iso(t["label_created_at"]),
            "updated_at": iso(t["arrives_at"]),
            "status": t["status"],
            "is_return": t["is_return"],
            "tracking_code": t["tracking_number"],
            "carrier": t["carrier"],
            "service": t["service"],
            "rate": money(t["rate_cents"]),
            "currency": pl.Series(["USD"]).new_from_index(0, len(t)),
            "weight_oz": (t["grams"] / GRAMS_PER_OUNCE).round(1),
            "from_location": t["node"],
            "from_state": t["node_region"],
            "to_state": t["region"],
            "to_country": t["country"],
            "to_time_zone": t["time_zone"],
            "guaranteed_delivery_date": t["committed_date"].cast(pl.String),
            "first_est_delivery_date": t["first_estimate_date"].cast(pl.String),
            "est_delivery_date": t["last_estimate_date"].cast(pl.String),
            "voided_at": iso(t["cancelled_at"]),
            "replacement_for": t["replaces"],
        }
    )


def _easypost(t: pl.DataFrame) -> pl.DataFrame:
    t = t.filter(pl.col("feed") == "easypost")
    return pl.DataFrame(
        {
            "tracking_code": t["tracking_number"],
            "carrier": t["carrier"],
            "status": t["status"],
            "status_detail": t["detail"],
            "message": t["message"],
            "datetime": iso(t["occurred_at"]),
            "city": t["city"],
            "state": t["region"],
            "country": t["country"],
            "received_at": iso(t["arrives_at"]),
        }
    )


def _aftership(t: pl.DataFrame) -> pl.DataFrame:
    t = t.filter(pl.col("feed") == "aftership")
    local = t.select(pl.col("occurred_at") + pl.duration(minutes=pl.col("offset_minutes"))).to_series()
    return pl.DataFrame(
        {
            "id": t["scan_id"],
            "slug": t["carrier"].replace_strict({"DHLExpress": "dhl", "OnTrac": "ontrac"}, default="other"),
            "tracking_number": t["tracking_number"],
            "checkpoint_time": iso(local, offset(t["offset_minutes"])),
            "created_at": iso(t["arrives_at"]),
            "tag": t["status"],
            "subtag": t["detail"],
            "message": t["message"],
            "city": t["city"],
            "state": t["region"],
            "country_region": t["country"],
        }
    )


def _returns(t: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": t["return_id"],
            "order_id": t["order_id"],
            "customer_id": t["customer_id"],
            "created_at": iso(t["requested_at"]),
            "updated_at": iso(t["arrives_at"]),
            "approved_at": iso(t["approved_at"]),
            "label_scanned_at": iso(t["label_first_scan_at"]),
            "received_at": iso(t["received_at"]),
            "settled_at": iso(t["refunded_at"]),
            "state": t["state"],
            "outcome": t["outcome"],
            "refund": money(t["refund_cents"]),
            "exchange_and_credit": money(t["retained_cents"]),
            "currency": pl.Series(["USD"]).new_from_index(0, len(t)),
        }
    )


def _return_lines(t: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "line_item_id": t["return_line_id"],
            "return_id": t["return_id"],
            "order_id": t["order_id"],
            "order_line_id": t["order_line_id"],
            "customer_id": t["customer_id"],
            "created_at": iso(t["requested_at"]),
            "sku": t["sku"],
            "quantity": t["quantity"],
            "return_reason": t["reason_code"],
            "price": money(t["amount_cents"]),
            "currency": pl.Series(["USD"]).new_from_index(0, len(t)),
            "comment": t["note"],
        }
    )


def _tickets(t: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "id": t["ticket_id"],
            "created_at": iso(t["created_at"]),
            "updated_at": iso(t["arrives_at"]),
            "subject": t["subject"],
            "description": t["body"],
            "status": t["status"],
            "via": t["channel"],
            "tags": t["tags"],
            "requester_email": t["email"],
            "requester_external_id": t["customer_id"],
            "field_order_id": t["order_id"],
            "field_order_name": t["order_number"],
            "field_tracking": t["tracking_number"],
            "satisfaction": t["score"],
        }
    )


def _notices(t: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "message_id": t["notice_id"],
            "order_id": t["order_id"],
            "tracking_number": t["tracking_number"],
            "template": t["kind"],
            "sent_at": iso(t["sent_at"]),
            "reason": t["reason"],
        }
    )


def _charges(t: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "invoice_number": t["invoice"],
            "line_id": t["charge_id"],
            "carrier": t["carrier"],
            "tracking_number": t["tracking_number"],
            "charge_code": t["charge_code"],
            "net_amount": t["amount_cents"] / 100,
            "currency": pl.Series(["USD"]).new_from_index(0, len(t)),
            "invoice_date": t["billed_on"].cast(pl.String),
        }
    )


def _revisions(t: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "order_id": t["order_id"],
            "changed_at": iso(t["changed_at"]),
            "promised_delivery_date": t["promised_date"].cast(pl.String),
        }
    )


SHAPES: Final = (
    Shape("orders", "orders", "csv", _orders, "id", "created_at"),
    Shape("order_lines", "order_lines", "csv", _order_lines, "id", "created_at"),
    Shape("shipments", "shipments", "jsonl", _shipments, "tracking_code", "created_at"),
    Shape("scans_easypost", "scans", "parquet", _easypost, "tracking_code", "datetime"),
    Shape("scans_aftership", "scans", "csv", _aftership, "tracking_number", "checkpoint_time"),
    Shape("returns", "returns", "jsonl", _returns, "id", "created_at"),
    Shape("return_lines", "return_lines", "jsonl", _return_lines, "line_item_id", "created_at"),
    Shape("tickets", "tickets", "jsonl", _tickets, "id", "created_at"),
    Shape("notices", "notices", "csv", _notices, "message_id", "sent_at"),
    Shape("carrier_charges", "carrier_charges", "csv", _charges, "line_id", "invoice_date"),
    Shape("promise_revisions", "promise_revisions", "csv", _revisions, "order_id", "changed_at"),
)


def products(t: pl.DataFrame) -> pl.DataFrame:
    """The catalogue as the shop exports it."""
    return t.select(
        "sku",
        "product_id",
        "title",
        pl.col("category").alias("product_type"),
        pl.col("variant").alias("variant_title"),
        "size",
        pl.col("size_order").alias("size_position"),
        (pl.col("price_cents") / 100).alias("price"),
        pl.col("weight_grams").alias("grams"),
    )
