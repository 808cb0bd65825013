"""What was rejected, by reason, with a few rows as examples: read once per batch, then kept in a ledger.

Which rows are rejected, and how they are stored, is decided in `pipelines/landing`. Only tokens and typed values are in
those files, so the examples carry no personal data.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.warehouse.connection import Engine, connect, storage_errors
from pipelines.warehouse.ledger import append, read, rows_of
from pipelines.warehouse.ops import QuarantineReason

if TYPE_CHECKING:
    import duckdb

SAMPLES: Final = 5
_STATEMENT: Final = """
    select reason, count(*), to_json(min_by(sample, number, $samples))
    from (
        select unnest(rejected.reasons) as reason, to_json(rejected) as sample, rejected.file_row_number as number
        from read_parquet($path, file_row_number = true) as rejected
    )
    group by reason order by reason
"""
_LEDGER: Final = "quarantine.jsonl"
_TAIL_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class QuarantineFile:
    """The rejected rows of one batch and entity; each row's reasons are a list of texts in column `reasons`."""

    source: str
    entity: str
    batch_id: str
    path: Path  # absolute


@dataclass(frozen=True, slots=True)
class _BatchReason:
    """One line of the ledger: one reason in one batch. A batch without rows has one line without reason."""

    source: str
    entity: str
    batch_id: str
    reason: str
    rows: int
    samples_json: str


def summarise(engine: Engine, files: Sequence[QuarantineFile]) -> list[QuarantineReason]:
    """Rows by source, entity and reason over the batches of `files`; examples are of the latest batch (last listed).

    Raises StorageError.
    """
    path = engine.data_dir / "ops" / _LEDGER
    known: dict[tuple[str, str], list[_BatchReason]] = defaultdict(list)
    for row in rows_of(_BatchReason, read(path, _TAIL_BYTES)):
        known[row.batch_id, row.entity].append(row)
    missing = [file for file in files if (file.batch_id, file.entity) not in known]
    if missing:
        with storage_errors(engine.data_dir), connect(":memory:", engine) as connection:
            found = [row for file in missing for row in _read(connection, file)]
        append(path, found)
        for row in found:
            known[row.batch_id, row.entity].append(row)
    return _merged(row for file in files for row in known[file.batch_id, file.entity] if row.rows)


def _read(connection: duckdb.DuckDBPyConnection, file: QuarantineFile) -> list[_BatchReason]:
    rows = connection.execute(_STATEMENT, {"path": str(file.path), "samples": SAMPLES}).fetchall()
    found = [
        _BatchReason(file.source, file.entity, file.batch_id, reason, count, _compact(samples))
        for reason, count, samples in rows
    ]
    return found or [_BatchReason(file.source, file.entity, file.batch_id, "", 0, "[]")]


def _compact(samples: str) -> str:
    """Samples without the columns that hold nothing."""
    rows = [json.loads(row) if isinstance(row, str) else row for row in json.loads(samples)]
    kept = [
        {name: value for name, value in row.items() if value is not None and name != "file_row_number"} for row in rows
    ]
    return json.dumps(kept, ensure_ascii=False)


def _merged(rows: Iterable[_BatchReason]) -> list[QuarantineReason]:
    groups: dict[tuple[str, str, str], list[_BatchReason]] = defaultdict(list)
    for row in rows:
        groups[row.source, row.entity, row.reason].append(row)
    return [
        QuarantineReason(
            *key, rows=sum(row.rows for row in group), batches=len(group), samples_json=group[-1].samples_json
        )
        for key, group in sorted(groups.items())
    ]
