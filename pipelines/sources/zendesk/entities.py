"""What lands from Zendesk, under its own names: tickets, with the requester that is exported beside them.

Subject and description are classified at landing and go to the vault; they never land.
"""

from __future__ import annotations

from typing import Final

from pipelines.domain.entities import REAL, TIME, TOPIC_COLUMNS, Entity, Field, Kind
from pipelines.domain.pages import Cut
from pipelines.sources.zendesk.settings import ZendeskSettings

TICKETS: Final = Entity(
    "tickets",
    "one row per ticket and arrival",
    ("id",),
    (
        Field("id", required=True),
        Field("created_at", TIME, required=True),
        Field("updated_at", TIME, required=True),
        Field("channel"),
        Field("status"),
        Field("tags"),
        Field("requester_id", kind=Kind.TOKEN, token="customer"),
        Field("requester_email", kind=Kind.TOKEN, token="email"),
        Field("requester_external_id", kind=Kind.TOKEN, token="customer"),
        Field("satisfaction_rating"),
        Field("order_id"),
        Field("order_number"),
        Field("tracking_number"),
        Field("score", REAL),
        Field("subject", kind=Kind.TEXT),
        Field("description", kind=Kind.TEXT),
    ),
    derived=TOPIC_COLUMNS,
    texts=("subject", "description", "tags"),
)
_FIXED: Final = {
    "channel": "via.channel",
    "requester_email": "_requester.email",
    "requester_external_id": "_requester.external_id",
    "satisfaction_rating": "satisfaction_rating.score",
}
_NOWHERE: Final = 0  # no field has this id: a custom field that the shop has not


def cuts(settings: ZendeskSettings | None = None) -> tuple[Cut, ...]:
    """The cut of a ticket, custom fields by the ids of the settings."""
    custom = {
        name: f"custom_fields[id={(settings and getattr(settings, f'{name}_field')) or _NOWHERE}].value"
        for name in ("order_id", "order_number", "tracking_number", "score")
    }
    return (Cut(TICKETS, paths=_FIXED | custom),)
