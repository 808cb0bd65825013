"""A whole refresh of a tiny shop through the command line: what is published, what is left out, and the exit codes."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from pipelines.orchestration import alerts, publishing
from pipelines.quality.expectations import ERROR, Finding
from pipelines.warehouse.lock import writer_lock

from .conftest import Shop, make_shop


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shop that has been refreshed once. Copy it, do not change it."""
    shop = make_shop(tmp_path_factory.mktemp("refreshed"))
    assert shop.run("refresh") == 0
    return shop.folder


@pytest.fixture
def again(refreshed: Path, tmp_path: Path) -> Shop:
    """A copy of the refreshed shop."""
    shutil.copytree(refreshed, tmp_path / "shop", symlinks=True)
    shop = Shop(tmp_path / "shop")
    for name in ("manifest.jsonl", "seen.json"):  # they name input files by their absolute path
        path = shop.data / "landing" / name
        path.write_text(path.read_text().replace(str(refreshed), str(shop.folder)))
    return shop


def rows(shop: Shop, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(shop.current.resolve()), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_the_first_refresh_publishes_marts_and_ops(refreshed: Path):
    shop = Shop(refreshed)

    assert rows(shop, "select sum(due), sum(on_time) from marts.carrier_scorecard") == [(40, 30)]
    assert rows(shop, "select outcome, is_full, full_reason from ops.publications") == [
        ("published", True, "first build")
    ]
    assert rows(shop, "select distinct read = landed + quarantined + duplicate + not_applicable from ops.loads") == [
        (True,)
    ]
    failed = rows(shop, "select asset, check_name from ops.checks where not passed")
    kinds = {row[0] for row in rows(shop, "select distinct split_part(asset, '/', 1) from ops.checks")}
    assert failed == []
    assert kinds == {"landing", "marts", "published"}
    assert rows(shop, "select value from ops.settings where key = 'thresholds.suppress_under'") == [("30",)]
    assert [row[0] for row in rows(shop, "select entity from ops.freshness order by 1")] == [
        "orders",
        "scans",
        "shipments",
    ]


def test_the_run_stands_in_dagsters_instance(refreshed: Path):
    import dagster as dg

    (run_id,) = (json.loads(line)["run_id"] for line in _events(refreshed) if '"published"' in line)
    with dg.instance_for_test(
        overrides={
            name: {"module": module, "class": kind, "config": {"base_dir": str(refreshed / "data" / "dagster")}}
            for name, module, kind in (
                ("run_storage", "dagster._core.storage.runs", "SqliteRunStorage"),
                ("event_log_storage", "pipelines.orchestration.storage", "WarmSqliteEventLogStorage"),
                ("schedule_storage", "dagster._core.storage.schedules", "SqliteScheduleStorage"),
            )
        }
    ) as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.status is dg.DagsterRunStatus.SUCCESS
        landed = instance.get_latest_materialization_event(dg.AssetKey(["landing", "exports", "orders"]))
        assert landed is not None and landed.asset_materialization is not None
        assert landed.asset_materialization.metadata["landed"].value == 40
        assert instance.get_latest_materialization_event(dg.AssetKey(["published"])) is not None


def test_a_second_refresh_skips_everything(again: Shop, out: Callable[[], str], monkeypatch: pytest.MonkeyPatch):
    before = again.current.resolve()
    for name in ("great_expectations", "dbt", "dbt.cli.main"):
        monkeypatch.setitem(sys.modules, name, None)

    assert again.run("refresh") == 0

    assert again.current.resolve() == before
    assert "Unchanged: what is published is up to date" in out()


def test_another_clock_publishes_without_new_files_and_a_silent_source_is_a_gap_where_its_silence_is_bounded(
    again: Shop, out: Callable[[], str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "great_expectations", None)  # nothing landed: nothing for it to look at
    again.settings.write_text(
        again.settings.read_text().replace('type = "files"', 'type = "files"\npolicy_hours = 720', 1)
    )
    newest = "select max(newest_record_at)::varchar from ops.freshness"

    assert again.run("refresh", "--as-of", "2026-02-10") == 0
    assert rows(again, newest) < [("2026-02-10",)]
    assert rows(again, "select count(*), max(as_of)::varchar from ops.publications") == [(2, "2026-02-10 00:00:00")]
    assert again.run("refresh", "--as-of", "2026-03-20") == 3

    assert "exports: no record of the last 720 hours (sources.exports.policy_hours)" in out()
    assert rows(again, "select distinct is_stale, policy_hours from ops.freshness") == [(True, 720.0)]


def test_new_files_are_added_and_a_publication_that_was_lost_is_made_up_for(
    again: Shop, monkeypatch: pytest.MonkeyPatch
):
    again.orders("2026-01-12", 40, 45, day="2026-01-12")
    monkeypatch.setattr(publishing, "publish", _killed)
    assert again.run("refresh") == 6
    assert rows(again, "select count(*) from marts.fct_orders") == [(40,)]
    monkeypatch.undo()

    assert again.run("refresh") == 0

    assert rows(again, "select count(*) from marts.fct_orders") == [(45,)]
    assert rows(again, "select is_full from ops.publications order by published_at")[-1] == (False,)


def test_a_held_batch_is_published_around_and_then_released(again: Shop, out: Callable[[], str]):
    lines = ["tracking,at,code", *(f"1Z{n},not a time,DL" for n in range(5)), "1Z1,2026-01-16T09:00:00Z,DL"]
    again.write("scans/bad.csv", lines)
    scans = rows(again, "select count(*) from marts.fct_scans")

    assert again.run("refresh") == 3
    text = out()
    assert "Held" in text and "wherehouse release" in text
    assert rows(again, "select count(*) from marts.fct_scans") == scans
    assert rows(again, "select outcome from ops.publications order by published_at")[-1] == ("published_with_gaps",)
    assert rows(again, "select is_stale from ops.freshness where entity = 'scans'") == [(True,)]
    (batch,) = (row[0] for row in rows(again, "select batch_id from ops.loads where outcome = 'held'"))

    assert again.run("refresh") == 3  # still held: nothing to do, and it is said again
    assert again.run("release", str(batch)) == 0
    assert again.run("refresh") == 0
    assert rows(again, "select count(*) from marts.fct_scans") == [(scans[0][0] + 1,)]  # type: ignore[operator]
    reasons = rows(again, "select reason, rows, json_array_length(samples_json) from ops.quarantine")
    assert reasons == [("occurred_at: not a time", 5, 5)]


def test_a_file_that_cannot_be_taken_leaves_a_gap(again: Shop, out: Callable[[], str]):
    again.write("scans/other.csv", ["number,when", "1Z1,2026-01-16"])

    assert again.run("refresh") == 3

    assert "column 'tracking' is not there" in out()
    assert rows(again, "select outcome from ops.loads where file like '%other.csv'") == [("failed",)]


def test_an_address_in_a_plain_column_stops_the_publication_until_the_batch_is_retired(
    again: Shop, out: Callable[[], str]
):
    before = again.current.resolve()
    lines = ["id,email,created,promise,region,tracking", "o90,a@example.com,2026-01-10,2026-01-20,x@example.com,1Z90"]
    again.write("orders/wrong.csv", lines)

    assert again.run("refresh") == 6
    assert again.run("refresh") == 6  # it does not slip through the second time
    text = out()
    assert "destination_region holds no e-mail address" in text and "x@example.com" not in text
    assert again.current.resolve() == before

    for batch in again.batches("wrong.csv"):
        assert again.run("retire", batch) == 0
    assert again.run("refresh") == 0


def test_a_blocking_check_on_the_marts_keeps_what_is_published(again: Shop, out: Callable[[], str]):
    before = again.current.resolve()
    again.orders("2026-01-12", 40, 45, day="2026-01-12")
    for batch in again.batches("2026-01-10.csv"):
        assert again.run("retire", batch) == 0

    assert again.run("refresh") == 6
    assert again.run("refresh") == 6  # nothing is left to build: it is checked again all the same

    assert "fct_orders not halved" in out()
    assert again.current.resolve() == before
    ledger = (again.data / "ops" / "checks.jsonl").read_text().splitlines()
    failed = [line for line in map(json.loads, ledger) if not line["passed"]]
    assert {line["check_name"] for line in failed} >= {"fct_orders not halved"}


def test_what_failed_its_aggregates_does_not_slip_through_the_next_night(again: Shop, monkeypatch: pytest.MonkeyPatch):
    bad = Finding("scorecard: on_time <= due", False, ERROR, 3, 40)
    monkeypatch.setattr("pipelines.orchestration.refresh.check_aggregates", lambda file: (bad,))
    again.orders("2026-01-12", 40, 45, day="2026-01-12")

    assert again.run("refresh") == 6
    assert again.run("refresh", "--as-of", "2026-02-02") == 6  # no new rows, but those of yesterday are still in it


def test_a_failed_refresh_is_announced(shop: Shop, out: Callable[[], str], monkeypatch: pytest.MonkeyPatch):
    told: list[str] = []
    monkeypatch.setattr(alerts, "announce", lambda settings, alert: told.append(alert.text) or ["webhook is down"])
    shutil.rmtree(shop.folder / "drops")

    assert shop.run("refresh") == 1

    assert len(told) == 1 and "nothing to build from" in told[0]
    assert "webhook is down" in out()


def test_a_source_out_of_reach_ends_with_one_line(shop: Shop, out: Callable[[], str]):
    shop.settings.write_text(shop.settings.read_text().replace("drops/orders/*.csv", "elsewhere/orders.csv"))

    assert shop.run("refresh") == 1

    last = out().strip().splitlines()[-1]
    assert last.startswith("wherehouse: ") and "elsewhere/orders.csv is not there" in last
    assert not shop.current.exists()


def test_no_files_at_all_ends_with_one_line(shop: Shop, out: Callable[[], str]):
    shutil.rmtree(shop.folder / "drops")

    assert shop.run("refresh") == 1

    assert "nothing to build from" in out()


def test_a_second_refresh_at_the_same_time_is_refused(shop: Shop, out: Callable[[], str]):
    with writer_lock(shop.data, "the other one"):
        assert shop.run("refresh") == 4

    assert "the other one" in out()


def test_a_window_takes_the_files_of_its_days_only(shop: Shop):
    shop.orders("2026-01-12", 40, 45, day="2026-01-12")

    assert shop.run("refresh", "--files-from", "2026-01-11", "--files-to", "2026-01-31") == 0

    assert rows(shop, "select count(*) from marts.fct_orders") == [(5,)]


def test_interrupting_is_clean(shop: Shop, out: Callable[[], str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pipelines.orchestration.refresh.Refresh.land", _interrupted)

    assert shop.run("refresh") == 130

    assert "interrupted" in out()
    with writer_lock(shop.data, "next"):
        pass


def _killed(*arguments: object) -> None:
    raise RuntimeError("killed")


def _interrupted(*arguments: object) -> None:
    raise KeyboardInterrupt


def _events(folder: Path) -> list[str]:
    return (folder / "data" / "ops" / "runs.jsonl").read_text().splitlines()
