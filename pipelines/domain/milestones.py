"""Milestones of a parcel and kinds of incident: the vocabulary that seeds, models and the simulator share."""

from __future__ import annotations

from typing import Final

# In the order of a parcel's life: of two events in the same second the later milestone wins.
MILESTONES: Final[tuple[str, ...]] = (
    "unknown",
    "label_created",
    "accepted",
    "in_transit",
    "exception",
    "arrived_destination",
    "out_for_delivery",
    "delivery_attempted",
    "available_for_pickup",
    "returning_to_sender",
    "delivered",
    "returned_to_sender",
    "cancelled",
    "lost",
    "damaged",
    "disposed",
)

TERMINAL: Final[frozenset[str]] = frozenset(
    {"delivered", "returned_to_sender", "cancelled", "lost", "damaged", "disposed"}
)

# A carrier holds the parcel: everything but the label, a cancellation and codes nobody has mapped.
PHYSICAL: Final[frozenset[str]] = frozenset(MILESTONES) - {"unknown", "label_created", "cancelled"}

FAULTS: Final[tuple[str, ...]] = ("carrier", "merchant", "recipient", "customs", "weather", "authority", "unknown")
"""An incident starts with one of these and an underscore (`carrier_damaged`), or is `unknown`."""

TOPICS: Final[tuple[str, ...]] = ("wismo", "delivery_problem", "return_refund", "order_change", "product", "other")

RETURN_REASON_GROUPS: Final[tuple[str, ...]] = (
    "fit",
    "quality",
    "not_as_described",
    "damaged_in_transit",
    "wrong_item",
    "arrived_late",
    "changed_mind",
    "other",
    "unknown",
)
