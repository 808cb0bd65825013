"""Olist, computed again from the Parquet files: plain Python over wall-clock dates, nothing of the product in it.

What a published figure is held against. Times in the files are local wall-clock times, promises are calendar dates; a
promise is met by a delivery on that date or before it, whatever the hour.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pyarrow.parquet as pq

LAST_DAY = date(2018, 10, 17)  # the last day that is over at the start of 2018-10-18
CANCELLED = ("canceled", "unavailable")


@dataclass(frozen=True)
class Order:
    """One order as the files have it, and what follows from it."""

    order_id: str
    status: str
    purchased: datetime
    approved: datetime | None
    handed_over: datetime | None
    delivered: datetime | None
    promised: date
    state: str
    seller_state: str | None

    @property
    def is_cancelled(self) -> bool:
        """Cancelled, at a time nobody knows."""
        return self.status in CANCELLED

    @property
    def has_parcel(self) -> bool:
        """Handed over: the date says so, or the delivery proves it."""
        return self.handed_over is not None or self.delivered is not None

    @property
    def is_due(self) -> bool:
        """The promised day is over and the order was not cancelled."""
        return not self.is_cancelled and self.promised <= LAST_DAY

    @property
    def is_on_time(self) -> bool:
        """Due, and delivered no later than on the promised day."""
        return self.is_due and self.delivered is not None and self.delivered.date() <= self.promised


def read(folder: Path, table: str) -> list[dict]:
    """Rows of one file."""
    return pq.read_table(folder / f"{table}.parquet").to_pylist()


def orders(folder: Path) -> list[Order]:
    """All orders with the state of customer (`unknown` without a customer row) and first item's seller."""
    states = {row["customer_id"]: row["customer_state"] for row in read(folder, "customers")}
    sellers = {row["seller_id"]: row["seller_state"] for row in read(folder, "sellers")}
    first = {row["order_id"]: row["seller_id"] for row in read(folder, "order_items") if row["order_item_id"] == 1}
    return [
        Order(
            row["order_id"],
            row["order_status"],
            row["order_purchase_timestamp"],
            row["order_approved_at"],
            row["order_delivered_carrier_date"],
            row["order_delivered_customer_date"],
            row["order_estimated_delivery_date"].date(),
            states.get(row["customer_id"], "unknown"),
            sellers.get(first.get(row["order_id"])),
        )
        for row in read(folder, "orders")
    ]


def month(day: date) -> str:
    """YYYY-MM."""
    return f"{day:%Y-%m}"


def counts(rows: Iterable[Order], by: Callable[[Order], date]) -> dict[tuple[str, str], tuple[int, int]]:
    """(month, state) -> (due, on time)."""
    due: Counter[tuple[str, str]] = Counter()
    on_time: Counter[tuple[str, str]] = Counter()
    for row in rows:
        key = (month(by(row)), row.state)
        due[key] += row.is_due
        on_time[key] += row.is_on_time
    return {key: (due[key], on_time[key]) for key in due}


def weekly(rows: Iterable[Order]) -> dict[tuple[date, str], tuple[int, int, int]]:
    """(Monday of the promise, state) -> (due, on time, never shipped), weeks with something due only."""
    found: dict[tuple[date, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        if row.is_due:
            monday = date.fromordinal(row.promised.toordinal() - row.promised.weekday())
            cell = found[monday, row.state]
            cell[0] += 1
            cell[1] += row.is_on_time
            cell[2] += not row.has_parcel
    return {key: (cell[0], cell[1], cell[2]) for key, cell in found.items()}


def late_by_timestamp(rows: Iterable[Order]) -> int:
    """Deliveries that a comparison with midnight would call late: the mistake that this data invites."""
    return sum(
        row.delivered is not None and row.delivered > datetime.combine(row.promised, datetime.min.time())
        for row in rows
    )


def late_by_date(rows: Iterable[Order]) -> int:
    """Deliveries after the promised day."""
    return sum(row.delivered is not None and row.delivered.date() > row.promised for row in rows)
