"""What follows a delivery or pays for it: returns and their lines, notices to customers, carriers' invoices."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.calendars import weekday
from simulator.journeys import HOUR, VOIDED
from simulator.ordering import public_ids
from simulator.parcels import NEVER
from simulator.people import customer_ids
from simulator.records.forms import View, dates, hexes, moments, named
from simulator.returning import CODES, OUTCOMES, REJECTED
from simulator.settings import DAY


def returns(view: View) -> pl.DataFrame:
    """A version at each step of a return."""
    returns = view.happened.returns
    steps = ("requested_at", "reviewed_at", "sent_at", "received_at", "settled_at", "expired_at")
    parts = []
    for place, step in enumerate(steps):
        at = returns.data[step]
        there = at < NEVER
        if step == "reviewed_at":
            there = there & (at > returns.requested_at + 300)
        parts.append((np.flatnonzero(there), at[there], place))
    rows = np.concatenate([part[0] for part in parts])
    arrives = np.concatenate([part[1] for part in parts])
    step_of = np.concatenate([np.full(len(part[0]), part[2]) for part in parts])
    rejected = returns.outcome[rows] == REJECTED
    reviewed = returns.reviewed_at[rows] <= arrives + 300
    settled, expired = step_of == 4, step_of == 5
    closed = settled | (reviewed & rejected)
    state = np.where(expired, 3, np.where(closed, 1, np.where(reviewed, 0, 2)))
    unknown = ~(closed | expired)
    amount = np.where(settled, returns.refund[rows], 0)

    def until(name: str) -> pl.Series:
        at = returns.data[name][rows]
        return moments(at, at > arrives + 300)

    outcome = named(OUTCOMES, returns.outcome[rows]).set(pl.Series(unknown), None)
    return pl.DataFrame(
        {
            "return_id": pl.Series(public_ids(returns.key, 33_000_000_000)[rows]).cast(pl.String),
            "order_id": view.order_id.gather(returns.order[rows]),
            "customer_id": customer_ids(view.happened.orders.customer)[returns.order[rows]],
            "requested_at": moments(returns.requested_at[rows]),
            "approved_at": until("approved_at"),
            "label_first_scan_at": until("sent_at"),
            "received_at": until("received_at"),
            "refunded_at": until("settled_at"),
            "state": named(("open", "closed", "review", "expired"), state),
            "outcome": outcome,
            "refund_cents": amount,
            "retained_cents": np.where(settled, returns.retained[rows], 0),
            "arrives_at": moments(arrives + 10),
        }
    )


def return_lines(view: View) -> pl.DataFrame:
    """Returned lines with the reason the customer ticked."""
    some, returns, orders = view.happened.returned, view.happened.returns, view.happened.orders
    ret = some.ret
    notes = ("", "did not like it", "see my e-mail", "too late for the party", "please check", "wrong for me")
    note = np.where(view.chance.happens(some.key, "note", 0.3), 1 + view.chance.below(some.key, "which note", 5), 0)
    return pl.DataFrame(
        {
            "return_line_id": pl.Series(public_ids(some.key, 44_000_000_000_000)).cast(pl.String),
            "return_id": pl.Series(public_ids(returns.key, 33_000_000_000)).cast(pl.String).gather(ret),
            "order_id": view.order_id.gather(some.order),
            "order_line_id": pl.Series(public_ids(some.key, 11_000_000_000_000)).cast(pl.String),
            "customer_id": customer_ids(orders.customer)[some.order],
            "requested_at": moments(returns.requested_at[ret]),
            "sku": named(view.world.catalogue.sku.tolist(), some.sku),
            "quantity": some.units,
            "reason_code": named(CODES, some.code),
            "amount_cents": some.amount,
            "note": named((None, *notes[1:]), note),
            "arrives_at": moments(returns.requested_at[ret] + 10),
        }
    )


def notices(view: View) -> pl.DataFrame:
    """What the merchant's tool told customers: shipped, delivered, delayed."""
    parcels, chance = view.happened.parcels, view.chance
    shipped = np.flatnonzero((parcels.end != VOIDED) & chance.happens(parcels.key, "shipped notice", 0.92))
    done = np.flatnonzero((parcels.delivered_at > 0) & chance.happens(parcels.key, "delivered notice", 0.5))
    late = np.flatnonzero(parcels.delay_notice < NEVER)
    rows = np.concatenate([shipped, done, late])
    kind = np.repeat([0, 1, 2], [len(shipped), len(done), len(late)])
    at = np.concatenate(
        [parcels.accepted_at[shipped] + 1500, parcels.delivered_at[done] + 900, parcels.delay_notice[late]]
    )
    key = parcels.key[rows] * np.uint64(4) + kind.astype(np.uint64)
    return pl.DataFrame(
        {
            "notice_id": hexes(chance.bits(key, "notice"), "ntc_", 14),
            "order_id": view.order_id.gather(parcels.order[rows]),
            "tracking_number": view.tracking.gather(rows),
            "kind": named(("shipped", "delivered", "delay"), kind),
            "sent_at": moments(at),
            "reason": named((None, None, "promise_at_risk"), kind),
            "arrives_at": moments(at + 5),
        }
    )


def carrier_charges(view: View) -> pl.DataFrame:
    """Invoice lines: freight, fuel, residential surcharge, later corrections and refunds for late express."""
    parcels, chance = view.happened.parcels, view.chance
    moving = parcels.end != VOIDED
    late_express = moving & (parcels.service == 1) & parcels.late & chance.happens(parcels.key, "claimed", 0.3)
    surcharged = moving & chance.happens(parcels.key, "surcharge", 0.34)
    corrected = moving & chance.happens(parcels.key, "correction", 0.02)
    more = chance.uniform(parcels.key, "correction size")
    kinds = (
        ("FRT", moving, parcels.cost, 0),
        ("FUE", moving, parcels.cost * 12 // 100, 0),
        ("RES", surcharged, np.full(len(parcels), 445), 0),
        ("ADJ", corrected, (parcels.cost * (0.1 + 0.5 * more)).astype(np.int64), 14),
        ("RFD", late_express, -parcels.cost, 21),
    )
    parts = []
    for place, (_, which, cents, days) in enumerate(kinds):
        rows = np.flatnonzero(which)
        parts.append((rows, cents[rows], np.full(len(rows), place), np.full(len(rows), days)))
    rows, amount, kind, wait = (np.concatenate([part[column] for part in parts]) for column in range(4))
    taken = parcels.accepted_at[rows] // DAY
    billed = taken + 7 - weekday(taken) + wait  # the Monday after
    key = parcels.key[rows] * np.uint64(8) + kind.astype(np.uint64)
    carrier = parcels.carrier[rows]
    invoice = pl.Series(billed.astype(np.int64) * 10 + carrier).cast(pl.String).str.replace("^", "INV-")
    return pl.DataFrame(
        {
            "charge_id": hexes(chance.bits(key, "charge"), "", 15),
            "invoice": invoice,
            "carrier": named(view.names, carrier),
            "tracking_number": view.tracking.gather(rows),
            "charge_code": named([entry[0] for entry in kinds], kind),
            "amount_cents": amount,
            "billed_on": dates(billed),
            "arrives_at": moments((billed + 2) * DAY + 6 * HOUR),
        }
    )
