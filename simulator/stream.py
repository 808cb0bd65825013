"""The world's tables by the day on which they arrive: what could be read until then, and nothing later.

Days are worked off in blocks; records that arrive later wait. Only what is under way is in memory, and any window of
days gives the same records as the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from simulator.records import ENTITIES, View, tables
from simulator.records.forms import day_of, label
from simulator.settings import DAY, REACH_DAYS
from simulator.truth import Truth
from simulator.world import World

BLOCK_ORDERS: Final = 60_000  # orders worked off at once: bounds memory, changes nothing else

# A total order of the records that arrive in the same microsecond.
ORDER: Final = {
    "orders": ["order_id", "cancelled_at"],
    "order_lines": ["order_line_id"],
    "shipments": ["shipment_ref", "status"],
    "scans": ["scan_id"],
    "returns": ["return_id", "state"],
    "return_lines": ["return_line_id"],
    "tickets": ["ticket_id", "status"],
    "notices": ["notice_id"],
    "carrier_charges": ["charge_id"],
    "promise_revisions": ["order_id"],
}


Waiting = dict[str, dict[int, list[pl.DataFrame]]]  # by entity and day of arrival


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Records of one entity that arrive on one day, in the order of arrival."""

    entity: str
    day: int
    records: pl.DataFrame

    @property
    def label(self) -> str:
        """The day as YYYY-MM-DD."""
        return label(self.day)


def blocks(world: World, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Cut the days of orders first to last - 1 so that no block holds many more than BLOCK_ORDERS orders."""
    begin, orders = first, 0
    for day in range(first, last):
        orders += world.ordering.day_volume(day)
        if orders >= BLOCK_ORDERS or day == last - 1:
            yield begin, day + 1
            begin, orders = day + 1, 0


def _moment(second: int) -> pl.Expr:
    return pl.lit(second * 1_000_000).cast(pl.Datetime("us"))


def arrivals(
    world: World,
    truth: Truth | None = None,
    since: int | None = None,
    until: int | None = None,
    as_of: int | None = None,
) -> Iterator[Arrivals]:
    """Records arriving on the days since to until - 1 (default: all days of orders), and before the UTC second as_of.

    `truth` is told everything that was caused by the orders of those days.
    """
    start, end = world.request.start, world.request.end
    since = start if since is None else since
    until = end if until is None else until
    cut = until * DAY if as_of is None else min(as_of, until * DAY)
    wanted = pl.col("arrives_at").is_between(_moment(since * DAY), _moment(cut), closed="left")
    waiting: Waiting = {name: {} for name in ENTITIES}
    for first, last in blocks(world, max(start, since - REACH_DAYS), min(until, end)):
        for happened in world.happenings(first, last):
            view = View(world, happened)
            for name, table in tables(view).items():
                marked = table.filter(wanted).with_columns(day_of("arrives_at").alias("_day"))
                for part in marked.partition_by("_day", maintain_order=True):
                    waiting[name].setdefault(int(part["_day"][0]), []).append(part.drop("_day"))
            if truth is not None:
                truth.learn(view, since)
        yield from _ready(waiting, last)
    yield from _ready(waiting, until + 1)


def _ready(waiting: Waiting, limit: int) -> Iterator[Arrivals]:
    """Take out of `waiting` what arrives before the day `limit`: nothing still to be worked off arrives earlier."""
    for name, days in waiting.items():
        for day in sorted(day for day in days if day < limit):
            records = pl.concat(days.pop(day)).sort(["arrives_at", *ORDER[name]], maintain_order=True)
            yield Arrivals(name, day, records)
