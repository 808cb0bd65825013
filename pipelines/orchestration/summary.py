"""The last screen of a refresh: what came in, what was rejected, how carriers do, where to look next."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipelines.orchestration.refresh import Refresh
from pipelines.warehouse.publish import current_file

if TYPE_CHECKING:
    import duckdb

_REASONS: Final = 6
_CARRIERS: Final = 8
_GAPS: Final = 8
_Z: Final = 1.959963984540054
_COUNTS: Final = ("read", "landed", "quarantined", "duplicate", "not_applicable")

_SCORECARD: Final = """
with recent as (
    select * from marts.carrier_scorecard
    where week > (select max(week) from marts.carrier_scorecard where due > 0) - interval 28 day
)
select carrier, service, sum(due)::bigint as due, sum(on_time)::bigint as on_time, min(week), max(week)
from recent where due > 0 group by all having sum(due) >= ? order by sum(on_time) / sum(due), due desc limit ?
"""
_ORDERS: Final = """
select coalesce(sum(due), 0)::bigint, coalesce(sum(on_time), 0)::bigint from marts.order_delivery
"""
_WISMO: Final = """
select coalesce(sum(wismo_tickets), 0)::bigint, coalesce(sum(tickets), 0)::bigint,
    coalesce(sum(orders_placed), 0)::bigint, coalesce(sum(avoidable_tickets), 0)::bigint
