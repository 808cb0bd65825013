"""What lands from AfterShip, under its own names: trackings, and their checkpoints.

Left out: messages, which may name a person; the customers of a tracking, who are the order's.
"""

from __future__ import annotations

from typing import Final

from pipelines.domain.entities import COUNT, FLAG, REAL, TIME, Entity, Field, Kind
from pipelines.domain.pages import Cut

TRACKINGS: Final = Cut(
    Entity(
        "trackings",
        "one row per tracking and arrival",
        ("id",),
        (
            Field("id", required=True),
            Field("created_at", TIME, required=True),
            Field("updated_at", TIME, required=True),
            Field("tracking_number", required=True),
            Field("slug"),
            Field("tag"),
            Field("subtag"),
            Field("order_id"),
            Field("order_number"),
            Field("shipment_type"),
            Field("shipment_weight", REAL),
            Field("shipment_weight_unit"),
            Field("signed_by", kind=Kind.TOKEN),
            Field("failed_delivery_attempts", COUNT),
            Field("return_to_sender", FLAG),
            Field("first_estimated_delivery", TIME),  # a day, at midnight or at an hour
            Field("latest_estimated_delivery", TIME),
            Field("origin_country_region"),
            Field("origin_state"),
            Field("destination_country_region"),
            Field("destination_state"),
            Field("destination_postal_code", kind=Kind.POSTCODE),
        ),
    ),
    paths={
        "shipment_weight": "shipment_weight.value",
        "shipment_weight_unit": "shipment_weight.unit",
        "first_estimated_delivery": "first_estimated_delivery.datetime",
        "latest_estimated_delivery": "latest_estimated_delivery.datetime",
    },
)

CHECKPOINTS: Final = Cut(
    Entity(
        "checkpoints",
        "one row per checkpoint of a tracking and arrival",
        ("tracking_id", "checkpoint_time", "subtag", "city", "state"),
        (
            Field("tracking_id", required=True),
            Field("tracking_number", required=True),
            Field("slug"),
            Field("checkpoint_time", TIME, required=True),
            Field("is_local", FLAG),  # the time has no offset: it is the place's
            Field("created_at", TIME),  # when AfterShip heard of it
            Field("tag"),
            Field("subtag"),
            Field("raw_tag"),
            Field("city"),
            Field("state"),
            Field("country_region"),
            Field("zip", kind=Kind.POSTCODE),
        ),
    ),
    each=("checkpoints",),
    paths={"tracking_id": "^id", "tracking_number": "^tracking_number", "is_local": "?checkpoint_time"},
)

CUTS: Final = (TRACKINGS, CHECKPOINTS)
