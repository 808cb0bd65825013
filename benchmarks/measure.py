"""Running one command and reading what it cost: CPU seconds of the whole process tree, wall seconds, peak memory."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU and wall in seconds; peak resident memory of the largest process in MiB."""

    cpu: float
    wall: float
    mib: float


def run(command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end; its output goes to `log`. Raises SystemExit with the log's place when it fails."""
    started = time.perf_counter()
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, **(environment or {})}, start_new_session=True
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}; see {log}")
    return Cost(used.ru_utime + used.ru_stime, time.perf_counter() - started, used.ru_maxrss / 1024)
