"""What lands from Gorgias, under its own names: tickets.

Subject and excerpt are classified at landing and go to the vault; they never land. `meta` holds what the shop keeps
there: numbers of the order and the parcel, under the names that Gorgias' own shop integrations use.
"""

from __future__ import annotations

from typing import Final

from pipelines.domain.entities import FLAG, REAL, TIME, TOPIC_COLUMNS, Entity, Field, Kind
from pipelines.domain.pages import Cut

TICKETS: Final = Cut(
    Entity(
        "tickets",
        "one row per ticket and arrival",
        ("id",),
        (
            Field("id", required=True),
            Field("created_datetime", TIME, required=True),
            Field("updated_datetime", TIME, required=True),
            Field("channel"),
            Field("status"),
            Field("spam", FLAG),
            Field("tags"),
            Field("customer_external_id", kind=Kind.TOKEN, token="customer"),
            Field("customer_email", kind=Kind.TOKEN, token="email"),
            Field("order_id"),
            Field("order_name"),
            Field("tracking_number"),
            Field("score", REAL),
            Field("subject", kind=Kind.TEXT),
            Field("excerpt", kind=Kind.TEXT),
        ),
        derived=TOPIC_COLUMNS,
        texts=("subject", "excerpt", "tags"),
    ),
    paths={
        "customer_external_id": "customer.external_id",
        "customer_email": "customer.email",
        "order_id": "meta.order_id",
        "order_name": "meta.order_name",
        "tracking_number": "meta.tracking_number",
        "score": "satisfaction_survey.score",
    },
)

CUTS: Final = (TICKETS,)
