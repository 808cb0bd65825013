"""Tables of the truth: what is really so of parcels, returns, tickets, lanes, SKUs. `simulator.truth` writes them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl

from simulator.chance import Array
from simulator.codes import Event
from simulator.columns import Columns
from simulator.journeys import ENDS, VOIDED
from simulator.network import SERVICES
from simulator.ordering import public_ids
from simulator.parcels import KINDS, NEVER
from simulator.phrases import NUMBERED
from simulator.reasons import TRIGGERS
from simulator.records.forms import View, dates, moments, named
from simulator.records.tickets import ticket_ids
from simulator.returning import CODES, OUTCOMES, RETURN_CAUSES
from simulator.world import World

TRACE: Final = {
    "missort": (Event.MISSORTED,),
    "false_attempt": (Event.NOT_HOME,),
    "weather": (Event.WEATHER,),
    "customs": (Event.CUSTOMS,),
    "recipient": (Event.NOT_HOME,),
    "handover": (Event.ACCEPTED,),
    "linehaul": (Event.DELAYED,),
    "lost": (Event.LOST,),
    "damaged": (Event.DAMAGED,),
    "refused": (Event.REFUSED,),
    "bad_address": (Event.BAD_ADDRESS,),
}
REAL: Final = 9  # decimals kept of chances and parameters


def orders(view: View) -> pl.DataFrame:
    """Who ordered, and how the order ended."""
    orders = view.happened.orders
    return pl.DataFrame(
        {
            "day": orders.day,
            "order_id": view.order_id,
            "customer_id": view.identities["customer_id"],
            "is_repeat": orders.repeat == 1,
            "inclination": np.round(orders.inclination, REAL),
            "is_serial_returner": orders.serial,
            "ending": named(("shipped", "cancelled", "stock_out", "forgotten"), orders.ending),
        }
    )


def parcels(view: View, own: Array) -> pl.DataFrame:
    """Every parcel's journey, chances and cause; `own` are the chances at the order."""
    parcels, net, blame = view.happened.parcels, view.network, view.world.blame
    committed = view.world.shipping.commitments(parcels)
    causes = blame.causes(parcels)
    moving = parcels.end != VOIDED
    zone = net.zone[parcels.warehouse, parcels.destination]
    kept: dict[str, Any] = {
        "day": parcels.day,
        "order_id": view.order_id.gather(parcels.order),
        "shipment_ref": view.reference,
        "tracking_number": view.tracking,
        "label_created_at": moments(parcels.label_at),
        "parcel_kind": named(KINDS, parcels.kind),
        "carrier": named(view.names, parcels.carrier),
        "service": named(SERVICES, parcels.service),
        "node": named(net.nodes, parcels.warehouse),
        "region": named(net.regions, parcels.destination),
        "accepted_at": moments(parcels.accepted_at, ~moving),
        "handover_date": dates(parcels.handover, ~moving),
        "delivered_at": moments(parcels.delivered_at),
        "delivered_date": dates(parcels.stop_day, parcels.delivered_at <= 0),
        "first_real_attempt_at": moments(parcels.attempted_at, ~moving),
        "end": named(ENDS, parcels.end),
        "ended_at": moments(parcels.ended_at),
        "promised_date": dates(parcels.promised),
        "committed_date": dates(committed),
        "standard_days": net.standard[parcels.service, zone],
        "hubs": net.hubs[parcels.service, zone],
        "handling_days": parcels.handling_days,
        "handover_delay_days": parcels.handover_delay_days,
        "needs_days": parcels.needs.round(REAL),
        "log_centre": parcels.centre.round(REAL),
        "log_scale": parcels.scale.round(REAL),
        "shock": parcels.shock.round(REAL),
        "linehaul_days": parcels.linehaul,
        "missort_days": parcels.missort_days,
        "customs_days": parcels.customs_days,
        "false_attempt_days": parcels.false_attempt,
        "recipient_days": parcels.recipient_days,
        "met_storm": parcels.in_storm,
        "is_misdelivered": parcels.misdelivered,
        "is_content_damaged": parcels.content_damaged,
        "p_promise_at_order": own.round(REAL),
        **{name: values.round(REAL) for name, values in blame.chances(parcels, committed).items()},
        "is_late": causes["is_late"],
        "late_by_days": causes["late_by_days"],
        **{name: values for name, values in causes.items() if name.startswith("days_")},
        "cause": pl.Series(causes["cause"].tolist(), dtype=pl.String),
        "fault": pl.Series(causes["fault"].tolist(), dtype=pl.String),
        "cause_left_trace": _traced(view, causes["cause"]),
        "delay_notice_at": moments(parcels.delay_notice),
    }
    return pl.DataFrame(kept)


