"""The same drops in three formats, at once and by nights, and what repeating and waiting change. 100k scans.

The full form, a million scans and every night: tests/prove/test_yardstick.py.
"""

from __future__ import annotations

import shutil
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from tests.e2e import personal_data, yardstick_checks
from tests.e2e.comparing import differences, row_counts
from tests.e2e.runs import COMMAND, Run, Started, current, refresh_arguments, rows, start
from tests.e2e.yardstick_drops import LAST_DAY, clock, settings, start_night

HALFWAY = date(2026, 1, 21)
A_WEEK_LATER = "2026-02-08T00:00:00Z"


@dataclass(frozen=True)
class Worlds:
    """Data folders built from the same drops: Parquet at once, CSV and JSONL in two nights each."""

    generated: Path
    settings: Path
    folders: dict[str, Path]
    first: Run

    def data(self, kind: str) -> Path:
        """The data folder of a format."""
        return self.folders[kind] / "data"

    def environment(self, kind: str) -> dict[str, str]:
        """What the settings need to find the drops."""
        return {"WHEREHOUSE_YARDSTICK": str(self.folders[kind] / "drops")}


@pytest.fixture(scope="module")
def worlds(yardstick: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    """Two refreshes run at a time: they share nothing but the key file, which the first one makes."""
    generated = yardstick("100k", "--pii", "--formats", "csv,jsonl")
    folder = tmp_path_factory.mktemp("worlds")
    file = settings(folder / "settings")
    folders = {kind: folder / kind for kind in ("parquet", "csv", "jsonl")}

    def night(kind: str, until: date = LAST_DAY):
        return start_night(generated, kind, file, folders[kind], until)

    at_once = night("parquet")
    while not (file.parent / "keys.json").exists() and at_once.is_running():
        time.sleep(0.05)
    by_nights = night("csv", HALFWAY)
    first = at_once.wait().expect()
    by_nights.wait().expect()
    second, other = night("csv"), night("jsonl", HALFWAY)
    second.wait().expect()
    other.wait().expect()
    night("jsonl").wait().expect()
    return Worlds(generated, file, folders, first)


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_marts_are_the_same_whichever_way(worlds: Worlds, kind: str) -> None:
    """Parquet at once = CSV in two nights = JSONL in two nights: every table, every column, every row."""
    assert differences(current(worlds.data("parquet")), current(worlds.data(kind))) == {}
    counts = row_counts(current(worlds.data(kind)))
    assert counts["marts.fct_scans"] > 80_000
    assert counts["marts.fct_tickets"] > 900


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_dirt_is_rejected_and_counted(worlds: Worlds, kind: str) -> None:
    """Malformed scans are in quarantine with a reason, copies are one event, and the counts add up."""
    loads = rows(
        worlds.data(kind), "select entity, read, landed, quarantined, duplicate, not_applicable from ops.loads"
    )
    assert all(row[1] == sum(row[2:6]) for row in loads)
    rejected = sum(row[3] for row in loads if row[0] == "scans")
    assert rejected == sum(row[3] for row in loads) > 50
    reasons = rows(worlds.data(kind), "select reason, sum(rows) from ops.quarantine group by all order by all")
    assert [reason.split(":")[0] for reason, _ in reasons] == ["occurred_at", "tracking_number"], reasons
    assert sum(count for _, count in reasons) >= rejected  # a row may have both


def test_marts_equal_hand_written_ones(worlds: Worlds, yardstick_scripts: Path, tmp_path: Path) -> None:
    """The yardstick's own SQL over the same drops."""
    limit = yardstick_checks.hand_written(yardstick_scripts, worlds.generated, tmp_path / "limit.duckdb")
    both = yardstick_checks.Both(worlds.data("parquet"), limit)
    for check in yardstick_checks.CHECKS:
        check(both)


def test_marts_equal_an_independent_computation(worlds: Worlds) -> None:
    """Scorecard with rates, bounds and quantiles; what was known at each contact; parcels open each day."""
    yardstick_checks.check_against_oracle(worlds.generated, worlds.data("csv"))


TEXTS = ("my package is", "please let me know", "never got it")


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_no_personal_data_anywhere(worlds: Worlds, kind: str, tmp_path: Path) -> None:
    """No e-mail address, name, street or written word of the input in any file below the data folder.

    The vault is searched like everything else: it is encrypted.
    """
    wanted = {*TEXTS, *personal_data.people(worlds.generated / "orders")}
    assert personal_data.files_with(worlds.data(kind), wanted, tmp_path / "decoded") == []
    assert any((worlds.data(kind) / "vault").rglob("*.sealed"))
    people, longest = rows(
        worlds.data(kind),
        "select count(distinct customer_token), max(length(destination_postal_prefix)) from marts.fct_orders",
    )[0]
    assert people > 3_000
    assert longest == 3


def test_the_search_does_find(worlds: Worlds, tmp_path: Path) -> None:
    """What the test above looks for is in the input, compressed and columnar files included."""
    names = personal_data.people(worlds.generated / "orders")
    parquet = personal_data.files_with(worlds.folders["parquet"] / "drops" / "orders", names, tmp_path / "orders")
    assert len(parquet) >= 28
    assert personal_data.files_with(worlds.folders["csv"] / "drops" / "tickets", TEXTS, tmp_path / "tickets")


def test_keys_are_private(worlds: Worlds) -> None:
    """Made on first use, readable by the owner only, and where the settings say."""
    assert stat.S_IMODE((worlds.settings.parent / "keys.json").stat().st_mode) == 0o600
    assert not (worlds.data("parquet") / "secrets").exists()


def test_second_run_changes_nothing(worlds: Worlds, tmp_path: Path) -> None:
    """Same clock, no new file: nothing lands, no row of any mart changes, and it costs little."""
    data = shutil.copytree(worlds.data("parquet"), tmp_path / "data", symlinks=True)
    loads = rows(data, "select count(*), sum(landed) from ops.loads where outcome = 'accepted'")
    environment = worlds.environment("parquet")
    arguments = [str(COMMAND), *refresh_arguments(worlds.settings, data, as_of=clock(LAST_DAY))]
    again = Started(arguments, environment).wait().expect()  # a process of its own: its imports count
    print(f"\nfirst run {worlds.first.cpu_seconds:.1f} CPU s, second {again.cpu_seconds:.1f} CPU s")
    assert differences(current(worlds.data("parquet")), current(data)) == {}
    assert rows(data, "select count(*), sum(landed) from ops.loads where outcome = 'accepted'") == loads
    assert again.cpu_seconds < max(12, worlds.first.cpu_seconds / 3)


def test_a_week_later_incremental_equals_full(worlds: Worlds, tmp_path: Path) -> None:
    """The clock moves, nothing arrives: promises fall due, parcels stall. Adding up equals starting afresh."""
    one, other = (shutil.copytree(worlds.data("csv"), tmp_path / name, symlinks=True) for name in ("added", "afresh"))
    environment = worlds.environment("csv")
    started = [
        start(worlds.settings, folder, as_of=A_WEEK_LATER, full=full, environment=environment)
        for folder, full in ((one, False), (other, True))
    ]
    for run in started:
        run.wait().expect()
    assert differences(current(one), current(other)) == {}
    assert "marts.fct_orders" in differences(current(worlds.data("csv")), current(one))  # the week did change something
