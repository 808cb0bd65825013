"""Forms that every table shares: times, dates, names by number, ids; and what a table is made from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import polars as pl

from simulator.chance import Array
from simulator.ordering import public_ids
from simulator.parcels import NEVER, recycling, tracking_numbers
from simulator.settings import EPOCH
from simulator.world import Happenings, World

ORDER_BASE = 5_000_000_000_000


def moments(seconds: Array, missing: Array | None = None) -> pl.Series:
    """UTC seconds as times; null where `missing` or NEVER or 0."""
    gone = (seconds >= NEVER) | (seconds <= 0)
    gone = gone if missing is None else gone | missing
    return pl.Series(np.where(gone, 0, seconds) * 1_000_000).set(pl.Series(gone), None).cast(pl.Datetime("us"))


def dates(days: Array, missing: Array | None = None) -> pl.Series:
    """Day numbers as dates; null where `missing` or 0."""
    gone = days <= 0 if missing is None else (days <= 0) | missing
    return pl.Series(days.astype(np.int32)).set(pl.Series(gone), None).cast(pl.Date)


def named(names: Sequence[str | None], index: Array) -> pl.Series:
    """The names at the given places."""
    return pl.Series(list(names), dtype=pl.String).gather(index)


@cache
def _hexadecimal() -> pl.Series:
    """Every 16 bits as four digits."""
    return pl.Series([f"{bits:04x}" for bits in range(2**16)])


def hexes(bits: Array, prefix: str, length: int) -> pl.Series:
    """Ids as vendors make them: a prefix and hexadecimal digits of 64 random bits."""
    quarters = bits.astype(">u8").view(">u2").astype(np.uint32).reshape(-1, 4)
    digits = [_hexadecimal().gather(quarters[:, place]) for place in range(4)]
    text = pl.select(pl.concat_str(pl.lit(prefix), *digits)).to_series()
    return text if length == 16 else text.str.head(len(prefix) + length)


def day_of(column: str) -> pl.Expr:
    """Number of the day of a time column since 1970-01-01."""
    return pl.col(column).dt.date().cast(pl.Int32)


def label(day: int) -> str:
    """YYYY-MM-DD of a day number."""
    return str(np.datetime64(EPOCH) + np.timedelta64(int(day), "D"))


class View:
    """One set of happenings with the ids, numbers and identities that several tables show of them."""

    def __init__(self, world: World, happened: Happenings) -> None:
        self.world, self.happened = world, happened
        self.chance, self.network, self.calendars = world.chance, world.network, world.calendars
        self.names = [carrier["name"] for carrier in self.network.carriers]
        self.feeds = [carrier["feed"] for carrier in self.network.carriers]
        parcels, orders = happened.parcels, happened.orders
        pool = recycling(self.chance, parcels, world.settings["dirt"]["recycled_numbers"])
        pool = np.where(parcels.carrier == self.names.index("FedEx"), pool, -1)
        self.tracking = tracking_numbers(parcels.key, parcels.carrier, self.names, pool)
        self.reference = hexes(self.chance.bits(parcels.key, "reference"), "shp_", 16)
        self.order_id = pl.Series(public_ids(orders.key, ORDER_BASE)).cast(pl.String)
        self.order_number = pl.Series(orders.sequence).cast(pl.String).str.replace("^", "#")
        self.identities = world.people.identities(orders.customer, orders.destination, orders.city)
        parcels.set(grams=world.shipping.weight(parcels, happened.lines, world.catalogue.grams))
        parcels.set(cost=world.shipping.cost(parcels))
