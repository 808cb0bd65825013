"""Parcels as the shipping tool holds them, return parcels included: label, estimates, updates, voids."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl

from simulator.chance import Array
from simulator.columns import Columns
from simulator.journeys import VOIDED
from simulator.ordering import service_name
from simulator.parcels import EXCHANGE, NEVER, RESHIPMENT, tracking_numbers
from simulator.records.forms import View, dates, hexes, moments, named

RETURN_CARRIERS: Final = ("FedEx", "UPS", "USPS")


def shipments(view: View) -> pl.DataFrame:
    """A version at the label, at acceptance (estimates, commitment), at a new estimate, when voided."""
    parcels, net = view.happened.parcels, view.network
    committed = view.world.shipping.commitments(parcels)
    estimates = view.world.shipping.estimates(parcels)
    moving = parcels.end != VOIDED
    stopped = np.where(parcels.delivered_at > 0, parcels.delivered_at, parcels.cut)
    everyone, taken = np.arange(len(parcels)), np.flatnonzero(moving)
    updated = np.flatnonzero(moving & (estimates.second_at < stopped) & (estimates.second_at > estimates.first_at))
    voided = np.flatnonzero(~moving)
    rows = np.concatenate([everyone, taken, updated, voided])
    version = np.repeat([0, 1, 2, 3], [len(everyone), len(taken), len(updated), len(voided)])
    arrives = np.concatenate(
        [parcels.label_at, estimates.first_at[taken], estimates.second_at[updated], parcels.voided_at[voided]]
    )
    accepted = (version == 1) | (version == 2)
    estimate = np.where(version == 2, estimates.second[rows], estimates.first[rows])
    replaces = parcels.replaces[rows]
    replaced = np.isin(parcels.kind[rows], (RESHIPMENT, EXCHANGE))
    frame = pl.DataFrame(
        {
            "shipment_ref": view.reference.gather(rows),
            "order_id": view.order_id.gather(parcels.order[rows]),
            "carrier": named(view.names, parcels.carrier[rows]),
            "feed": named(view.feeds, parcels.carrier[rows]),
            "service": pl.Series(service_name(parcels.service[rows]), dtype=pl.String),
            "tracking_number": view.tracking.gather(rows),
            "node": named(net.nodes, parcels.warehouse[rows]),
            "node_region": named(net.node_regions, parcels.warehouse[rows]),
            "region": named(net.regions, parcels.destination[rows]),
            "country": named(net.countries, parcels.destination[rows]),
            "time_zone": named(net.zone_names, parcels.destination[rows]),
            "label_created_at": moments(parcels.label_at[rows]),
            "committed_date": dates(committed[rows], ~accepted),
            "first_estimate_date": dates(estimates.first[rows], ~accepted),
            "last_estimate_date": dates(estimate, ~accepted),
            "status": named(("purchased", "shipped", "shipped", "voided"), version),
            "cancelled_at": moments(parcels.voided_at[rows], version != 3),
            "is_return": np.zeros(len(rows), dtype=np.bool_),
            "replaces": view.tracking.gather(np.maximum(replaces, 0)).set(pl.Series(~replaced), None),
            "rate_cents": parcels.cost[rows],
            "grams": parcels.grams[rows],
            "arrives_at": moments(arrives + 5),
        }
    )
    return pl.concat([frame, _return_shipments(view, frame.schema)])


def returning(view: View) -> tuple[Columns, Array, Array, pl.Series]:
    """Returns whose label was made, their carriers, warehouses and tracking numbers."""
    returns = view.happened.returns.take(view.happened.returns.approved_at < NEVER)
    who = view.chance.choose(returns.key, "return carrier", [0.4, 0.35, 0.25])
    carrier = np.array([view.names.index(name) for name in RETURN_CARRIERS])[who]
    house = view.happened.orders.warehouse[returns.order]
    number = tracking_numbers(returns.key, carrier, view.names, np.full(len(returns), -1))
    return returns, carrier, house, number


def _return_shipments(view: View, schema: Any) -> pl.DataFrame:
    returns, carrier, house, number = returning(view)
    place, count = view.happened.orders.destination[returns.order], len(returns)
    empty: dict[str, Any] = {name: pl.Series([None] * count, dtype=kind) for name, kind in schema.items()}
    return pl.DataFrame(
        empty
        | {
            "shipment_ref": hexes(view.chance.bits(returns.key, "reference"), "shp_", 16),
            "order_id": view.order_id.gather(returns.order),
            "carrier": named(view.names, carrier),
            "feed": named(view.feeds, carrier),
            "service": pl.Series(["ground"]).gather(np.zeros(count, dtype=np.int64)),
            "tracking_number": number,
            "node": named(view.network.nodes, house),
            "node_region": named(view.network.regions, place),
            "region": named(view.network.node_regions, house),
            "country": pl.Series(["US"]).gather(np.zeros(count, dtype=np.int64)),
            "time_zone": named([row["zone"] for row in view.world.settings["warehouses"]], house),
            "label_created_at": moments(returns.approved_at),
            "status": pl.Series(["purchased"]).gather(np.zeros(count, dtype=np.int64)),
            "is_return": np.ones(count, dtype=np.bool_),
            "rate_cents": np.full(count, 745),
            "arrives_at": moments(returns.approved_at + 5),
        },
        schema=schema,
    )
