"""The DuckDB connection that landing works with: in memory, bounded, spilling (encrypted) below the data folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

import duckdb

from pipelines.domain.errors import StorageError
from pipelines.landing import tokens
from pipelines.landing.keys import Keys

_PREFIX: Final = "landing-"


def connect(data_dir: Path, keys: Keys, memory_limit: str, threads: int) -> tuple[duckdb.DuckDBPyConnection, Path]:
    """A connection and its spill folder, which the caller removes. Raises StorageError."""
    folder = data_dir / "tmp" / f"{_PREFIX}{os.getpid()}"
    try:
        _remove_stale(data_dir / "tmp")
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be created ({error.strerror})") from None
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": memory_limit,
        "temp_directory": str(folder),
        "preserve_insertion_order": True,  # records are numbered as they come
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if threads:
        config["threads"] = threads
    con = duckdb.connect(":memory:", config=config)
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET enable_progress_bar = false")
    # What spills may be personal data, and a killed process leaves it behind. The key of the spill lives and dies
    # with the process; that the built-in cipher is "unsafe" concerns its random numbers, not what lies on the disk.
    con.execute("SET force_mbedtls_unsafe = 'true'")
    con.execute("SET temp_file_encryption = true")
    tokens.install(con, keys)
    return con, folder


def share_subexpressions(con: duckdb.DuckDBPyConnection, is_shared: bool) -> None:
    """Whether an expression that stands twice is computed once. DuckDB shares parts of a TRY with what is outside.

    Then what TRY should have caught is raised, so queries with TRY must not share.
    """
    con.execute(f"SET disabled_optimizers = '{'' if is_shared else 'common_subexpressions'}'")


def _remove_stale(folder: Path) -> None:
    """Remove what killed processes left."""
    for child in folder.glob(f"{_PREFIX}*") if folder.is_dir() else ():
        pid = child.name.removeprefix(_PREFIX)
        if not pid.isdigit() or (int(pid) != os.getpid() and not Path(f"/proc/{pid}").exists()):
            shutil.rmtree(child, ignore_errors=True)
