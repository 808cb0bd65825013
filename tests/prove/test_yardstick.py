"""A million scans: every night of them in three formats, at once in three formats, and the same marts each time.

A reduced form runs in tests/e2e/test_yardstick.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e import personal_data, yardstick_checks
from tests.e2e.comparing import differences, row_counts
from tests.e2e.runs import COMMAND, Run, Started, current, refresh, refresh_arguments
from tests.e2e.yardstick_drops import LAST_DAY, clock, days, settings, start_night

pytestmark = pytest.mark.prove

FORMATS = ("parquet", "csv", "jsonl")
ONE_RUN, SECONDS = 12, "CPU s"


class Million:
    """The generated drops, and a data folder for each way of taking them in."""

    def __init__(self, generated: Path, folder: Path) -> None:
        self.generated = generated
        self.folder = folder
        self.settings = settings(folder / "settings")
        self.runs: dict[str, list[Run]] = {}

    def at_once(self, kind: str) -> Path:
        """All drops in one refresh."""
        return self._nights(f"{kind}_at_once", kind, [LAST_DAY])

    def by_nights(self, kind: str) -> Path:
        """One refresh a night."""
        return self._nights(f"{kind}_by_nights", kind, days(self.generated))

    def _nights(self, name: str, kind: str, nights: list) -> Path:
        world = self.folder / name
        self.runs[name] = [
            start_night(self.generated, kind, self.settings, world, until).wait().expect() for until in nights
        ]
        seconds = [run.cpu_seconds for run in self.runs[name]]
        print(
            f"\n{name}: {len(seconds)} refreshes, {sum(seconds):.0f} {SECONDS}, the last {seconds[-1]:.1f}", flush=True
        )
        return world / "data"


@pytest.fixture(scope="module")
def million(yardstick: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Million:
    """One refresh has made the key file before two run at a time."""
    one = Million(yardstick("1M", "--pii", "--formats", "csv,jsonl"), tmp_path_factory.mktemp("million"))
    one.at_once("parquet")
    return one


@pytest.fixture(scope="module")
def folders(million: Million) -> dict[str, Path]:
    """Data folders of all six ways."""
    ways = [(million.by_nights, kind) for kind in FORMATS] + [(million.at_once, kind) for kind in ("csv", "jsonl")]
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(lambda way: way[0](way[1]), ways))
    return {name: million.folder / name / "data" for name in million.runs}


@pytest.mark.parametrize("name", [f"{kind}_{how}" for kind in FORMATS for how in ("by_nights", "at_once")])
def test_marts_are_the_same_whichever_way(folders: dict[str, Path], name: str) -> None:
    """Every table, every column, every row."""
    assert differences(current(folders["parquet_at_once"]), current(folders[name])) == {}
    assert row_counts(current(folders[name]))["marts.fct_scans"] > 870_000


def test_marts_equal_hand_written_ones(million: Million, yardstick_scripts: Path, tmp_path: Path) -> None:
    """The yardstick's own SQL over the same drops."""
    limit = yardstick_checks.hand_written(yardstick_scripts, million.generated, tmp_path / "limit.duckdb")
    both = yardstick_checks.Both(million.folder / "parquet_at_once" / "data", limit)
    for check in yardstick_checks.CHECKS:
        check(both)


def test_marts_equal_an_independent_computation(million: Million) -> None:
    """Scorecard with rates, bounds and quantiles; what was known at each contact; parcels open each day."""
    yardstick_checks.check_against_oracle(million.generated, million.folder / "parquet_at_once" / "data")


def test_second_run_costs_little(million: Million, tmp_path: Path) -> None:
    """Same clock, no new file: at most a third of the first run's CPU time, or 12 s; no row changes."""
    world = million.folder / "parquet_at_once"
    environment = {"WHEREHOUSE_YARDSTICK": str(world / "drops")}

    def whole(folder: Path) -> Run:
        """A process of its own: its imports count."""
        arguments = refresh_arguments(million.settings, folder, as_of=clock(LAST_DAY))
        return Started([str(COMMAND), *arguments], environment).wait().expect()

    first = whole(tmp_path / "first")
    data = shutil.copytree(world / "data", tmp_path / "data", symlinks=True)
    again = whole(data)
    print(f"\nfirst {first.cpu_seconds:.1f} {SECONDS}, second {again.cpu_seconds:.1f} {SECONDS}")
    assert differences(current(world / "data"), current(data)) == {}
    assert again.cpu_seconds <= max(ONE_RUN, first.cpu_seconds / 3)


def test_a_week_later_incremental_equals_full(million: Million, tmp_path: Path) -> None:
    """The clock moves by a week, and by two months (presumed lost, closed weeks, mature cohorts); nothing arrives."""
    world = million.folder / "parquet_at_once"
    environment = {"WHEREHOUSE_YARDSTICK": str(world / "drops")}
    data = shutil.copytree(world / "data", tmp_path / "added", symlinks=True)
    for as_of in ("2026-02-08T00:00:00Z", "2026-04-08T00:00:00Z"):
        refresh(million.settings, data, as_of=as_of, environment=environment).expect()
        afresh = shutil.copytree(data, tmp_path / as_of[:10], symlinks=True)
        refresh(million.settings, afresh, as_of=as_of, full=True, environment=environment).expect()
        assert differences(current(data), current(afresh)) == {}


@pytest.mark.parametrize("kind", FORMATS)
def test_no_personal_data_anywhere(folders: dict[str, Path], million: Million, kind: str, tmp_path: Path) -> None:
    """No e-mail address, name or street of the input in any file, after 28 nights."""
    people = personal_data.people(million.generated / "orders")
    assert personal_data.files_with(folders[f"{kind}_by_nights"], people, tmp_path / "decoded") == []
