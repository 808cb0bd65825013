"""How carriers word what happens: EasyPost-like status and detail, AfterShip-like tag and subtag.

The code maps in `examples/` are written from these tables; a test keeps the two equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

UNKNOWN_CODES: Final = {"easypost": ("unknown", "status_pending_review"), "aftership": ("InTransit", "InTransit_044")}


class Event(IntEnum):
    """What a scan says."""

    LABEL = 0
    ACCEPTED = 1
    DEPARTED_ORIGIN = 2
    ARRIVED = 3
    DEPARTED = 4
    MISSORTED = 5
    WEATHER = 6
    CUSTOMS = 7
    CLEARED = 8
    DELAYED = 9
    AT_DESTINATION = 10
    OUT = 11
    NOT_HOME = 12
    REFUSED = 13
    BAD_ADDRESS = 14
    PICKUP = 15
    DELIVERED = 16
    PICKED_UP = 17
    RETURNING = 18
    RETURNED = 19
    LOST = 20
    DAMAGED = 21
    VOIDED = 22
    UNKNOWN = 23


@dataclass(frozen=True, slots=True)
class Wording:
    """One event in both vendors' words and in ours."""

    event: Event
    status: str
    detail: str
    tag: str
    subtag: str
    message: str
    milestone: str
    incident: str = ""
    aftership_milestone: str = ""  # where the vendor's word says less


WORDINGS: Final = (
    Wording(
        Event.LABEL, "pre_transit", "label_created", "InfoReceived", "InfoReceived_001",
        "Shipping label created", "label_created",
    ),
    Wording(
        Event.ACCEPTED, "in_transit", "received_at_origin_facility", "InTransit", "InTransit_002",
        "Package accepted", "accepted",
    ),
    Wording(
        Event.DEPARTED_ORIGIN, "in_transit", "departed_origin_facility", "InTransit", "InTransit_007",
        "Departed origin facility", "in_transit",
    ),
    Wording(
        Event.ARRIVED, "in_transit", "arrived_at_facility", "InTransit", "InTransit_003",
        "Arrived at facility", "in_transit",
    ),
    Wording(
        Event.DEPARTED, "in_transit", "departed_facility", "InTransit", "InTransit_007",
        "Departed facility", "in_transit",
    ),
    Wording(
        Event.MISSORTED, "in_transit", "missorted", "Exception", "Exception_001",
        "Package sent to the wrong facility", "exception", "carrier_missorted",
    ),
    Wording(
        Event.WEATHER, "in_transit", "weather_delay", "Exception", "Exception_017",
        "Delayed by severe weather", "exception", "weather_delay",
    ),
    Wording(
        Event.CUSTOMS, "in_transit", "held", "Exception", "Exception_004",
        "Held by customs", "exception", "customs_held",
    ),
    Wording(
        Event.CLEARED, "in_transit", "status_update", "InTransit", "InTransit_005",
        "Released by customs", "in_transit",
    ),
    Wording(
        Event.DELAYED, "in_transit", "delayed", "Exception", "Exception_005",
        "Delayed, volume at the facility", "exception", "carrier_capacity",
    ),
    Wording(
        Event.AT_DESTINATION, "in_transit", "received_at_destination_facility", "InTransit", "InTransit_003",
        "Arrived at destination facility", "arrived_destination", "", "in_transit",
    ),
    Wording(
        Event.OUT, "out_for_delivery", "out_for_delivery", "OutForDelivery", "OutForDelivery_001",
        "Out for delivery", "out_for_delivery",
    ),
    Wording(
        Event.NOT_HOME, "out_for_delivery", "delivery_exception", "AttemptFail", "AttemptFail_002",
        "Delivery attempted, recipient not available", "delivery_attempted", "recipient_not_home",
    ),
    Wording(
        Event.REFUSED, "failure", "refused", "Exception", "Exception_003",
        "Refused by recipient", "delivery_attempted", "recipient_refused",
    ),
    Wording(
        Event.BAD_ADDRESS, "in_transit", "address_correction", "Exception", "Exception_007",
        "Address cannot be found", "exception", "recipient_bad_address",
    ),
    Wording(
        Event.PICKUP, "available_for_pickup", "arrived_at_pickup_location", "AvailableForPickup",
        "AvailableForPickup_001", "Ready to be picked up", "available_for_pickup",
    ),
    Wording(
        Event.DELIVERED, "delivered", "arrived_at_destination", "Delivered", "Delivered_001",
        "Delivered", "delivered",
    ),
    Wording(
        Event.PICKED_UP, "delivered", "status_update", "Delivered", "Delivered_002",
        "Picked up by the recipient", "delivered",
    ),
    Wording(
        Event.RETURNING, "return_to_sender", "return", "Exception", "Exception_010",
        "On its way back to the sender", "returning_to_sender",
    ),
    Wording(
        Event.RETURNED, "return_to_sender", "received_at_origin_facility", "Exception", "Exception_011",
        "Returned to the sender", "returned_to_sender",
    ),
    Wording(
        Event.LOST, "failure", "lost", "Exception", "Exception_013",
        "Lost", "lost", "carrier_lost",
    ),
    Wording(
        Event.DAMAGED, "failure", "damaged", "Exception", "Exception_012",
        "Damaged, cannot be delivered", "damaged", "carrier_damaged",
    ),
    Wording(
        Event.VOIDED, "cancelled", "cancelled", "Exception", "Exception_020",
        "Label voided", "cancelled", "merchant_cancelled",
    ),
)  # fmt: skip

