"""One order's story: events of all kinds on one line of time, in words a customer would understand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from dashboards import words

MILESTONES: Final = {
    "label_created": "Label made; the carrier does not have the parcel yet",
    "accepted": "The carrier has the parcel",
    "in_transit": "On its way",
    "arrived_destination": "Arrived near its destination",
    "out_for_delivery": "Out for delivery",
    "delivery_attempted": "The carrier tried to deliver",
    "available_for_pickup": "Waiting to be picked up",
    "delivered": "Delivered",
    "returning_to_sender": "On its way back to the sender",
    "returned_to_sender": "Came back to the sender",
    "cancelled": "Shipment cancelled",
    "lost": "Declared lost by the carrier",
    "damaged": "Declared damaged by the carrier",
    "disposed": "Disposed of by the carrier",
    "exception": "Something went wrong on the way",
    "unknown": "The carrier sent a code we do not know",
}
STATUS: Final = {**MILESTONES, "label_created": "Not handed over yet: only a label exists"}
RETURN_STEPS: Final = {
    "requested_at": "Return requested",
    "approved_at": "Return approved",
    "label_first_scan_at": "The return is on its way back",
    "received_at": "The return reached the warehouse",
    "refunded_at": "Return settled",
}
TOPICS: Final = {
    "wismo": "The customer asked where the order is",
    "delivery_problem": "The customer reported a delivery problem",
    "return_refund": "The customer asked about a return or refund",
    "order_change": "The customer asked to change the order",
    "product": "The customer asked about the product",
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an order. `at` is UTC."""

    at: datetime
    kind: str  # Order, Promise, Parcel, Forecast, Notice, Ticket, Return
    what: str
    where: str = ""
    parcel: str = ""


def of_prediction(row: dict[str, Any]) -> Event:
    """What is expected of a parcel that is at risk, with its interval and the reasons."""
    middle, first, last = row["p50_date"], row["p10_date"], row["p90_date"]
    expected = f"Expected on {words.day(middle)}" if middle else "Nobody can say when it will come"
    between = f" ({words.period(first, last)} eight times in ten)" if first and last else ""
    why = f": {row['reasons']}" if row["reasons"] else ""
    what = f"{expected}{between}; {row['miss_probability']:.0%} likely to miss its promise{why}"
    return Event(row["predicted_at"], "Forecast", what, parcel=row["shipment_id"] or "")


def of_order(order: dict[str, Any]) -> list[Event]:
    """Placed, packed, cancelled."""
    promised = order["promised_date"]
    told = f"; promised by {words.day(promised)}" if promised else ""
    steps = [
        Event(order["ordered_at"], "Order", f"Order placed{told}") if order["ordered_at"] else None,
        Event(order["ready_at"], "Order", "Packed and ready for the carrier") if order["ready_at"] else None,
        Event(order["cancelled_at"], "Order", "Order cancelled") if order["cancelled_at"] else None,
    ]
    return [step for step in steps if step]


def of_scan(scan: dict[str, Any]) -> Event:
    """A carrier's scan, with what went wrong where something did."""
    said = MILESTONES.get(scan["milestone"], str(scan["milestone"]))
    if scan["milestone"] == "unknown":
        said += f" ({scan['status_code']})"
    if scan["incident"]:
        said += f": {_incident(scan['incident'])}"
    place = ", ".join(part for part in (scan["city"], scan["region"], scan["country"]) if part)
    return Event(scan["occurred_at"], "Parcel", said, place, scan["shipment_id"])


def of_revision(row: dict[str, Any]) -> Event:
    """A promise that was changed after checkout."""
    return Event(row["changed_at"], "Promise", f"The promised date was changed to {words.day(row['promised_date'])}")


def of_notice(row: dict[str, Any]) -> Event:
    """A message to the customer."""
    because = f" ({_spaced(row['reason'])})" if row["reason"] else ""
    return Event(row["sent_at"], "Notice", f"We told the customer: {_spaced(row['kind'])}{because}")


def of_ticket(row: dict[str, Any]) -> Event:
    """A question of the customer."""
    said = TOPICS.get(row["topic"], "The customer wrote")
    known = f"; we had known of the trouble for {row['hours_known_before']:.0f} h" if row["was_avoidable"] else ""
    return Event(
        row["created_at"], "Ticket", f"{said} (by {row['channel']}){known}" if row["channel"] else said + known
    )


def of_return(row: dict[str, Any]) -> list[Event]:
    """The steps of a return that were reached."""
    return [
        Event(row[step], "Return", said + (_settled(row) if step == "refunded_at" else ""))
        for step, said in RETURN_STEPS.items()
        if row[step]
    ]


def _settled(row: dict[str, Any]) -> str:
    how = {"refund": "money back", "exchange": "exchanged", "store_credit": "store credit"}.get(
        row["outcome"] or "", ""
    )
    amount = row["refund_amount"] if row["outcome"] == "refund" else row["retained_amount"]
    return "".join((f": {how}" if how else "", f", {amount:,.2f} {row['currency']}" if how and amount else ""))


def _incident(incident: str) -> str:
    whose, _, what = incident.partition("_")
    return f"{_spaced(what)} ({whose})" if what else whose


def _spaced(name: str | None) -> str:
    return (name or "").replace("_", " ")
