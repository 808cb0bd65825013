from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.domain.errors import LockedError, StorageError
from pipelines.warehouse.lock import writer_lock

HOLD = """
import sys, time
from pathlib import Path
from pipelines.warehouse.lock import writer_lock
with writer_lock(Path(sys.argv[1]), "night-7"):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def hold(folder: Path, seconds: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_refused_in_one_line_that_says_whose_it_is(tmp_path: Path) -> None:
    with hold(tmp_path, 60) as process:
        try:
            with pytest.raises(LockedError) as refused, writer_lock(tmp_path, "night-8"):
                pass
            assert "night-7" in str(refused.value)
            assert str(process.pid) in str(refused.value)
            assert "\n" not in str(refused.value)
        finally:
            process.kill()


def test_a_killed_run_leaves_no_lock(tmp_path: Path) -> None:
    with hold(tmp_path, 60) as process:
        process.kill()
        process.wait()
    with writer_lock(tmp_path, "night-8"):
        assert "night-8" in (tmp_path / ".lock").read_text()


def test_a_run_may_wait_for_its_turn(tmp_path: Path) -> None:
    with hold(tmp_path, 0.3), writer_lock(tmp_path, "night-8", wait_seconds=20):
        pass


def test_the_same_process_is_refused_too_and_may_come_again(tmp_path: Path) -> None:
    with writer_lock(tmp_path, "a"), pytest.raises(LockedError), writer_lock(tmp_path, "b"):
        pass
    with writer_lock(tmp_path, "c"):
        pass


def test_a_folder_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError), writer_lock(tmp_path / "file" / "data", "a"):
        pass
