"""One writer per data folder, whoever starts it: `flock` on data_dir/.lock, whose content says whose run it is.

The kernel drops the lock with the process, so a killed run leaves nothing to clean up.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pipelines.domain.errors import LockedError
from pipelines.warehouse.connection import storage_errors

LOCK_FILE: Final = ".lock"
_POLL_SECONDS: Final = 0.2


@contextmanager
def writer_lock(data_dir: Path, run_id: str, *, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the folder's writer lock. Not reentrant: a second holder in the same process is refused too.

    Raises LockedError, after `wait_seconds`, when another run holds it; StorageError when the folder refuses a write.
    """
    with storage_errors(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(data_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        _acquire(descriptor, data_dir, wait_seconds)
        owner = {"pid": os.getpid(), "run_id": run_id, "started": datetime.now(UTC).isoformat(timespec="seconds")}
        with storage_errors(data_dir):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(owner).encode(), 0)
        try:
            yield
        finally:
            with suppress(OSError):
                os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def _acquire(descriptor: int, data_dir: Path, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise LockedError(_whose(descriptor, data_dir)) from None
            time.sleep(min(_POLL_SECONDS, remaining))


def _whose(descriptor: int, data_dir: Path) -> str:
    what = "another refresh"
    with suppress(ValueError, KeyError, TypeError, OSError):
        owner = json.loads(os.pread(descriptor, 4096, 0))
        what = f"run {owner['run_id']} (process {owner['pid']}, started {owner['started']})"
    return f"{data_dir}: {what} is refreshing this data folder; wait until it has ended, then run again"
