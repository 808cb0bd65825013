"""Publishing: a copy of marts.duckdb under a new name, and the link `current.duckdb` moved over with one rename.

Crash-safe at every point: until the rename readers see the old file, after it the new one, and a file is never changed
once it can be seen. What the copy's schema `ops` says is in `ops.py`.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.domain.errors import BuildError
from pipelines.warehouse.connection import Engine, open_file, storage_errors

if TYPE_CHECKING:
    import duckdb

CURRENT: Final = "current.duckdb"
_PREFIX: Final = "wherehouse-"
_SUFFIX: Final = ".duckdb"
_TEMPORARY: Final = ".tmp"
_FICLONE: Final = 0x40049409  # linux/fs.h: share the blocks of another file (Btrfs, XFS, bcachefs)
_CHUNK_BYTES: Final = 1 << 30
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Published:
    """What went live: the file, its size in bytes, and whether its blocks are shared with marts.duckdb."""

    path: Path
    bytes: int
    is_reflink: bool


def published_dir(engine: Engine) -> Path:
    """The folder that readers look into."""
    return engine.data_dir / "published"


def current_file(engine: Engine) -> Path:
    """The link that readers follow; it may not exist yet."""
    return published_dir(engine) / CURRENT


def publish(
    engine: Engine, run_id: str, write_ops: Callable[[duckdb.DuckDBPyConnection], None], *, keep: int = 3
) -> Published:
    """Copy the marts, let `write_ops` add to the copy, and make it current; keeps the newest `keep` files.

    Call it while holding the writer lock and with no connection to marts.duckdb open. Raises StorageError or
    BuildError; what is published is then as it was.
    """
    folder = published_dir(engine)
    if not engine.marts_file.exists():
        raise BuildError(f"{engine.marts_file}: there is nothing to publish; run a refresh first")
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        clean_up(engine)
        _checkpoint(engine)
        final = _free_name(folder, run_id)
        temporary = final.with_name(final.name + _TEMPORARY)
        try:
            is_reflink = copy_file(engine.marts_file, temporary)
            with open_file(temporary, engine) as connection:
                write_ops(connection)
                connection.execute("checkpoint")
            _sync(temporary)
            temporary.rename(final)
        finally:
            _remove(temporary)
        _sync(folder)
        _point_at(folder, final.name)
        _prune(folder, keep)
        return Published(final, final.stat().st_size, is_reflink)


def clean_up(engine: Engine) -> None:
    """Remove what killed runs left: temporary files, and files that were never linked. Only under the writer lock."""
    folder = published_dir(engine)
    if not folder.is_dir():
        return
    with storage_errors(folder):
        for path in folder.iterdir():
            if _TEMPORARY in path.name:
                _remove(path)
        current = _target(folder)
        live_since = current.stat().st_mtime_ns if current else -1
        for path in _files(folder):
            if path != current and path.stat().st_mtime_ns > live_since:
                path.unlink()


def copy_file(source: Path, target: Path) -> bool:
    """Copy a file's content within the kernel, sharing blocks where the file system can; returns whether it could."""
    with source.open("rb") as reader, target.open("wb") as writer:
        try:
            ioctl(writer.fileno(), _FICLONE, reader.fileno())
            return True
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                raise
        size = os.fstat(reader.fileno()).st_size
        done = 0
        while done < size:
            try:
                copied = os.copy_file_range(
                    reader.fileno(), writer.fileno(), min(_CHUNK_BYTES, size - done), done, done
                )
            except OSError as error:
                if error.errno not in {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}:
                    raise
                copied = os.sendfile(writer.fileno(), reader.fileno(), done, min(_CHUNK_BYTES, size - done))
            if copied == 0:
                raise OSError(errno.EIO, "file became shorter while it was copied", str(source))
            done += copied
    return False


def _checkpoint(engine: Engine) -> None:
    """Fold the write-ahead log of a killed run into marts.duckdb: only the file itself is copied."""
    log = engine.marts_file.with_name(engine.marts_file.name + ".wal")
    if log.exists():
        with open_file(engine.marts_file, engine) as connection:
            connection.execute("checkpoint")


def _free_name(folder: Path, run_id: str) -> Path:
    stem = f"{_PREFIX}{_UNSAFE.sub('-', run_id)}"
    candidate, number = folder / f"{stem}{_SUFFIX}", 1
    while candidate.exists():  # readers recognise a new publication by its name
        number += 1
        candidate = folder / f"{stem}-{number}{_SUFFIX}"
    return candidate


def _point_at(folder: Path, name: str) -> None:
    link = folder / f".{CURRENT}{_TEMPORARY}"
    with suppress(FileNotFoundError):
        link.unlink()
    link.symlink_to(name)
    link.rename(folder / CURRENT)
    _sync(folder)


def _prune(folder: Path, keep: int) -> None:
    current = _target(folder)
    newest_first = sorted(_files(folder), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    for path in [path for path in newest_first if path != current][max(keep - 1, 0) :]:
        path.unlink()


def _target(folder: Path) -> Path | None:
    link = folder / CURRENT
    return folder / link.readlink().name if link.is_symlink() and link.exists() else None


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.glob(f"{_PREFIX}*{_SUFFIX}") if path.is_file()]


def _remove(path: Path) -> None:
    for name in (path, path.with_name(path.name + ".wal")):
        with suppress(FileNotFoundError):
            name.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
