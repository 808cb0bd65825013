"""Running the product as its users do: `wherehouse refresh` as a process of its own, and what it left behind."""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLES = REPOSITORY / "examples"
COMMAND = Path(sys.executable).with_name("wherehouse")
PUBLISHED, PUBLISHED_WITH_GAPS = 0, 3
LONGEST = 900  # seconds; a refresh of the tests that takes longer hangs


@dataclass(frozen=True)
class Run:
    """How a command ended: exit code, its output, CPU and wall seconds."""

    code: int
    out: str
    err: str
    cpu_seconds: float
    wall_seconds: float

    @property
    def text(self) -> str:
        """Both outputs."""
        return self.out + self.err

    @property
    def last_line(self) -> str:
        """The last line of the error output, where a command says why it stopped."""
        return next((line.strip() for line in reversed(self.err.splitlines()) if line.strip()), "")

    def expect(self, *codes: int) -> Run:
        """This run, which must have ended with one of these codes (default: published in full)."""
        allowed = codes or (PUBLISHED,)
        assert self.code in allowed, (
            f"exit code {self.code}, expected {allowed}\n{self.out[-3000:]}\n{self.err[-6000:]}"
        )
        return self


class Started:
    """A command that is still running, a process from its first import on."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str]) -> None:
        self._out, self._err = (tempfile.TemporaryFile() for _ in range(2))  # noqa: SIM115  read once it has ended
        self._began = time.monotonic()
        # a session of its own: a kill reaches whatever it has started, and nothing else
        self.process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=self._err,
            env={**os.environ, **environment},
            start_new_session=True,
            cwd=REPOSITORY,
        )

    def kill(self) -> None:
        """kill -9, the process and its children."""
        os.killpg(self.process.pid, 9)

    def is_running(self) -> bool:
        """Whether it has not ended yet. Does not collect it: `wait` reads what it cost."""
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def wait(self, seconds: float = LONGEST) -> Run:
        """How it ended. CPU seconds include those of its children."""
        deadline = time.monotonic() + seconds
        while True:
            pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > deadline:
                self.kill()
                os.waitpid(self.process.pid, 0)
                raise AssertionError(f"still running after {seconds} s: {self._read(self._err)[-3000:]}")
            time.sleep(0.02)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        return Run(
            self.process.returncode,
            self._read(self._out),
            self._read(self._err),
            usage.ru_utime + usage.ru_stime,
            time.monotonic() - self._began,
        )

    @staticmethod
    def _read(file: object) -> str:
        file.seek(0)  # type: ignore[attr-defined]
        return str(file.read().decode("utf-8", "replace"))  # type: ignore[attr-defined]


class Forked:
    """A command that is still running in a process forked from one that has all imports behind it."""

    def __init__(self, arguments: Sequence[str], environment: Mapping[str, str]) -> None:
        self._folder = Path(tempfile.mkdtemp(dir=_forking().folder))
        self._out, self._err, self._ended = (self._folder / name for name in ("out", "err", "ended"))
        request = {"arguments": [*arguments], "environment": {**os.environ, **environment}}
        request |= {"out": str(self._out), "err": str(self._err), "ended": str(self._ended)}
        self._began = time.monotonic()
        self.pid = _forking().fork(request)

    def kill(self) -> None:
        """kill -9, the process and its children; nothing where it has just ended."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, 9)

    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return not self._ended.exists()

    def wait(self, seconds: float = LONGEST) -> Run:
        """How it ended. CPU seconds include those of its children."""
        while self.is_running():
            if time.monotonic() > self._began + seconds:
                self.kill()
                raise AssertionError(f"still running after {seconds} s: {self._err.read_text()[-3000:]}")
            time.sleep(0.02)
        took = time.monotonic() - self._began
        code, cpu_seconds = json.loads(self._ended.read_text())
        texts = (file.read_bytes().decode("utf-8", "replace") for file in (self._out, self._err))
        return Run(code, *texts, cpu_seconds, took)


class _Forking:
    """The process to fork from (forked.py), started once for all commands of a test process."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="forked-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.forked"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            cwd=REPOSITORY,
        )

    def fork(self, request: Mapping[str, object]) -> int:
        """Start one command; its process id."""
        assert self._process.stdin is not None and self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return int(self._process.stdout.readline())


_forking = functools.cache(_Forking)


def run(arguments: Sequence[str], environment: Mapping[str, str] | None = None, seconds: float = LONGEST) -> Run:
    """Run `wherehouse` with these arguments to its end, without the cost of its imports."""
    return Forked([str(COMMAND), *arguments], environment or {}).wait(seconds)


def start(
    settings: Path,
    data_dir: Path,
    *,
    full: bool = False,
    as_of: str = "",
    environment: Mapping[str, str] | None = None,
) -> Forked:
    """Start `wherehouse refresh` without the cost of its imports. `as_of` as the command line takes it."""
    return Forked([str(COMMAND), *refresh_arguments(settings, data_dir, full=full, as_of=as_of)], environment or {})


def refresh(
    settings: Path,
    data_dir: Path,
    *,
    full: bool = False,
    as_of: str = "",
    environment: Mapping[str, str] | None = None,
) -> Run:
    """Run `wherehouse refresh` to its end, without the cost of its imports."""
    return start(settings, data_dir, full=full, as_of=as_of, environment=environment).wait()


def refresh_arguments(settings: Path, data_dir: Path, *, full: bool = False, as_of: str = "") -> list[str]:
    """What follows `wherehouse` on the command line."""
    arguments = ["refresh", "--settings", str(settings), "--data-dir", str(data_dir)]
    arguments += ["--full"] if full else []
    return [*arguments, "--as-of", as_of] if as_of else arguments


def current(data_dir: Path) -> Path:
    """The published file that readers see now."""
    return (data_dir / "published" / "current.duckdb").resolve()


def rows(data_dir: Path, query: str) -> list[tuple]:
    """Rows of a query over the published file."""
    with duckdb.connect(str(current(data_dir)), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(query).fetchall()
