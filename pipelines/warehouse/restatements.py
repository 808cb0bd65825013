"""Counts of closed weeks that differ from what is published: found before publishing, kept for ever.

A week is closed when its end lies `thresholds.closed_after_days` before the as_of of the last publication. Rates follow
from counts and are not compared.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.domain.sql import quote_identifier, quote_literal
from pipelines.warehouse.connection import Engine, connect, storage_errors
from pipelines.warehouse.ops import Restatement
from pipelines.warehouse.plan import BuildPlan
from pipelines.warehouse.tables import plain

if TYPE_CHECKING:
    import duckdb

# Beyond this a mapping change is told by week and column: nobody reads a hundred thousand lines.
MOST_ROWS: Final = 5_000
_INTEGERS: Final = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"})


@dataclass(frozen=True, slots=True)
class Compared:
    """A mart whose weeks close: its week column (first day) and the other columns of its key."""

    table: str
    key: tuple[str, ...]
    week: str = "week"
    schema: str = "marts"


COMPARED: Final = (
    Compared(
        "carrier_scorecard",
        ("shop", "carrier", "service", "lane", "origin_node", "destination_region", "is_ready_week"),
    ),
    Compared("order_delivery", ("shop", "destination_country", "destination_region")),
)


def reason_of(plan: BuildPlan) -> str:
    """Why closed weeks may differ after this build: the most specific of what the plan knows."""
    if any(name.startswith(("status map", "reason map", "seed")) for name in plan.changed):
        return "mapping changed"
    return "rebuild" if plan.is_full else "late data"


def find(
    engine: Engine,
    current: Path,
    *,
    run_id: str,
    reason: str,
    closed_after_days: int,
    compared: tuple[Compared, ...] = COMPARED,
    most_rows: int = MOST_ROWS,
) -> list[Restatement]:
    """Compare marts.duckdb with the published file `current`; none when nothing is published yet.

    Call it with no other connection to marts.duckdb open. Raises StorageError, LockedError.
    """
    if not current.exists():
        return []
    now = datetime.now(UTC)
    with storage_errors(engine.data_dir), connect(":memory:", engine) as connection:
        _attach(connection, engine.marts_file, "new")
        _attach(connection, current.resolve(), "old")
        as_of = _published_as_of(connection)
        if as_of is None:
            return []
        return [
            row
            for mart in compared
            for row in _compare(connection, mart, as_of, closed_after_days, run_id, now, reason, most_rows)
        ]


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, name: str) -> None:
    connection.execute(f"attach {quote_literal(str(path))} as {name} (read_only)")


def _published_as_of(connection: duckdb.DuckDBPyConnection) -> datetime | None:
    if not _columns(connection, "old", "ops", "publications"):
        return None
    row = connection.execute("select as_of from old.ops.publications order by published_at desc limit 1").fetchone()
    return row[0] if row else None


def _columns(connection: duckdb.DuckDBPyConnection, database: str, schema: str, table: str) -> dict[str, str]:
    return dict(
        connection.execute(
            "select column_name, data_type from duckdb_columns() "
            "where database_name = ? and schema_name = ? and table_name = ? order by column_index",
            [database, schema, table],
        ).fetchall()
    )


def _compare(
    connection: duckdb.DuckDBPyConnection,
    mart: Compared,
    as_of: datetime,
    closed_after_days: int,
    run_id: str,
    now: datetime,
    reason: str,
    most_rows: int,
) -> list[Restatement]:
    old, new = (_columns(connection, database, mart.schema, mart.table) for database in ("old", "new"))
    shared = old.keys() & new.keys()
    key = [name for name in mart.key if name in shared]
    counts = [name for name in new if name in shared and new[name] in _INTEGERS and name not in (*key, mart.week)]
    if mart.week not in shared or not counts:
        return []
    found = connection.execute(_difference(mart, key, counts, as_of, closed_after_days)).fetchall()
    rows = []
    for week, *values in found:
        names = json.dumps(plain(dict(zip(key, values, strict=False))), ensure_ascii=False)
        before, after = values[len(key) : len(key) + len(counts)], values[len(key) + len(counts) :]
        rows += [
            Restatement(run_id, now, mart.table, str(week), names, name, was, becomes, reason)
            for name, was, becomes in zip(counts, before, after, strict=True)
            if was != becomes
        ]
    return rows if len(rows) <= most_rows else _by_week(rows)


def _difference(mart: Compared, key: list[str], counts: list[str], as_of: datetime, closed_after_days: int) -> str:
    """Rows of closed weeks whose counts differ. Both sides are summed, so a key that lost a column still compares."""
    week = quote_identifier(mart.week)
    names = [quote_identifier(name) for name in key]
    columns = [quote_identifier(name) for name in counts]
    sums = ", ".join(f"cast(sum({name}) as bigint) as {name}" for name in columns)
    table = f"{quote_identifier(mart.schema)}.{quote_identifier(mart.table)}"
    closed = f"{week} + interval '{7 + closed_after_days}' day < {quote_literal(as_of)}"
    # names come from COMPARED and from the engine's own catalogue, quoted
    side = f"select {', '.join([week, *names])}, {sums} from {{}}.{table} where {closed} group by all"  # noqa: S608
    joined = " and ".join(f"old_side.{name} is not distinct from new_side.{name}" for name in [week, *names])
    differs = " or ".join(f"old_side.{name} is distinct from new_side.{name}" for name in columns)
    known = [f"coalesce(new_side.{name}, old_side.{name}) as {name}" for name in [week, *names]]
    both = [f"{database}_side.{name}" for database in ("old", "new") for name in columns]
    changed = f"from old_side full join new_side on {joined} where {differs} order by all"
    sides = f"old_side as ({side.format('old')}), new_side as ({side.format('new')})"
    return f"with {sides} select {', '.join([*known, *both])} {changed}"


def _by_week(rows: list[Restatement]) -> list[Restatement]:
    groups: dict[tuple[str, str], list[Restatement]] = defaultdict(list)
    for row in rows:
        groups[row.week, row.column_name].append(row)
    return [
        Restatement(
            run_id=group[0].run_id,
            restated_at=group[0].restated_at,
            table_name=group[0].table_name,
            week=week,
            key_json=json.dumps({"rows": len(group)}),
            column_name=column,
            old_value=sum(row.old_value or 0 for row in group),
            new_value=sum(row.new_value or 0 for row in group),
            reason=group[0].reason,
        )
        for (week, column), group in groups.items()
    ]
