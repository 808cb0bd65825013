"""What lands from Loop, under its own names: returns and their lines. A customer's comment goes to the vault."""

from __future__ import annotations

from typing import Final

from pipelines.domain.entities import COUNT, MONEY, TIME, Entity, Field, Kind
from pipelines.domain.pages import Cut

RETURNS: Final = Cut(
    Entity(
        "returns",
        "one row per return and arrival",
        ("id",),
        (
            Field("id", required=True),
            Field("created_at", TIME, required=True),
            Field("updated_at", TIME, required=True),
            Field("state"),
            Field("outcome"),
            Field("provider_order_id"),
            Field("order_name"),
            Field("currency"),
            Field("refund", MONEY),
            Field("refund_created_at", TIME),  # of the first, where there are several
            Field("exchange_total", MONEY),
            Field("gift_card", MONEY),
            Field("handling_fee", MONEY),
            Field("carrier"),
            Field("tracking_number"),
            Field("label_status"),  # new, pre_transit, in_transit, out_for_delivery, delivered, expired
            Field("label_updated_at", TIME),
            Field("first_line_outcome"),
        ),
    ),
    paths={"refund_created_at": "refunds[0].created_at", "first_line_outcome": "line_items[0].outcome"},
)

LINE_ITEMS: Final = Cut(
    Entity(
        "line_items",
        "one row per returned line and arrival",
        ("line_item_id",),
        (
            Field("line_item_id", required=True),
            Field("return_id", required=True),
            Field("return_created_at", TIME),
            Field("provider_order_id"),
            Field("provider_line_item_id"),
            Field("sku"),
            Field("quantity", COUNT),  # without one: one
            Field("price", MONEY),
            Field("refund", MONEY),
            Field("currency"),
            Field("outcome"),
            Field("return_reason"),
            Field("parent_return_reason"),
            Field("return_comment", kind=Kind.TEXT),
        ),
    ),
    each=("line_items",),
    paths={
        "return_id": "^id",
        "return_created_at": "^created_at",
        "provider_order_id": "^provider_order_id",
        "currency": "^currency",
    },
)

CUTS: Final = (RETURNS, LINE_ITEMS)
