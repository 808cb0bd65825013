"""Small parts: the window of a backfill, history, Dagster's storage, intervals, the registry."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from pipelines.domain.drops import Drop
from pipelines.domain.errors import SettingsError, StorageError
from pipelines.orchestration.history import History
from pipelines.orchestration.instance import _chain, _translated
from pipelines.orchestration.registry import sources_of
from pipelines.orchestration.storage import WarmSqliteEventLogStorage
from pipelines.orchestration.summary import wilson
from pipelines.orchestration.window import Window
from pipelines.settings import load
from pipelines.warehouse.connection import Engine

from .conftest import Shop


@pytest.mark.parametrize(
    ("path", "is_in"),
    [
        ("/drops/2025/dt=2026-01-31/scans.csv", True),
        ("/drops/scans_20260131.csv", True),
        ("/drops/2026/01/31/scans.csv", True),
        ("/drops/dt=2026-02-01/scans.csv", False),
        ("/drops/dt=2026-01-30/part-00000000.csv", False),
        ("/drops/scans-2026-99-99.csv", True),  # no date: changed on the 31st
        ("/drops/120260131/scans.csv", True),
    ],
)
def test_a_window_goes_by_the_date_in_the_path(path: str, is_in: bool):
    changed = int(datetime(2026, 1, 31, 12, tzinfo=UTC).timestamp() * 1e9)

    assert Window(date(2026, 1, 31), date(2026, 1, 31)).covers(Drop(Path(path), 1, changed)) is is_in
    assert Window().covers(Drop(Path(path), 1, changed))


def test_history_outlives_a_torn_line(tmp_path: Path):
    history = History.of(Engine(tmp_path))
    assert (history.checked_batches(), history.is_publication_pending(), history.last_facts()) == (
        frozenset(),
        False,
        "",
    )

    history.add_checked(["a", "b"])
    with (tmp_path / "ops" / "checked.jsonl").open("a") as file:
        file.write('{"batch_ids": ["c"')
    history.add_checked(["d"])

    assert history.checked_batches() == {"a", "b", "d"}


def test_warm_storage_keeps_few_connections_and_dagsters_schema(tmp_path: Path):
    storage = WarmSqliteEventLogStorage(str(tmp_path))
    for number in range(6):
        storage.store_event(dg.EventLogEntry(None, 10, "hello", f"r{number}", 1.0))
        assert len(storage._engines) <= 4
    storage.dispose()

    assert [log.user_message for log in SqliteEventLogStorage(str(tmp_path)).get_logs_for_run("r3")] == ["hello"]


def test_wilson_is_the_textbook_interval():
    found = wilson(81, 263)  # Newcombe 1998, table I, method 3

    assert (round(found.low, 4), round(found.high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 10).low == 0.0 and wilson(10, 10).high == 1.0
    assert math.isclose(found.rate, 81 / 263)


def test_a_source_of_an_unknown_kind_is_named(shop: Shop):
    shop.settings.write_text(shop.settings.read_text().replace('type = "files"', 'type = "carrier_pigeon"'))

    with pytest.raises(SettingsError, match=r"sources\.exports\.type.*carrier_pigeon.*\(.*files.*\)"):
        sources_of(load(shop.settings))


def test_settings_without_sources_are_refused(shop: Shop):
    shop.settings.write_text('shop = "tiny"\n')

    with pytest.raises(SettingsError, match="no \\[sources"):
        sources_of(load(shop.settings))


def test_errors_are_found_in_rings_of_causes(tmp_path: Path):
    first, second = RuntimeError("outer"), RuntimeError("inner")
    first.__cause__, second.__cause__ = second, first
    assert _chain(first) == [first, second]

    second.__cause__ = StorageError("the disk is full")
    assert str(_translated(first, tmp_path)) == "the disk is full"
    assert "RuntimeError: outer" in str(_translated(RuntimeError("outer"), tmp_path))
