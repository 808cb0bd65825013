"""Snapshot files: a key that the previous snapshot had and this one lacks gets a row that says it is gone."""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.domain.sql import quote_identifier, quote_literal
from pipelines.landing.rows import Rows
from pipelines.landing.staging import Counts, copy


def add_tombstones(
    con: duckdb.DuckDBPyConnection,
    rows: Rows,
    path: Path,
    counts: Counts,
    *,
    previous: Path,
    previous_seq: int,
    seq: int,
    quarantine: Path | None,
) -> None:
    """Append tombstones to a landed file: the key, shop, source, and `_deleted`. `_row` counts down from -1.

    A key whose row was rejected is still there, and not retired.
    """
    key = ", ".join(quote_identifier(name) for name in rows.key)
    gone = (
        f"SELECT DISTINCT shop, source, {key} FROM {_file(previous)} WHERE _seq = {previous_seq} AND NOT _deleted "  # noqa: S608
        f"EXCEPT SELECT shop, source, {key} FROM {_file(path)}"
    )
    if quarantine is not None:
        gone += f" EXCEPT SELECT shop, source, {key} FROM {_file(quarantine)}"  # noqa: S608
    con.execute(f"CREATE OR REPLACE TEMP TABLE gone AS {gone}")
    found = con.execute("SELECT count(*) FROM gone").fetchone()
    if found is None or not found[0]:
        return
    bookkeeping = f"CAST({seq} AS INTEGER) AS _seq, -row_number() OVER (ORDER BY {key}) AS _row, TRUE AS _deleted"
    whole = path.with_name(path.name + ".whole")
    both = f"SELECT * FROM {_file(path)} UNION ALL BY NAME SELECT *, {bookkeeping} FROM gone"  # noqa: S608
    written = copy(con, both, whole, rows)
    whole.replace(path)
    counts.retired, counts.bytes = int(found[0]), written.bytes


def _file(path: Path) -> str:
    return f"read_parquet({quote_literal(str(path))}, hive_partitioning = false)"
