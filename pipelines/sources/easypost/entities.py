"""What lands from EasyPost, under its own names: trackers, and their tracking details.

Left out: messages of events, which name who signed; public addresses; the fees of tracking itself.
"""

from __future__ import annotations

from typing import Final

from pipelines.domain.entities import DATE, FLAG, REAL, TIME, Entity, Field, Kind
from pipelines.domain.pages import Cut

TRACKERS: Final = Cut(
    Entity(
        "trackers",
        "one row per tracker and arrival",
        ("id",),
        (
            Field("id", required=True),
            Field("updated_at", TIME, required=True),
            Field("created_at", TIME, required=True),
            Field("mode"),
            Field("tracking_code", required=True),
            Field("carrier"),
            Field("status"),
            Field("status_detail"),
            Field("shipment_id"),
            Field("signed_by", kind=Kind.TOKEN),
            Field("weight", REAL),  # ounces
            Field("est_delivery_date", TIME),  # a local day, at midnight or at an hour
            Field("finalized", FLAG),
            Field("is_return", FLAG),
            Field("service"),
            Field("container_type"),
            Field("est_delivery_date_local", DATE),
            Field("est_delivery_time_local"),
            Field("guaranteed_delivery_date", DATE),
            Field("initial_delivery_attempt", TIME),
            Field("origin_location", kind=Kind.PLACE),
            Field("origin_city"),
            Field("origin_state"),
            Field("origin_country"),
            Field("destination_location", kind=Kind.PLACE),
            Field("destination_city"),
            Field("destination_state"),
            Field("destination_country"),
        ),
    ),
    paths={
        name: f"carrier_detail.{name}"
        for name in (
            "service",
            "container_type",
            "est_delivery_date_local",
            "est_delivery_time_local",
            "guaranteed_delivery_date",
            "initial_delivery_attempt",
            "origin_location",
            "destination_location",
        )
    }
    | {
        f"{end}_{part}": f"carrier_detail.{end}_tracking_location.{part}"
        for end in ("origin", "destination")
        for part in ("city", "state", "country")
    },
)

TRACKING_DETAILS: Final = Cut(
    Entity(
        "tracking_details",
        "one row per event of a tracker and arrival",
        ("tracker_id", "datetime", "status", "status_detail"),
        (
            Field("tracker_id", required=True),
            Field("tracking_code", required=True),
            Field("carrier"),
            # local where the place is known, though marked Z; UTC otherwise. Staging tells which.
            Field("datetime", TIME, required=True),
            Field("status", required=True),
            Field("status_detail"),
            Field("event_source"),
            Field("carrier_code"),
            Field("city"),
            Field("state"),
            Field("country"),
            Field("zip", kind=Kind.POSTCODE),
            Field("est_delivery_date", TIME),
        ),
    ),
    each=("tracking_details",),
    paths={"tracker_id": "^id", "tracking_code": "^tracking_code", "carrier": "^carrier", "event_source": "source"}
    | {part: f"tracking_location.{part}" for part in ("city", "state", "country", "zip")},
)

CUTS: Final = (TRACKERS, TRACKING_DETAILS)
