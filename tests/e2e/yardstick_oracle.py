"""The yardstick's drops, computed again in plain Python: parcels, scorecard cells, contacts and open parcels a day.

Nothing of the product in it, and nothing of the yardstick's own marts: those define some things otherwise.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from math import sqrt
from pathlib import Path
from statistics import quantiles

import duckdb

AS_OF = datetime(2026, 2, 1)
STALLED = timedelta(hours=48)
KNOWN_BEFORE = 4.0  # hours
Z = 1.959963984540054
LOST_AFTER = timedelta(days=10)  # no lane has a quarter behind it whose silences could say more
STATES = ("label_created", "picked_up", "in_transit", "exception", "out_for_delivery", "delivery_failed", "delivered")
TROUBLE = ("exception", "delivery_failed")


@dataclass(frozen=True, slots=True)
class Scan:
    """A distinct event: when it happened, what it says, when the first copy of it came in."""

    at: datetime
    rank: int
    state: str
    known: datetime


@dataclass
class Parcel:
    """An order's parcel and its events."""

    number: str
    carrier: str
    service: str
    lane: str
    due: datetime  # the end of the promised day
    scans: list[Scan] = field(default_factory=list)

    @property
    def accepted(self) -> datetime | None:
        """First physical event."""
        return min((scan.at for scan in self.scans if scan.state != "label_created"), default=None)

    @property
    def delivered(self) -> datetime | None:
        """First delivery."""
        return min((scan.at for scan in self.scans if scan.state == "delivered"), default=None)

    @property
    def is_moving(self) -> bool:
        """Neither delivered nor silent for so long that it is presumed lost."""
        return self.delivered is None and max(scan.at for scan in self.scans) + LOST_AFTER > AS_OF


def parcels(generated: Path) -> dict[int, Parcel]:
    """Order -> its parcel."""
    found: dict[int, Parcel] = {}
    by_number: dict[str, Parcel] = {}
    with duckdb.connect() as connection:
        orders = connection.execute(
            "select order_id, tracking_number, carrier, service, origin, dest_zone, promised_date "
            f"from read_parquet('{generated}/orders/*/*.parquet')"
        )
        for order_id, number, carrier, service, origin, zone, promised in orders.fetchall():
            due = datetime.combine(promised + timedelta(days=1), datetime.min.time())
            found[order_id] = by_number[number] = Parcel(number, carrier, service, f"{origin} > {zone}", due)
        states = connection.execute(f"select status_code, status from read_parquet('{generated}/status_map.parquet')")
        meaning = dict(states.fetchall())
        events = connection.execute(
            "select event_id, tracking_number, status_code, try_cast(event_time as timestamp), ingested_at "
            f"from read_parquet('{generated}/scans/*/*.parquet') "
            "where tracking_number is not null and try_cast(event_time as timestamp) is not null"
        )
        first: dict[str, tuple[str, str, datetime, datetime]] = {}
        for event, number, code, at, known in events.fetchall():
            if event not in first or known < first[event][3]:
                first[event] = (number, code, at, known)
    for number, code, at, known in first.values():
        state = meaning[code]
        by_number[number].scans.append(Scan(at, STATES.index(state), state, known))
    return found


def wilson(hits: int, total: int) -> tuple[float, float]:
    """95 % score interval, by Wilson's formula in its textbook form."""
    share, spread = hits / total, Z * Z / total
    centre = (share + spread / 2) / (1 + spread)
    half = Z * sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    return (0.0 if hits == 0 else centre - half), (1.0 if hits == total else centre + half)


def scorecard(found: dict[int, Parcel]) -> dict[tuple[str, str, str, date], dict[str, float | None]]:
    """(carrier, service, lane, Monday of acceptance) -> counts, rate with bounds, median and p90 hours of delivered."""
    cells: dict[tuple[str, str, str, date], list[Parcel]] = defaultdict(list)
    for parcel in found.values():
        if parcel.accepted:
            monday = parcel.accepted.date() - timedelta(days=parcel.accepted.weekday())
            cells[parcel.carrier, parcel.service, parcel.lane, monday].append(parcel)
    return {key: _cell(members) for key, members in cells.items()}


def _cell(members: list[Parcel]) -> dict[str, float | None]:
    due = [one for one in members if one.due <= AS_OF]
    on_time = sum(one.delivered is not None and one.delivered < one.due for one in due)
    hours = [(one.delivered - one.accepted).total_seconds() / 3600 for one in members if one.delivered and one.accepted]
    low, high = wilson(on_time, len(due)) if due else (None, None)
    deciles = quantiles(hours, n=10, method="inclusive") if len(hours) > 1 else hours * 9
    return {
        "entered": len(members),
        "due": len(due),
        "on_time": on_time,
        "delivered": len(hours),
        "open": sum(one.is_moving for one in members),
        "overdue": sum(one.is_moving for one in due),
        "on_time_rate": on_time / len(due) if due else None,
        "on_time_rate_low": low,
        "on_time_rate_high": high,
        "delivered_transit_hours_p50": deciles[4] if deciles else None,
        "delivered_transit_hours_p90": deciles[8] if deciles else None,
    }


def open_a_day(found: dict[int, Parcel]) -> Counter[tuple[date, str, str]]:
    """(day, carrier, service) -> parcels accepted by then and not yet delivered before it."""
    counted: Counter[tuple[date, str, str]] = Counter()
    for parcel in found.values():
        if parcel.accepted:
            day, last = parcel.accepted.date(), min(parcel.delivered or AS_OF, AS_OF).date()
            while day <= last:
                counted[day, parcel.carrier, parcel.service] += 1
                day += timedelta(days=1)
    return counted


def contacts(generated: Path, found: dict[int, Parcel]) -> dict[str, tuple[str, float | None, int]]:
    """Ticket -> state at contact, hours that trouble had been known (None: none), days past the promised date."""
    with duckdb.connect() as connection:
        tickets = connection.execute(
            f"select ticket_id, order_id, created_at from read_parquet('{generated}/tickets/*/*.parquet')"
        ).fetchall()
    result = {}
    for ticket_id, order_id, asked in tickets:
        parcel = found[order_id]
        state, since = _known(parcel, asked)
        hours = None if since is None else (asked - since).total_seconds() / 3600
        result[ticket_id] = (state, hours, (asked.date() - (parcel.due - timedelta(days=1)).date()).days)
    return result


def _known(parcel: Parcel, asked: datetime) -> tuple[str, datetime | None]:
    """State by what had come in before the contact, and the earliest sign of trouble."""
    known = sorted(
        (scan for scan in parcel.scans if scan.known < asked and scan.at < asked), key=lambda one: (one.at, one.rank)
    )
    if any(scan.state == "delivered" for scan in known):
        return "delivered", None
    is_late = parcel.due <= asked
    signs = [parcel.due] if parcel.due < asked else []
    is_accepted = any(scan.state != "label_created" for scan in known)
    is_silent = is_accepted and known[-1].at + STALLED < asked
    if is_silent:
        signs.append(known[-1].at + STALLED)
    if known and known[-1].state in TROUBLE:
        signs.append(known[-1].known)
    since = min(signs, default=None)
    if not is_accepted:
        return ("label_only" if known else "not_shipped"), since
    if known[-1].state == "out_for_delivery":
        return "out_for_delivery", since
    if known[-1].state in TROUBLE:
        return "exception_open", since
    if is_silent:
        return "stalled", since
    return ("in_transit_past_promise" if is_late else "in_transit_within_promise"), since
