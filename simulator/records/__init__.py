"""The world's tables: records as systems would hold them, each version with the moment it arrives. No truth in them.

One frame per entity; `arrives_at` (UTC) is when the record, as it stands, could first be read. Both the files and the
doubles of the vendors' APIs are cut from these. Amounts are cents, weights grams, times UTC, codes the vendors'.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import polars as pl

from simulator.records import after, orders, scans, shipments, tickets
from simulator.records.forms import View
from simulator.settings import DAY, REACH_DAYS

MAKERS: Final[dict[str, Callable[[View], pl.DataFrame]]] = {
    "orders": orders.orders,
    "order_lines": orders.order_lines,
    "shipments": shipments.shipments,
    "scans": scans.scans,
    "returns": after.returns,
    "return_lines": after.return_lines,
    "tickets": tickets.tickets,
    "notices": after.notices,
    "carrier_charges": after.carrier_charges,
    "promise_revisions": orders.promise_revisions,
}
ENTITIES: Final = tuple(MAKERS)


def tables(view: View) -> dict[str, pl.DataFrame]:
    """Every entity's records. Nothing arrives later than REACH_DAYS after the day that caused it."""
    if not len(view.happened.orders):
        return {}
    reach = pl.lit((view.happened.orders.day + REACH_DAYS).max() * DAY * 1_000_000).cast(pl.Datetime("us"))
    return {name: make(view).filter(pl.col("arrives_at") < reach) for name, make in MAKERS.items()}


__all__ = ["ENTITIES", "View", "tables"]
