"""Exact duplicates within a file: rows of the same declared key that agree in every landed column."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import duckdb

from pipelines.domain.sql import quote_identifier, quote_literal
from pipelines.landing.rows import Rows
from pipelines.landing.staging import Counts, copy

_PLACE: Final = ("_seq", "_row")  # where a row stood is not what it says


def drop_duplicates(con: duckdb.DuckDBPyConnection, rows: Rows, path: Path, counts: Counts) -> None:
    """Rewrite a landed file without its exact duplicates, of which the first stays, and correct the counts.

    Most files have none, which one aggregate over a hash of the content tells; then only repeated keys are looked at.
    """
    if not rows.plan.key or counts.landed < 2:
        return
    file = f"read_parquet({quote_literal(str(path))}, hive_partitioning = false)"
    key = ", ".join(quote_identifier(name) for name in rows.key)
    mapped = ", ".join(quote_identifier(field.column) for field in rows.fields if field.column is not None)
    distinct = con.execute(f"SELECT count(DISTINCT hash({mapped})) FROM {file}").fetchone()  # noqa: S608
    if distinct is None or distinct[0] == counts.landed:
        return
    content = ", ".join(quote_identifier(name) for name in rows.entity.columns if name not in _PLACE)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE duplicates AS
        SELECT unnest(rows[2:]) AS _row FROM (
            SELECT list(_row ORDER BY _row) AS rows
            FROM (
                SELECT * FROM {file}
                WHERE hash({key}) IN (SELECT hash({key}) FROM {file} GROUP BY ALL HAVING count(*) > 1)
            )
            GROUP BY {content} HAVING count(*) > 1
        )
        """  # noqa: S608
    )
    found = con.execute("SELECT count(*) FROM duplicates").fetchone()
    if found is None or not found[0]:
        return
    slim = path.with_name(path.name + ".slim")
    kept = copy(con, f"SELECT * FROM {file} WHERE _row NOT IN (SELECT _row FROM duplicates)", slim, rows)  # noqa: S608
    slim.replace(path)
    counts.duplicate = int(found[0])
    counts.landed, counts.bytes, counts.min_at, counts.max_at = kept.landed, kept.bytes, kept.min_at, kept.max_at
