"""The schema `control` of warehouse.duckdb: what a build has to know, and what the builds before it have done.

Written before every dbt run, read by dbt_project/macros/run.sql and landing.sql. What a build has to do is decided in
`plan.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.domain.sql import quote_literal
from pipelines.warehouse.connection import Engine, drop_spilled, open_warehouse
from pipelines.warehouse.plan import (
    BuildInput,
    BuildPlan,
    History,
    ReasonCode,
    SourceSettings,
    StatusCode,
    decide,
    hashes_of,
)
from pipelines.warehouse.tables import append_rows, columns_of, plain, replace_table

if TYPE_CHECKING:
    import duckdb


def begin(engine: Engine, given: BuildInput) -> BuildPlan:
    """Write the control schema for this build in one transaction, and say what the build has to do.

    Call it under the writer lock. Cheap: about 80 ms with 2,000 batches. Raises StorageError, LockedError.
    """
    drop_spilled(engine)
    marts_missing = not engine.marts_file.exists()
    with open_warehouse(engine) as connection:
        connection.execute("begin")
        _create(connection)
        plan, new_ids = decide(given, _read_history(connection), marts_missing=marts_missing)
        _write(connection, given, plan, new_ids)
        connection.execute("commit")
    return plan


def mark_consumed(engine: Engine, run_id: str) -> None:
    """Record that the build which `begin` prepared is complete. Call it after every selection has succeeded.

    Raises StorageError, LockedError; ValueError when the control schema was written for another run.
    """
    with open_warehouse(engine) as connection:
        connection.execute("begin")
        row = connection.execute("select run_id, is_full from control.run").fetchone()
        if row is None or row[0] != run_id:
            raise ValueError(f"control was written for run {row and row[0]}, not {run_id}")
        if row[1]:
            connection.execute("delete from control.consumed")
        connection.execute("insert into control.consumed select batch_id from control.batches where is_new")
        connection.execute("delete from control.hashes")
        connection.execute("insert into control.hashes select * from control.pending_hashes")
        now = datetime.now(UTC).replace(tzinfo=None)
        connection.execute("update control.builds set completed_at = ? where run_id = ?", [now, run_id])
        connection.execute("commit")


@dataclass(frozen=True, slots=True)
class _Listed:
    """A row of control.batches."""

    source: str
    connector: str
    entity: str
    batch_id: str
    path: Path
    seq: int
    rows: int
    is_new: bool


@dataclass(frozen=True, slots=True)
class _Taken:
    """A row of control.taken: what the last build that ran any model took batches of in."""

    connector: str
    entity: str


@dataclass(frozen=True, slots=True)
class _Setting:
    """A row of control.settings; `literal` is the value as SQL."""

    key: str
    value: str
    literal: str


@dataclass(frozen=True, slots=True)
class _Hash:
    """A row of control.hashes."""

    name: str
    hash: str


@dataclass(frozen=True, slots=True)
class _Run:
    """The row of control.run; `literals` holds its other columns as SQL literals in one JSON object."""

    run_id: str
    as_of: datetime
    previous_as_of: datetime | None
    is_full: bool
    carry_touched: bool
    started_at: datetime
    shop: str
    time_zone: str
    reporting_currency: str
    landing_dir: Path
    literals: str


@dataclass(frozen=True, slots=True)
class _Build:
    """A row of control.builds: one build that was begun."""

    run_id: str
    as_of: datetime
    is_full: bool
    started_at: datetime
    completed_at: datetime | None


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create schema if not exists control")
    connection.execute("create table if not exists control.consumed (batch_id varchar)")
    for name, row_type in (("builds", _Build), ("hashes", _Hash), ("taken", _Taken)):
        append_rows(connection, f"control.{name}", row_type, ())


def _read_history(connection: duckdb.DuckDBPyConnection) -> History:
    consumed = frozenset(row[0] for row in connection.execute("select batch_id from control.consumed").fetchall())
    hashes = dict(connection.execute("select name, hash from control.hashes").fetchall())
    taken = connection.execute("select connector, entity from control.taken").fetchall()
    builds = connection.execute(
        "select as_of, is_full, completed_at is not null from control.builds order by rowid desc limit 100"
    ).fetchall()
    completed = next((row[0].replace(tzinfo=UTC) for row in builds if row[2]), None)
    is_broken = bool(builds) and not builds[0][2]
    attempted = connection.execute("select batch_id from control.batches where is_new").fetchall() if is_broken else []
    return History(
        consumed=consumed,
        attempted=frozenset(row[0] for row in attempted),
        hashes=hashes,
        listed=frozenset((row[0], row[1]) for row in taken),
        completed_as_of=completed,
        started_as_of=builds[0][0].replace(tzinfo=UTC) if builds else None,
        is_broken=is_broken,
        was_full=is_broken and builds[0][1],
    )


def _write(connection: duckdb.DuckDBPyConnection, given: BuildInput, plan: BuildPlan, new_ids: frozenset[str]) -> None:
    listed = (
        _Listed(b.source, b.connector, b.entity, b.batch_id, b.path, b.seq, b.rows, b.batch_id in new_ids)
        for b in given.batches
    )
    settings = (_Setting(key, str(plain(value)), quote_literal(value)) for key, value in given.settings.items())
    hashes = (_Hash(name, value) for name, value in hashes_of(given).items())
    build = _Build(given.run_id, given.as_of, plan.is_full, given.started_at, None)
    replace_table(connection, "control.run", _Run, [_run(given, plan)])
    replace_table(connection, "control.settings", _Setting, settings)
    replace_table(connection, "control.batches", _Listed, listed)
    replace_table(connection, "control.status_map", StatusCode, given.status_codes)
    replace_table(connection, "control.reason_map", ReasonCode, given.reason_codes)
    replace_table(connection, "control.source_settings", SourceSettings, given.sources)
    replace_table(connection, "control.pending_hashes", _Hash, hashes)
    append_rows(connection, "control.builds", _Build, [build])
    if plan.is_needed:
        replace_table(connection, "control.taken", _Taken, (_Taken(*one) for one in sorted(plan.new_entities)))


def _run(given: BuildInput, plan: BuildPlan) -> _Run:
    values = {
        "run_id": given.run_id,
        "as_of": given.as_of,
        "previous_as_of": plan.previous_as_of,
        "is_full": plan.is_full,
        "carry_touched": plan.carry_touched,
        "started_at": given.started_at,
        "shop": given.shop,
        "time_zone": given.time_zone,
        "reporting_currency": given.reporting_currency,
        "landing_dir": str(given.landing_dir),
    }
    kinds = columns_of(_Run)
    literals = {
        name: f"cast(null as {kinds[name].lower()})" if value is None else quote_literal(value)  # type: ignore[arg-type]
        for name, value in values.items()
    }
    return _Run(**values, literals=json.dumps(literals))  # type: ignore[arg-type]
