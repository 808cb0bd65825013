"""What a publication says of itself, so that its answers can be given again: code, seeds, settings, batches, rows."""

from __future__ import annotations

import hashlib
import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from pipelines.domain.sql import quote_identifier, quote_literal
from pipelines.warehouse.connection import Engine, connect, storage_errors
from pipelines.warehouse.ops import Publication, Setting
from pipelines.warehouse.plan import BuildInput, BuildPlan

_SCHEMAS: Final = ("marts", "outlook")
_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Cost:
    """What the run has used so far: CPU of the process and its children, and the clock, in seconds."""

    cpu_seconds: float
    wall_seconds: float


def describe(
    given: BuildInput, plan: BuildPlan, settings: Sequence[Setting], rows: Mapping[str, int], cost: Cost, outcome: str
) -> Publication:
    """The publication row of this run. `rows` by table (`count_rows`); `outcome` published or published_with_gaps."""
    seeds = {name: value for name, value in given.project_hashes.items() if name.startswith("seed ")}
    return Publication(
        run_id=given.run_id,
        as_of=given.as_of,
        published_at=datetime.now(UTC),
        is_full=plan.is_full,
        full_reason=plan.reason,
        code_version=code_version(),
        project_hash=_digest(f"{name}={value}" for name, value in sorted(given.project_hashes.items())),
        seeds_hash=_digest(f"{name}={value}" for name, value in sorted(seeds.items())),
        settings_hash=_digest(f"{row.key}={row.value}" for row in sorted(settings, key=lambda row: row.key)),
        batches=len(given.batches),
        batches_hash=_digest(sorted(batch.batch_id for batch in given.batches)),
        new_batches=plan.new_batches,
        cpu_seconds=cost.cpu_seconds,
        wall_seconds=cost.wall_seconds,
        outcome=outcome,
        rows_json=json.dumps(rows, sort_keys=True),
    )


def count_rows(engine: Engine) -> dict[str, int]:
    """Rows of every table that is about to be published, `schema.table`. About 10 ms at any size.

    Call it with no other connection to marts.duckdb open. Raises StorageError, LockedError.
    """
    with storage_errors(engine.data_dir), connect(":memory:", engine) as connection:
        connection.execute(f"attach {quote_literal(str(engine.marts_file))} as marts (read_only)")
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() "
            "where database_name = 'marts' and schema_name in (?, ?) order by all",
            [*_SCHEMAS],
        ).fetchall()
        rows = {}
        for schema, table in tables:
            relation = connection.table(f"marts.{quote_identifier(schema)}.{quote_identifier(table)}")
            rows[f"{schema}.{table}"] = len(relation)
    return rows


@cache
def code_version() -> str:
    """`git describe` of a checkout, else the version of the installed package."""
    root = Path(__file__).resolve().parents[2]
    if (root / ".git").exists():
        command = ["git", "-C", str(root), "describe", "--tags", "--always", "--dirty"]
        try:
            ran = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired):
            ran = None
        if ran is not None and ran.returncode == 0 and ran.stdout.strip():
            return ran.stdout.strip()
    try:
        return version("wherehouse")
    except PackageNotFoundError:
        return "unknown"


def _digest(parts: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=10).hexdigest()