from marts.wismo_daily
"""


@dataclass(frozen=True, slots=True)
class Interval:
    """A share with its Wilson 95 % bounds."""

    low: float
    rate: float
    high: float

    def __str__(self) -> str:
        return f"{self.rate:6.1%}  ({self.low:.1%} to {self.high:.1%})"


def wilson(hits: int, total: int) -> Interval:
    """Wilson score interval at 95 %. `total` must be positive."""
    rate, z2 = hits / total, _Z * _Z
    centre = (rate + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z * math.sqrt(rate * (1 - rate) / total + z2 / (4 * total * total)) / (1 + z2 / total)
    # exactly 0 and 1 at the ends, where the arithmetic gives a rounding error
    return Interval(0.0 if hits == 0 else centre - half, rate, 1.0 if hits == total else centre + half)


def write_summary(refresh: Refresh, cpu_seconds: float) -> str:
    """The whole screen as text. Reads the published file."""
    lines = [*_came_in(refresh), *_rejected(refresh), *_gaps(refresh)]
    current = current_file(refresh.engine)
    if current.exists():
        lines += _figures(refresh, current.resolve())
    return "\n".join([*lines, *_closing(refresh, cpu_seconds)]) + "\n"


def _came_in(refresh: Refresh) -> Iterator[str]:
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    for intake in refresh.intakes.values():
        for one in intake.new:
            sums[f"{one.source} / {one.entity}"].update({name: getattr(one, name) for name in _COUNTS})
    yield "What came in"
    if not sums:
        known = sum(len({one.file for one in intake.outcomes}) for intake in refresh.intakes.values())
        yield f"  nothing new: all {known:,} files have landed before"
    else:
        header = ("", "records read", "landed", "rejected", "duplicate", "not applicable")
        rows = [(name, *(f"{counts[count]:,}" for count in _COUNTS)) for name, counts in sorted(sums.items())]
        yield from _table([header, *rows])
    for intake in refresh.intakes.values():
        notes = [*intake.notes, *(note for one in intake.new for note in one.notes)]
        yield from (f"  note: {note}" for note in dict.fromkeys(notes))


def _rejected(refresh: Refresh) -> Iterator[str]:
    reasons: Counter[tuple[str, str]] = Counter()
    for intake in refresh.intakes.values():
        for one in intake.new:
            reasons.update({(f"{one.source} / {one.entity}", reason): number for reason, number in one.reasons.items()})
    if not reasons:
        return
    yield ""
    yield "Rejected (each row with its reason, file and place is in the quarantine)"
    most = reasons.most_common(_REASONS)
    yield from _table([(name, f"{number:,}", reason) for (name, reason), number in most], left=(0, 2))
    if len(reasons) > len(most):
        yield f"  ... and {len(reasons) - len(most)} more reasons, in ops.quarantine"


def _gaps(refresh: Refresh) -> Iterator[str]:
    held = refresh.landing.manifest.held()
    messages = [
        *(intake.problem for intake in refresh.intakes.values() if intake.problem),
        *(one.message for intake in refresh.intakes.values() for one in intake.outcomes if _needs_telling(one.outcome)),
        *refresh.silent,
    ]
    if held:
        yield ""
        yield "Held: landed, but not shown until released"
        for batch in held[:_GAPS]:
            share = batch.quarantined / max(1, batch.read - batch.not_applicable)
            yield f"  {batch.source} / {batch.entity}, {Path(batch.file).name}: {share:.1%} rejected"
            yield f"    wherehouse release {batch.batch_id}   to show it as it is"
            yield f"    wherehouse retire {batch.batch_id}    to leave it out for good"
        yield from _and_more(len(held) - _GAPS)
    if told := list(dict.fromkeys(messages)):
        yield ""
        yield "Not taken"
        yield from (f"  {message}" for message in told[:_GAPS])
        yield from _and_more(len(told) - _GAPS)


def _figures(refresh: Refresh, published: Path) -> Iterator[str]:
    import duckdb

    with duckdb.connect(str(published), read_only=True) as connection:
        tables = {row[0] for row in connection.execute("select table_name from duckdb_tables()").fetchall()}
        if "carrier_scorecard" in tables:
            yield from _scorecard(connection, refresh.settings.thresholds.suppress_under)
        if "order_delivery" in tables:
            due, on_time = _one(connection, _ORDERS)
            if due:
                yield ""
                yield f"Orders on time {wilson(on_time, due)} of {due:,} due, those never shipped included"
        if "wismo_daily" in tables:
            asked, tickets, orders, avoidable = _one(connection, _WISMO)
            if tickets:
                per = f", {1000 * asked / orders:,.0f} per 1,000 orders" if orders else ""
                yield f"Where is my order?  {asked:,} of {tickets:,} tickets{per}; {avoidable:,} were avoidable"
    if refresh.restated:
        yield f"Restated  {refresh.restated:,} figures of closed weeks changed; see ops.restatements"


def _scorecard(connection: duckdb.DuckDBPyConnection, least: int) -> Iterator[str]:
    rows = connection.execute(_SCORECARD, [least, _CARRIERS]).fetchall()
    yield ""
    if not rows:
        yield f"Carriers: no carrier has {least} parcels due in the last four weeks"
        return
    first, last = min(row[4] for row in rows), max(row[5] for row in rows)
    yield f"Carriers, worst first (parcels on time by the promise, weeks from {first:%Y-%m-%d} to {last:%Y-%m-%d})"
    header = ("carrier", "service", "on time", "95 % interval", "due")
    table = []
    for carrier, service, due, on_time, *_ in rows:
        found = wilson(on_time, due)
        table.append((carrier, service, f"{found.rate:.1%}", f"{found.low:.1%} to {found.high:.1%}", f"{due:,}"))
    yield from _table([header, *table], left=(0, 1))


def _closing(refresh: Refresh, cpu_seconds: float) -> Iterator[str]:
    current = current_file(refresh.engine)
    yield ""
    yield "Where to look next"
    yield f"  {current}   (schemas marts, outlook, ops; read-only copies, safe to open any time)"
    yield "  make up   opens the dashboards and Dagster's page on this machine"
    if refresh.landing.manifest.held() or any(one.quarantined for i in refresh.intakes.values() for one in i.new):
        yield "  wherehouse ingest --dry-run   shows rows as mapped, and what is rejected and why"
    yield ""
    took = f"{refresh.wall_seconds:.1f} s, {cpu_seconds:.1f} CPU s"
    yield f"{_verdict(refresh)}; as of {refresh.as_of:%Y-%m-%d %H:%M} UTC, {took}"


def _verdict(refresh: Refresh) -> str:
    gaps = len(refresh.gaps)
    if not refresh.is_published:
        return "Unchanged: what is published is up to date" + (f"; {gaps} gaps remain (see above)" if gaps else "")
    return f"Published, with {gaps} gaps (see above)" if gaps else "Published in full"


def _needs_telling(outcome: str) -> bool:
    return outcome in {"failed", "incomplete", "empty"}


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    return row if row is not None else ()


def _and_more(number: int) -> Iterable[str]:
    return [f"  ... and {number} more"] if number > 0 else []


def _table(rows: Sequence[tuple[str, ...]], left: tuple[int, ...] = (0,)) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  " + "  ".join(cells).rstrip()
