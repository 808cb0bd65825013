"""Same seed, same bytes: whatever the blocks, the windows, the clock and the number of threads."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

from simulator import stream
from simulator.chance import Chance, shuffle
from simulator.files import write_files
from simulator.settings import DAY, Request
from simulator.world import World

SMALL = Request(seed=3, days=12, orders_per_day=120)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def written(folder: Path, request: Request = SMALL, **window: int) -> dict[str, str]:
    write_files(World(request), folder / "out", folder / "truth", **window)
    return digests(folder)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return written(tmp_path_factory.mktemp("whole"))


def test_the_size_of_blocks_changes_nothing(
    whole: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BLOCK_ORDERS", 300)
    assert written(tmp_path) == whole


def test_windows_one_after_the_other_leave_the_files_of_the_whole(whole: dict[str, str], tmp_path: Path) -> None:
    start = SMALL.start
    for begin, end in ((start, start + 1), (start + 1, start + 5), (start + 5, SMALL.end)):
        written(tmp_path, since=begin, until=end)
    assert digests(tmp_path) == whole


def test_what_arrived_before_a_moment_does_not_depend_on_what_comes_after(
    whole: dict[str, str], tmp_path: Path
) -> None:
    early = written(tmp_path, as_of=(SMALL.start + 9) * DAY)
    outside = {name: digest for name, digest in early.items() if name.startswith("out/") and "products" not in name}
    assert len(outside) > 60
    assert outside == {name: whole[name] for name in outside}


def test_a_longer_world_begins_like_a_shorter_one(whole: dict[str, str], tmp_path: Path) -> None:
    longer = written(tmp_path, replace(SMALL, days=14), until=SMALL.end)
    names = [name for name in whole if name.startswith("out/")]
    assert {name: longer[name] for name in names} == {name: whole[name] for name in names}


def wider_instructions() -> str:
    """What numpy would use of this processor beyond its baseline: without it, it computes as on an older machine."""
    return " ".join(name for name in __cpu_dispatch__ if __cpu_features__.get(name))


@pytest.mark.parametrize(("threads", "without"), [("1", wider_instructions()), ("2", "")], ids=["older", "threads"])
def test_another_machine_writes_the_same_bytes(
    whole: dict[str, str], tmp_path: Path, threads: str, without: str
) -> None:
    """Another process, its own hash seed, other threads, other instructions of the processor."""
    command = [sys.executable, "-m", "simulator", "files", "--out", str(tmp_path / "out"), "--seed", "3"]
    command += ["--truth", str(tmp_path / "truth"), "--days", "12", "--orders-per-day", "120"]
    environment = {**os.environ, "POLARS_MAX_THREADS": threads, "OMP_NUM_THREADS": threads}
    environment |= {"NPY_DISABLE_CPU_FEATURES": without, "PYTHONHASHSEED": threads}
    root = Path(__file__).resolve().parents[3]
    subprocess.run(command, check=True, cwd=root, env=environment, capture_output=True)
    assert digests(tmp_path) == whole


def test_another_seed_is_another_world(whole: dict[str, str], tmp_path: Path) -> None:
    other = written(tmp_path, replace(SMALL, seed=4))
    same = [name for name in whole if other.get(name) == whole[name] and "files.parquet" not in name]
    assert not same


def test_draws_are_uniform_and_independent_between_purposes_and_neighbours() -> None:
    chance, ids = Chance(1), np.arange(200_000)
    one, two = chance.uniform(ids, "one"), chance.uniform(ids, "two")
    counts = np.histogram(one, bins=50, range=(0, 1))[0]
    assert ((counts - 4000) ** 2 / 4000).sum() < 85  # chi square, 49 degrees: 0.999 quantile
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.01
    assert abs(np.corrcoef(one[1:], one[:-1])[0, 1]) < 0.01
    assert abs(chance.normal(ids, "n").std() - 1) < 0.01


def test_public_numbers_are_one_to_one() -> None:
    numbers = shuffle(np.arange(100_000), 44)
    assert len(np.unique(numbers)) == 100_000
    assert int(numbers.max()) < 2**44
