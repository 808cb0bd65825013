"""The manifest: what two processes append, what a killed one leaves, what compaction swaps."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipelines.domain.errors import SettingsError, StorageError
from pipelines.landing import Batch, Manifest, compact

BATCH = Batch(
    "b1", 1, "exports", "files", "orders", "landing/exports/orders/load_date=2024-01-01/b1.parquet", "accepted"
)


def _append(data_dir: Path, name: str) -> None:
    manifest = Manifest(data_dir)
    for number in range(50):
        seq = manifest.reserve(1)
        manifest.commit([replace(BATCH, batch_id=f"{name}{number}", seq=seq)])
        manifest.commit([replace(BATCH, batch_id=f"shared{number}", seq=seq)])


def test_two_processes_append_without_losing_or_doubling_a_line(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_append, args=(tmp_path, name)) for name in ("a", "b")]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    batches = list(Manifest(tmp_path).batches())
    assert len(batches) == 150
    own = [batch.seq for batch in batches if not batch.batch_id.startswith("shared")]
    assert len(set(own)) == 100


@pytest.mark.parametrize("torn", [b"{", b'{"kind": "batch", "batch_id": "b2"', b'{"kind": "batch"}'])
def test_a_torn_last_line_is_ignored_and_then_cut_off(tmp_path: Path, torn: bytes) -> None:
    Manifest(tmp_path).commit([BATCH])
    log = tmp_path / "landing" / "manifest.jsonl"
    whole = log.read_bytes()
    log.write_bytes(whole + torn)
    manifest = Manifest(tmp_path)
    assert [batch.batch_id for batch in manifest.batches()] == ["b1"]
    manifest.commit([replace(BATCH, batch_id="b3", seq=3)])
    assert [batch.batch_id for batch in Manifest(tmp_path).batches()] == ["b1", "b3"]
    assert torn not in log.read_bytes().splitlines()


def test_a_damaged_line_in_the_middle_is_an_error_not_a_gap(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    manifest.commit([BATCH])
    log = tmp_path / "landing" / "manifest.jsonl"
    log.write_bytes(b"rubbish\n" + log.read_bytes())
    with pytest.raises(StorageError, match="damaged at byte"):
        Manifest(tmp_path)


def test_released_and_retired(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    manifest.commit([replace(BATCH, outcome="held"), replace(BATCH, batch_id="b2", seq=2)])
    assert [batch.batch_id for batch in manifest.accepted()] == ["b2"]
    manifest.release("b1")
    assert [batch.batch_id for batch in manifest.accepted("exports", "orders")] == ["b1", "b2"]
    manifest.retire("b2", "sent by mistake")
    assert [batch.batch_id for batch in Manifest(tmp_path).accepted()] == ["b1"]
    with pytest.raises(SettingsError, match="b2"):
        manifest.release("b2")
    with pytest.raises(SettingsError, match="nowhere"):
        manifest.retire("nowhere", "")


def test_numbers_are_never_given_twice(tmp_path: Path) -> None:
    first, second = Manifest(tmp_path), Manifest(tmp_path)
    assert [first.reserve(2), second.reserve(1), first.reserve(1)] == [1, 3, 4]
    first.commit([replace(BATCH, seq=40)])
    assert second.reserve(1) == 41


def test_compaction_keeps_every_row_and_what_is_known(shop: Any) -> None:
    for number in range(1, 11):
        shop.put(f"d{number}.csv", f"id,at,total,email,promised\nx,2024-05-01,{number},,\n{number},2024-05-01,1,,\n")
    shop.land()
    before = shop.rows("orders")
    manifest = Manifest(shop.data)
    assert compact(shop.data, manifest, date(2000, 1, 1)) == []
    (merged,) = compact(shop.data, manifest, date(2999, 1, 1))
    assert len(merged.replaces) == 10
    assert shop.rows("orders") == before
    assert len(list((shop.data / "landing" / "exports").rglob("*.parquet"))) == 1
    assert {outcome.outcome for outcome in shop.land()} == {"known"}
    assert len(shop.rows("orders", is_latest=True)) == 11


def test_a_mapping_changed_after_compaction_replaces_the_compacted_rows(shop: Any) -> None:
    for number in range(1, 11):
        shop.put(f"d{number}.csv", f"id,at,total,email,promised\nx,2024-05-01,{number},,\n")
    shop.land()
    compact(shop.data, Manifest(shop.data), date(2999, 1, 1))
    changed = (
        '[files.entities.orders.columns]\norder_id = { sql = "id || id" }\nordered_at = "at"\norder_amount = "total"\n'
    )
    shop.land(shop.source(entities=changed))
    assert shop.rows("orders", "order_id, order_amount", is_latest=True) == [("xx", 10)]
