"""Append-only JSON lines under data_dir/ops: what refreshes leave for the ones after them.

A line torn by a crash is ignored by readers and closed off by the next writer. What the lines mean is in `ops.py`.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pipelines.warehouse.connection import Engine, storage_errors
from pipelines.warehouse.ops import Check, Publication, Restatement
from pipelines.warehouse.tables import columns_of, plain

if TYPE_CHECKING:
    import duckdb
    from _typeshed import DataclassInstance

# Readers show recent history; a ledger of many years must not cost every night.
TAIL_BYTES: Final = 8 * 1024 * 1024
_KEEP_CHECK_RUNS: Final = 30
RowType = TypeVar("RowType", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Ledgers:
    """The append-only files of one data folder."""

    folder: Path

    @classmethod
    def of(cls, engine: Engine) -> Ledgers:
        """The ledgers of the engine's data folder."""
        return cls(engine.data_dir / "ops")

    def publications(self) -> list[Publication]:
        """Past publications, oldest first."""
        return rows_of(Publication, read(self.folder / "publications.jsonl"))

    def restatements(self) -> list[Restatement]:
        """Past restatements, oldest first."""
        return rows_of(Restatement, read(self.folder / "restatements.jsonl"))

    def checks(self) -> list[Check]:
        """What the checks of the last runs found, oldest first."""
        rows = rows_of(Check, read(self.folder / "checks.jsonl"))
        runs = list(dict.fromkeys(row.run_id for row in rows))[-_KEEP_CHECK_RUNS:]
        return [row for row in rows if row.run_id in runs]

    def add_checks(self, checks: Iterable[Check]) -> None:
        """Record checks at once, whether the run goes on to publish or not. Raises StorageError."""
        append(self.folder / "checks.jsonl", checks)

    def commit(self, publication: Publication, restatements: Iterable[Restatement]) -> None:
        """Record a publication that has gone live. Raises StorageError."""
        append(self.folder / "restatements.jsonl", restatements)
        append(self.folder / "publications.jsonl", [publication])

    def recover(self, current: Path) -> None:
        """Catch up with a published file whose run died before it could write its ledger lines."""
        if not current.exists():
            return
        import duckdb

        known = {row.run_id for row in self.publications()}
        restated = {row.run_id for row in self.restatements()}
        with duckdb.connect(str(current.resolve()), read_only=True) as connection:
            try:
                published = _read_table(connection, "publications", Publication)
                restatements = _read_table(connection, "restatements", Restatement)
            except duckdb.CatalogException:  # published by something else than a refresh
                return
        for row in published:
            if row.run_id not in known:
                missing = [item for item in restatements if item.run_id == row.run_id]
                self.commit(row, () if row.run_id in restated else missing)


def append(path: Path, rows: Iterable[DataclassInstance]) -> None:
    """Append one line a row and fsync. Raises StorageError."""
    lines = [json.dumps(plain(dataclasses.asdict(row)), ensure_ascii=False) for row in rows]
    if not lines:
        return
    text = "\n".join(lines) + "\n"
    with storage_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        with os.fdopen(descriptor, "ab") as file:
            file.write((("\n" if _is_torn(path) else "") + text).encode())
            file.flush()
            os.fsync(file.fileno())


def read(path: Path, tail_bytes: int = TAIL_BYTES) -> list[dict[str, Any]]:
    """The rows of the last `tail_bytes` of a ledger, oldest first; none where there is no file. Raises StorageError."""
    with storage_errors(path.parent):
        try:
            with path.open("rb") as file:
                start = max(0, file.seek(0, os.SEEK_END) - tail_bytes)
                file.seek(start)
                content = file.read()
        except FileNotFoundError:
            return []
    if start:
        content = content.partition(b"\n")[2]
    return [row for line in content.splitlines() if (row := _parse(line)) is not None]


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def _is_torn(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"


def rows_of(row_type: type[RowType], lines: Iterable[Mapping[str, Any]]) -> list[RowType]:
    """Lines as rows. Fields that a line of an older version lacks are null; fields it has too many are dropped."""
    columns = columns_of(row_type)
    times = [name for name, kind in columns.items() if kind == "TIMESTAMP"]
    rows = []
    for line in lines:
        values = {name: line.get(name) for name in columns}
        values |= {name: datetime.fromisoformat(line[name]) for name in times if line.get(name)}
        rows.append(row_type(**values))
    return rows


def _read_table(connection: duckdb.DuckDBPyConnection, name: str, row_type: type[RowType]) -> list[RowType]:
    table = connection.table(f"ops.{name}")
    lines = (
        {column: plain(value) for column, value in zip(table.columns, row, strict=True)} for row in table.fetchall()
    )
    return rows_of(row_type, lines)
