"""Where batches lie below the data folder, and writing a file so that it is whole or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipelines.domain.errors import StorageError

# zstd's fastest level costs landing no more than snappy and takes 40 % less room.
PARQUET: Final = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE 122880"


def landed_path(source: str, entity: str, day: str, batch_id: str) -> str:
    """Path of a batch relative to the data folder."""
    return f"landing/{source}/{entity}/load_date={day}/{batch_id}.parquet"


def quarantine_path(source: str, entity: str, day: str, batch_id: str) -> str:
    """Path of a batch's rejected rows relative to the data folder."""
    return f"quarantine/{source}/{entity}/load_date={day}/{batch_id}.parquet"


@contextmanager
def written(path: Path, *, is_durable: bool = True) -> Iterator[Path]:
    """A name to write to, which becomes `path` at the end; on an error nothing remains.

    Durable: also after a power cut, if the line of the manifest that is written next survives it. (The new name
    goes into the file system's journal before that line.)

    Raises StorageError when the folder refuses.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield partial
            if partial.exists():
                if is_durable:
                    sync(partial)
                partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror})") from None


def sync(path: Path) -> None:
    """Force a file or folder to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
