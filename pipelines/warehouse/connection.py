"""Opening the warehouse's DuckDB files, and turning the engine's refusals into sentences.

One process, one configuration per file: whoever needs the files opens them here, for as short as possible, and closes
them before dbt starts. dbt opens the same files with the same values (`Engine.environment` feeds
dbt_project/profiles.yml).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.domain.errors import BuildError, LockedError, StorageError, WherehouseError
from pipelines.domain.sql import quote_literal

if TYPE_CHECKING:
    import duckdb

    from pipelines.settings import Settings

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class Engine:
    """Where the warehouse is and what it may use. `threads` 0: as many as this process may run on."""

    data_dir: Path
    memory_limit: str = "4GB"
    threads: int = 0

    @classmethod
    def of(cls, settings: Settings) -> Engine:
        """The engine as the settings file describes it."""
        return cls(settings.data_dir, settings.warehouse.memory_limit, settings.warehouse.threads)

    @property
    def warehouse_file(self) -> Path:
        """Staging, intermediate and control."""
        return self.data_dir / "warehouse.duckdb"

    @property
    def marts_file(self) -> Path:
        """Marts and outlook; what is published is a copy of this file."""
        return self.data_dir / "marts.duckdb"

    @property
    def temp_dir(self) -> Path:
        """Where the engine spills when a query needs more than its memory limit."""
        return self.data_dir / "tmp"

    def config(self) -> dict[str, str | bool | int | float | list[str]]:
        """Options of `duckdb.connect`; the same as in dbt_project/profiles.yml."""
        return {
            "memory_limit": self.memory_limit,
            "threads": self._threads(),
            "temp_directory": str(self.temp_dir),
            "preserve_insertion_order": "false",
            # json, parquet and icu are built in; anything else would be fetched from the network, or stall
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        }

    def environment(self) -> dict[str, str]:
        """Variables that dbt_project/profiles.yml reads."""
        return {
            "WHEREHOUSE_DATA_DIR": str(self.data_dir),
            "WHEREHOUSE_MEMORY_LIMIT": self.memory_limit,
            "WHEREHOUSE_THREADS": str(self._threads()),
        }

    def _threads(self) -> int:
        return self.threads or len(os.sched_getaffinity(0))


@contextmanager
def open_warehouse(engine: Engine) -> Iterator[duckdb.DuckDBPyConnection]:
    """warehouse.duckdb for writing with marts.duckdb attached as `marts`; both are created where missing.

    Raises StorageError when the folder cannot be written, LockedError when another process has a file open.
    """
    with storage_errors(engine.data_dir):
        engine.temp_dir.mkdir(parents=True, exist_ok=True)
        connection = connect(engine.warehouse_file, engine)
        try:
            connection.execute(f"attach if not exists {quote_literal(str(engine.marts_file))} as marts")
            yield connection
        finally:
            connection.close()


def drop_spilled(engine: Engine) -> None:
    """Remove what the engine of a killed run had spilled. Only under the writer lock, with no connection open."""
    with storage_errors(engine.data_dir):
        for path in engine.temp_dir.glob("duckdb_temp_*"):
            path.unlink()


@contextmanager
def open_file(path: Path, engine: Engine) -> Iterator[duckdb.DuckDBPyConnection]:
    """One DuckDB file for writing, with the engine's limits. Raises as `open_warehouse`."""
    with storage_errors(path.parent):
        connection = connect(path, engine)
        try:
            yield connection
        finally:
            connection.close()


def connect(path: Path | str, engine: Engine) -> duckdb.DuckDBPyConnection:
    """A connection with the engine's limits, times in UTC. The caller closes it and translates errors."""
    import duckdb  # here, so that commands that never open the warehouse do not pay for the import

    connection = duckdb.connect(str(path), config=engine.config())
    connection.execute("set TimeZone = 'UTC'")
    return connection


@contextmanager
def storage_errors(where: Path) -> Iterator[None]:
    """Turn refusals of the file system and of the engine within `where` into a StorageError or LockedError."""
    try:
        yield
    except WherehouseError:
        raise
    except OSError as error:
        raise from_os_error(error, where) from error
    except Exception as error:
        translated = from_engine_message(str(error), where) if type(error).__module__.endswith("duckdb") else None
        if translated is None:
            raise
        raise translated from error


def from_os_error(error: OSError, where: Path) -> StorageError:
    """One sentence for a refused file operation."""
    path = error.filename or where
    if error.errno in _FULL:
        return StorageError(f"{path}: the disk is full; free space or point data_dir elsewhere, then run again")
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return StorageError(f"{path}: cannot be written ({error.strerror}); check who owns data_dir")
    return StorageError(f"{path}: {error.strerror or error}")


def from_engine_message(message: str, where: Path) -> WherehouseError | None:
    """One sentence for an engine's message about storage, locks or memory; None for any other message."""
    first = message.strip().splitlines()[0] if message.strip() else ""
    lower = message.lower()
    if "could not set lock on file" in lower or "conflicting lock" in lower:
        return LockedError(f"{where}: another process has the warehouse open; close it, then run again ({first})")
    if "no space left" in lower or "disk quota" in lower or "disk is full" in lower or "max_temp_directory" in lower:
        return StorageError(f"{where}: the disk is full; free space or point data_dir elsewhere, then run again")
    if "permission denied" in lower or "read-only file system" in lower:
        return StorageError(f"{where}: cannot be written (permission denied); check who owns data_dir")
    if "out of memory" in lower:
        return BuildError(
            f"{where}: a query needs more than warehouse.memory_limit; raise it, then run again ({first})"
        )
    if "not a valid duckdb database" in lower or "serialized" in lower or "corrupt" in lower:
        return BuildError(f"{where}: a database file cannot be read; delete it and run with --full ({first})")
    if lower.startswith("io error"):
        return StorageError(f"{where}: {first}")
    return None