REASONS: Final = (
    # said by the customer, reason, group, fault, comment
    ("SIZE_TOO_SMALL", "too_small", "fit", "merchant", "Shopify's word"),
    ("too-tight", "too_small", "fit", "merchant", "handle of Shopify's newer reason definitions"),
    ("SIZE_TOO_LARGE", "too_large", "fit", "merchant", "Shopify's word"),
    ("DEFECTIVE", "defective", "quality", "merchant", "Shopify's word"),
    ("NOT_AS_DESCRIBED", "not_as_described", "not_as_described", "merchant", "Shopify's word"),
    ("COLOR", "colour", "not_as_described", "merchant", "Shopify's word: not the colour shown"),
    ("WRONG_ITEM", "wrong_item", "wrong_item", "merchant", "Shopify's word"),
    ("UNWANTED", "unwanted", "changed_mind", "recipient", "Shopify's word"),
    ("STYLE", "style", "changed_mind", "recipient", "Shopify's word"),
    ("arrived-late", "arrived_late", "arrived_late", "carrier", "handle; the cause may also be a late hand-over"),
    ("damaged-in-transit", "damaged_in_transit", "damaged_in_transit", "carrier", "handle"),
    ("OTHER", "other", "other", "unknown", "Shopify's word"),
    ("UNKNOWN", "unknown", "unknown", "unknown", "Shopify's word"),
)


def status_map_csv() -> str:
    """`examples/simulated_status_map.csv`: both vendors' codes with what they mean to us."""
    lines = ["status_code,milestone,incident,comment"]
    seen: set[str] = set()
    for word in WORDINGS:
        rows = (
            (f"{word.status}.{word.detail}", word.milestone, "EasyPost"),
            (word.subtag, word.aftership_milestone or word.milestone, "AfterShip"),
        )
        for code, milestone, vendor in rows:
            if code not in seen:
                seen.add(code)
                lines.append(f'{code},{milestone},{word.incident},"{vendor}: {word.message}"')
    return "\n".join(lines) + "\n"


def reason_map_csv() -> str:
    """`examples/simulated_reason_map.csv`: the customers' reasons with what they mean to us."""
    lines = ["reason_code,reason,reason_group,reason_fault,comment"]
    lines += [f'{code},{reason},{group},{fault},"{comment}"' for code, reason, group, fault, comment in REASONS]
    return "\n".join(lines) + "\n"
