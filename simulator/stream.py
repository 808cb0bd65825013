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
from simulator.records.forms import label
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


def _moment(day: int) -> pl.Expr:
    return pl.lit(day * DAY * 1_000_000).cast(pl.Datetime("us"))


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
    limit = pl.lit(cut * 1_000_000).cast(pl.Datetime("us"))
    waiting: dict[str, list[pl.DataFrame]] = {name: [] for name in ENTITIES}
    for first, last in blocks(world, max(start, since - REACH_DAYS), min(until, end)):
        for happened in world.happenings(first, last):
            view = View(world, happened)
            for name, table in tables(view).items():
                wanted = table.filter((pl.col("arrives_at") >= _moment(since)) & (pl.col("arrives_at") < limit))
                if len(wanted):
                    waiting[name].append(wanted)
            if truth is not None:
                truth.learn(view, since)
        yield from _ready(waiting, last)
    yield from _ready(waiting, until + 1)


def _ready(waiting: dict[str, list[pl.DataFrame]], day: int) -> Iterator[Arrivals]:
    """Take out of `waiting` what arrives before `day`: nothing that is still to be worked off arrives earlier."""
    for name, parts in waiting.items():
        if not parts:
            continue
        everything = pl.concat(parts)
        done = pl.col("arrives_at") < _moment(day)
        later = everything.filter(~done)
        waiting[name] = [later] if len(later) else []
        ready = everything.filter(done).sort(["arrives_at", *ORDER[name]], maintain_order=True)
        if len(ready):
            marked = ready.with_columns(pl.col("arrives_at").dt.date().cast(pl.Int32).alias("_day"))
            for part in marked.partition_by("_day", maintain_order=True):
                yield Arrivals(name, int(part["_day"][0]), part.drop("_day"))
