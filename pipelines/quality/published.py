"""What is expected of marts.duckdb as a whole before it goes live, against itself and against what is published now.

Blocking throughout: each of these would put a wrong figure on the first screen. Rules on single rows between models are
dbt tests; here are the aggregates that pages show, and the step from one publication to the next. The step is plain SQL
and is looked at every time; the aggregates need Great Expectations, and are looked at when new rows came in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.domain.sql import quote_identifier, quote_literal
from pipelines.quality.expectations import ERROR, Finding, Rule, at_least, between, not_null, validate

if TYPE_CHECKING:
    import duckdb
    import pandas as pd  # type: ignore[import-untyped]

MOST_ROWS: Final = 100_000
LEAST_KEPT: Final = 0.5  # of the rows that are published now
_SHRINKING: Final = ("fct_orders", "fct_shipments")

# What a page shows of the scorecard by default: carrier by four weeks. Rolled up from counts, as pages do.
_SCORECARD: Final = """
select carrier, week, due, on_time, entered, delivered, open, ended_otherwise, on_time / nullif(due, 0) as on_time_rate,
    low / nullif(due, 0) as lowest, high / nullif(due, 0) as highest,
    delivered + open + ended_otherwise - entered as unaccounted
from (
    select carrier, time_bucket(interval '28 days', week) as week, sum(due) as due, sum(on_time) as on_time,
        sum(entered) as entered, sum(delivered) as delivered, sum(open) as open,
        sum(ended_otherwise) as ended_otherwise,
        sum(on_time_rate_low * due) as low, sum(on_time_rate_high * due) as high
    from new.marts.carrier_scorecard group by all
) order by week desc limit {limit}
"""
_HEADLINE: Final = """
select week, due, on_time, on_time / nullif(due, 0) as order_on_time_rate, low / nullif(due, 0) as lowest,
    high / nullif(due, 0) as highest
from (
    select week, sum(due) as due, sum(on_time) as on_time, sum(order_on_time_rate_low * due) as low,
        sum(order_on_time_rate_high * due) as high
    from new.marts.order_delivery group by all
) order by week desc limit {limit}
"""


def check_step(marts_file: Path, current: Path) -> tuple[Finding, ...]:
    """Compare marts.duckdb with the published file `current` (which may not exist): cheap, without frames.

    Call it with no other connection to marts.duckdb open.
    """
    with _attached(marts_file, current) as connection:
        return tuple(_step(connection, has_old=current.exists()))


def check_aggregates(marts_file: Path) -> tuple[Finding, ...]:
    """Hold the aggregates that pages show against the suites. Raises BuildError when a check cannot be evaluated."""
    findings: tuple[Finding, ...] = ()
    with _attached(marts_file, None) as connection:
        tables = _tables(connection, "new")
        if "carrier_scorecard" in tables:
            findings += _prefixed("scorecard", _validate(connection, _SCORECARD, scorecard_suite()))
        if "order_delivery" in tables:
            findings += _prefixed("orders", _validate(connection, _HEADLINE, headline_suite()))
    return findings


def scorecard_suite() -> list[Rule]:
    """Carrier by four weeks: rates within their bounds, every parcel that entered in one of three places."""
    return [not_null("carrier"), between("unaccounted", 0, 0), between("entered", 0), *_rates("on_time_rate")]


def headline_suite() -> list[Rule]:
    """All destinations by week of promise."""
    return [between("due", 0), *_rates("order_on_time_rate")]


def _rates(rate: str) -> list[Rule]:
    return [between(rate, 0, 1), at_least("due", "on_time"), at_least(rate, "lowest"), at_least("highest", rate)]


def _step(connection: duckdb.DuckDBPyConnection, *, has_old: bool) -> Iterator[Finding]:
    new = _tables(connection, "new")
    if {"fct_shipments", "carrier_scorecard"} <= new:
        entered = _count(connection, "new.marts.fct_shipments where is_first_delivery and week is not null")
        cells = _count(connection, "new.marts.carrier_scorecard")
        message = f"{entered:,} parcels, {cells:,} rows in the scorecard"
        yield Finding("scorecard not empty", cells > 0 or entered == 0, ERROR, int(cells == 0), entered, (), message)
    old = _tables(connection, "old") if has_old else set()
    for table in _SHRINKING:
        if table in new and table in old:
            before = _count(connection, f"old.marts.{quote_identifier(table)}")
            now = _count(connection, f"new.marts.{quote_identifier(table)}")
            yield Finding(
                name=f"{table} not halved",
                passed=now >= LEAST_KEPT * before,
                severity=ERROR,
                failures=max(0, before - now),
                checked=before,
                message=f"{now:,} rows, {before:,} are published",
            )


def _validate(connection: duckdb.DuckDBPyConnection, query: str, suite: list[Rule]) -> tuple[Finding, ...]:
    frame: pd.DataFrame = connection.execute(query.format(limit=MOST_ROWS)).df()
    return validate(frame, suite) if len(frame) else ()


def _prefixed(prefix: str, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple(replace(finding, name=f"{prefix}: {finding.name}") for finding in findings)


def _attached(marts_file: Path, current: Path | None) -> duckdb.DuckDBPyConnection:
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"attach {quote_literal(str(marts_file))} as new (read_only)")
    if current is not None and current.exists():
        connection.execute(f"attach {quote_literal(str(current.resolve()))} as old (read_only)")
    return connection


def _tables(connection: duckdb.DuckDBPyConnection, database: str) -> set[str]:
    rows = connection.execute(
        "select table_name from duckdb_tables() where database_name = ? and schema_name = 'marts'", [database]
    ).fetchall()
    return {row[0] for row in rows}


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    row = connection.execute(f"select count(*) from {relation}").fetchone()  # noqa: S608  names of ours only
    return int(row[0]) if row else 0