def _traced(view: View, cause: Array) -> Array:
    """Whether a reported scan, in a known code, tells of the cause."""
    scans, traced = view.happened.scans, np.zeros(len(cause), dtype=np.bool_)
    for name, events in TRACE.items():
        own = cause == name
        telling = scans.parcel[np.isin(scans.said, events)]
        traced[telling[own[telling]]] = True
    return traced


def carrier_effects(view: View, effects: pl.DataFrame) -> pl.DataFrame:
    """What each carrier would have achieved, from `Blame.at_order`."""
    net = view.network
    return effects.select(
        "day",
        named(net.nodes, effects["warehouse"].to_numpy()).alias("node"),
        named(net.regions, effects["destination"].to_numpy()).alias("region"),
        named(SERVICES, effects["service"].to_numpy()).alias("service"),
        named(view.names, effects["carrier"].to_numpy()).alias("carrier"),
        "parcels",
        "sum_p_promise",
        "sum_p_commitment",
    )


def returns(view: View) -> pl.DataFrame:
    """How each return ends, and the planted mistakes."""
    returns, orders = view.happened.returns, view.happened.orders
    return pl.DataFrame(
        {
            "day": orders.day[returns.order],
            "return_id": pl.Series(public_ids(returns.key, 33_000_000_000)).cast(pl.String),
            "order_id": view.order_id.gather(returns.order),
            "outcome": named(OUTCOMES, returns.outcome),
            "never_refunded": returns.stuck,
            "refunded_without_return": returns.without_return,
            "refunded_too_much": returns.too_much,
        }
    )


def return_lines(view: View) -> pl.DataFrame:
    """Why each line came back, and what was ticked."""
    some, orders = view.happened.returned, view.happened.orders
    return pl.DataFrame(
        {
            "day": orders.day[some.order],
            "return_line_id": pl.Series(public_ids(some.key, 44_000_000_000_000)).cast(pl.String),
            "order_line_id": pl.Series(public_ids(some.key, 11_000_000_000_000)).cast(pl.String),
            "sku": named(view.world.catalogue.sku.tolist(), some.sku),
            "cause": named(RETURN_CAUSES, some.cause),
            "said": named(CODES, some.code),
            "was_late": some.late,
            "chance": some.chance.round(REAL),
        }
    )


def tickets(view: View) -> pl.DataFrame:
    """Topic, trigger, since when there was trouble, and the delay notice before it."""
    contacts: Columns = view.happened.contacts
    orders, parcels = view.happened.orders, view.happened.parcels
    parcel = np.maximum(contacts.parcel, 0)
    none = pl.Series(contacts.parcel < 0)
    told = parcels.delay_notice[parcel] if len(parcels) else np.full(len(contacts), NEVER)
    reference = view.reference.gather(parcel) if len(parcels) else pl.Series([None] * len(contacts), dtype=pl.String)
    return pl.DataFrame(
        {
            "day": orders.day[contacts.order],
            "ticket_id": pl.Series(ticket_ids(contacts)),
            "order_id": view.order_id.gather(contacts.order),
            "shipment_ref": reference.set(none, None),
            "created_at": moments(contacts.at),
            "topic": named([topic for topic, _ in NUMBERED], contacts.situation),
            "situation": named([situation for _, situation in NUMBERED], contacts.situation),
            "trigger": named(TRIGGERS, contacts.trigger),
            "trouble_since": moments(contacts.trouble),
            "delay_notice_at": moments(told, (told >= contacts.at) | (contacts.parcel < 0)),
        }
    )


def fixed(world: World) -> dict[str, pl.DataFrame]:
    """Lanes, SKUs, and the weeks of the carriers."""
    net, shocks = world.network, world.shocks
    house, place = np.indices(net.zone.shape)
    lanes = pl.DataFrame(
        {
            "node": named(net.nodes, house.ravel()),
            "region": named(net.regions, place.ravel()),
            "zone": net.zone.ravel(),
            "difficulty": net.difficulty.ravel().round(REAL),
            "hardness": world.assignment.hardness.ravel().round(REAL),
            "third": named(("easiest", "middle", "hardest"), world.assignment.tercile.ravel()),
        }
    )
    weeks = shocks.first_week + np.arange(shocks.carrier_week.shape[1])
    carriers = len(net.carriers)
    carrier_weeks = pl.DataFrame(
        {
            "carrier": named([row["name"] for row in net.carriers], np.repeat(np.arange(carriers), len(weeks))),
            "week": dates(np.tile(weeks * 7 - 3, carriers)),
            "shock": shocks.carrier_week.ravel().round(REAL),
        }
    )
    return {"lanes": lanes, "skus": world.catalogue.truth(), "carrier_weeks": carrier_weeks}
