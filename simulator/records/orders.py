"""Orders, their lines, and changed promises, as the shop's system holds them."""

from __future__ import annotations

import numpy as np
import polars as pl

from simulator.journeys import DELIVERED, HOUR, VOIDED
from simulator.ordering import public_ids, service_name
from simulator.parcels import FIRST, NEVER
from simulator.people import LANGUAGES, customer_ids
from simulator.records.forms import View, dates, moments, named
from simulator.settings import DAY


def orders(view: View) -> pl.DataFrame:
    """A version when placed, when ready for the carrier, when cancelled."""
    orders, parcels, net = view.happened.orders, view.happened.parcels, view.network
    value = np.zeros(len(orders), dtype=np.int64)
    np.add.at(value, view.happened.lines.order, view.happened.lines.price * view.happened.lines.quantity)
    fee = np.array([round(100 * service["fee"]) for service in net.services])[orders.service]
    fee = np.where(value > 15_000, 0, fee)
    ready = np.full(len(orders), NEVER)
    own = np.flatnonzero((parcels.kind == FIRST) & (parcels.end != VOIDED))
    ready[parcels.order[own]] = parcels.ready_at[own]
    everyone = np.arange(len(orders))
    shipped, gone = np.flatnonzero(ready < NEVER), np.flatnonzero(orders.cancelled_at > 0)
    rows = np.concatenate([everyone, shipped, gone])
    version = np.repeat([0, 1, 2], [len(everyone), len(shipped), len(gone)])
    arrives = np.concatenate([orders.placed + 5, ready[shipped] + 60, orders.cancelled_at[gone] + 5])
    # Bracketing adds a line to the order's value; an order's amount includes shipping.
    channels = list(view.world.settings["merchant"]["channels"])
    identity = view.identities[rows]
    return pl.DataFrame(
        {
            "order_id": view.order_id.gather(rows),
            "order_number": view.order_number.gather(rows),
            **{name: identity[name] for name in identity.columns},
            "region": named(net.regions, orders.destination[rows]),
            "country": named(net.countries, orders.destination[rows]),
            "time_zone": named(net.zone_names, orders.destination[rows]),
            "language": named(LANGUAGES, orders.language[rows]),
            "ordered_at": moments(orders.placed[rows]),
            "ready_at": moments(ready[rows], version != 1),
            "cancelled_at": moments(orders.cancelled_at[rows], version != 2),
            "financial_status": named(("paid", "paid", "refunded"), version),
            "fulfillment_status": named((None, "fulfilled", None), version),
            "channel": named(channels, orders.channel[rows]),
            "currency": pl.Series(["USD"]).gather(np.zeros(len(rows), dtype=np.int64)),
            "total_cents": (value + fee)[rows],
            "shipping_cents": fee[rows],
            "node": named(net.nodes, orders.warehouse[rows]),
            "node_region": named(net.node_regions, orders.warehouse[rows]),
            "service": pl.Series(service_name(orders.service[rows]), dtype=pl.String),
            "promised_date": dates(orders.promised[rows]),
            "arrives_at": moments(arrives),
        }
    )


def order_lines(view: View) -> pl.DataFrame:
    """One record per line, with the order."""
    lines, orders, goods = view.happened.lines, view.happened.orders, view.world.catalogue
    return pl.DataFrame(
        {
            "order_line_id": pl.Series(public_ids(lines.key, 11_000_000_000_000)).cast(pl.String),
            "order_id": view.order_id.gather(lines.order),
            "customer_id": customer_ids(orders.customer)[lines.order],
            "ordered_at": moments(orders.placed[lines.order]),
            "sku": named(goods.sku.tolist(), lines.sku),
            "product_id": named(goods.product_id.tolist(), lines.sku),
            "title": named(goods.title.tolist(), lines.sku),
            "category": named(goods.categories, goods.category[lines.sku]),
            "variant": named(goods.variant.tolist(), lines.sku),
            "quantity": lines.quantity,
            "price_cents": lines.price,
            "grams": goods.grams[lines.sku],
            "arrives_at": moments(orders.placed[lines.order] + 5),
        }
    )


def promise_revisions(view: View) -> pl.DataFrame:
    """Later promises: for some orders seen to be late, and for a few that are not."""
    parcels, chance = view.happened.parcels, view.chance
    share = view.world.settings["promise"]["revised_share"]
    own = np.flatnonzero(parcels.kind == FIRST)
    late = parcels.late[own] & (parcels.end[own] != VOIDED)
    key = parcels.key[own]
    revised = np.where(late, chance.happens(key, "revised", share), chance.happens(key, "revised anyway", 0.004))
    at = parcels.promise_end[own] - ((chance.uniform(key, "revised at") * 36 - 6) * HOUR).astype(np.int64)
    done = np.where(parcels.end[own] == DELIVERED, parcels.delivered_at[own], NEVER)
    chosen = np.flatnonzero(revised & (at < done) & (at > parcels.known[own] + HOUR))
    new = np.maximum(at // DAY, parcels.promised[own]) + 1 + chance.below(key, "revised by", 4)
    rows = parcels.order[own][chosen]
    return pl.DataFrame(
        {
            "order_id": view.order_id.gather(rows),
            "changed_at": moments(at[chosen]),
            "promised_date": dates(new[chosen]),
            "arrives_at": moments(at[chosen] + 5),
        }
    )
