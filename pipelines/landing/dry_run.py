"""What landing would make of a file, with nothing written: rows as mapped, what would be rejected and why."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import duckdb

from pipelines.domain.drops import DropPlan
from pipelines.domain.sql import quote_literal
from pipelines.landing.intake import Landing
from pipelines.landing.keys import Keys
from pipelines.landing.outcomes import Outcome

SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Preview:
    """One mapping of a file: what would happen, and the first rows of both kinds, as landing would hold them."""

    outcome: Outcome
    landed: tuple[Mapping[str, Any], ...]
    rejected: tuple[Mapping[str, Any], ...]


def dry_run(plan: DropPlan, keys: Keys, *, shop: str, shown: int = SHOWN, **options: Any) -> list[Preview]:
    """Land one file in a folder that is thrown away, and show what came out. The real data folder is not touched.

    `options` are those of `Landing` (quarantine_rate, postal_prefix_length, memory_limit, threads).
    """
    with tempfile.TemporaryDirectory(prefix="wherehouse-") as folder:
        data_dir = Path(folder)
        with Landing(data_dir, keys, shop=shop, **options) as landing:
            found = landing.take(plan)
            return [
                Preview(
                    outcome,
                    _rows(landing.con, data_dir, outcome.path, shown),
                    _rows(landing.con, data_dir, outcome.quarantine_path, shown),
                )
                for outcome in found
            ]


def _rows(con: duckdb.DuckDBPyConnection, data_dir: Path, path: str, shown: int) -> tuple[Mapping[str, Any], ...]:
    if not path:
        return ()
    file = f"read_parquet({quote_literal(str(data_dir / path))}, hive_partitioning = false)"
    result = con.execute(f"SELECT * FROM {file} ORDER BY _row NULLS LAST LIMIT {shown}")  # noqa: S608
    names = [column[0] for column in result.description or []]
    return tuple(dict(zip(names, row, strict=True)) for row in result.fetchall())
