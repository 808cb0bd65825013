"""The dirt is there in the stated amounts, and only there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from simulator.files import BROKEN_TIMES, DIRTY_FROM
from simulator.shapes import SHAPES

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Sample


def test_gaps_duplicates_lateness_and_wrong_clocks_of_scans(sample: Sample) -> None:
    scans, dirt = sample.tables["scans"], sample.world.settings["dirt"]
    once = scans.unique("scan_id")
    repeated = 1 - len(once) / len(scans)
    assert repeated == pytest.approx(dirt["sent_again"], abs=0.0015)
    delay = (once["arrives_at"] - once["occurred_at"]).dt.total_seconds() / 3600
    # The latest arrivals of the last days are still to come, so fewer are late than the settings say.
    assert 0.010 < (delay > 22).mean() < dirt["late_scans"] + 0.004
    assert (delay < 0).mean() == pytest.approx(dirt["skewed_scans"] / 2, abs=0.001)
    unknown = once["detail"].is_in(["status_pending_review", "InTransit_044"]).mean()
    assert unknown == pytest.approx(dirt["unknown_codes"], abs=0.0008)


def test_some_scans_are_never_reported(sample: Sample) -> None:
    limit = sample.tables["scans"]["arrives_at"].max()
    done = sample.truth("parcels").filter(pl.col("delivered_at") < limit - pl.duration(days=8))
    scanned = sample.tables["scans"].filter(pl.col("status").is_in(["delivered", "Delivered"]))
    missing = len(done.join(scanned, on="tracking_number", how="anti")) / len(done)
    assert 0.003 < missing < 0.013


def test_events_arrive_in_the_wrong_order(sample: Sample) -> None:
    scans = sample.tables["scans"].unique("scan_id").sort("tracking_number", "arrives_at")
    same = scans["tracking_number"].to_numpy()[1:] == scans["tracking_number"].to_numpy()[:-1]
    back = scans["occurred_at"].to_numpy()[1:] < scans["occurred_at"].to_numpy()[:-1]
    assert 0.005 < (same & back).mean() < 0.06


def test_unreadable_records_are_one_in_a_thousand_and_lose_nothing(sample: Sample) -> None:
    exposed = [row for row in sample.written if row.records >= DIRTY_FROM]
    share = sum(row.malformed for row in exposed) / sum(row.records for row in exposed)
    assert 0.0005 < share < 0.0018
    assert not any(row.malformed or row.torn or row.duplicates for row in sample.written if row.records < DIRTY_FROM)
    for shape in SHAPES:
        rows = [row for row in sample.written if row.folder == shape.folder]
        found = sample.export(shape.folder)
        broken = found[shape.time].is_in(BROKEN_TIMES) | found[shape.key].is_null()
        torn = found.select(pl.all_horizontal(pl.all().is_null().not_()).not_()).to_series() & broken
        expected = sum(row.malformed for row in rows)
        assert expected <= broken.sum() <= expected + sum(row.torn for row in rows), shape.folder
        assert torn.sum() <= broken.sum()
        whole = sum(row.records + row.duplicates for row in rows)
        assert whole <= len(found) - broken.sum() + sum(row.torn for row in rows), shape.folder
        assert len(found) - broken.sum() <= whole + sum(row.torn for row in rows), shape.folder


def test_torn_lines_are_the_last_of_their_file(sample: Sample) -> None:
    for path in sample.out.rglob("*.jsonl"):
        *lines, last = path.read_text(encoding="utf-8").split("\n")
        assert all(json.loads(line) for line in lines)
        if last:
            with pytest.raises(json.JSONDecodeError):
                json.loads(last)


def test_what_was_written_is_kept_with_the_truth(sample: Sample) -> None:
    files = sample.truth("files")
    assert len(files) == len(sample.written) == len([path for path in sample.out.rglob("*.*") if path.is_file()])
    assert files["records"].sum() == sum(row.records for row in sample.written)


def test_there_is_personal_data_to_find_and_all_of_it_is_made_up(sample: Sample) -> None:
    orders = sample.export("orders")
    assert orders["email"].str.contains(r"@example\.(com|org|net)$").all()
    assert orders["shipping_phone"].str.contains(r"^\+1\d{3}55501\d\d$").all()
    assert orders["shipping_address1"].str.contains(r"^\d+ [A-Z]").all()
    names = set(orders["shipping_name"].drop_nulls())
    bodies = " ".join(sample.export("tickets")["description"].drop_nulls())
    assert sum(name in bodies for name in list(names)[:500]) > 5
