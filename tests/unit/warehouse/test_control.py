from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipelines.warehouse.connection import Engine, open_warehouse
from pipelines.warehouse.control import begin, mark_consumed
from pipelines.warehouse.plan import Batch, BuildInput, ReasonCode, SourceSettings, StatusCode

from .conftest import AS_OF

Given = Callable[..., BuildInput]


def batches(*seqs: int) -> tuple[Batch, ...]:
    return tuple(Batch("acme", "files", "orders", f"b{seq}", Path(f"/l/b{seq}"), seq, 1) for seq in seqs)


def rows(engine: Engine, statement: str) -> list[tuple[object, ...]]:
    with open_warehouse(engine) as connection:
        return connection.execute(statement).fetchall()


def complete(engine: Engine, given: BuildInput) -> None:
    begin(engine, given)
    mark_consumed(engine, given.run_id)


def test_dbt_finds_everything_it_was_promised(engine: Engine, given: Given) -> None:
    begin(
        engine,
        given(
            batches=batches(1),
            status_codes=(StatusCode("acme", None, "DL", "delivered"),),
            reason_codes=(ReasonCode("acme", "S", "too small", "fit", "merchant"),),
            sources=(SourceSettings("acme", "files", "UTC", 15),),
        ),
    )
    assert rows(engine, "select run_id, as_of, previous_as_of, is_full, carry_touched, shop from control.run") == [
        ("r1", AS_OF.replace(tzinfo=None), None, True, False, "o'neill")
    ]
    literals = json.loads(str(rows(engine, "select literals from control.run")[0][0]))
    assert literals["shop"] == "'o''neill'"
    assert literals["previous_as_of"] == "cast(null as timestamp)"
    assert literals["is_full"] == "true"
    assert literals["as_of"].startswith("timestamp '2026-03-01 00:00:00")
    assert rows(engine, "select key, value, literal from control.settings") == [
        ("thresholds.suppress_under", "30", "30")
    ]
    assert rows(engine, "from control.batches") == [("acme", "files", "orders", "b1", "/l/b1", 1, 1, True)]
    assert rows(engine, "from control.status_map") == [("acme", None, "DL", "delivered", None)]
    assert rows(engine, "from control.reason_map") == [("acme", "S", "too small", "fit", "merchant")]
    assert rows(engine, "from control.source_settings") == [("acme", "files", "UTC", 15)]


def test_batches_are_new_until_a_build_has_completed(engine: Engine, given: Given) -> None:
    complete(engine, given("r1", batches=batches(1)))
    for run_id in ("r2", "r3"):
        plan = begin(engine, given(run_id, batches=batches(1, 2)))
        assert (plan.is_full, plan.new_batches) == (False, 1)
        assert rows(engine, "select batch_id from control.batches where is_new") == [("b2",)]
    assert plan.carry_touched
    mark_consumed(engine, "r3")
    plan = begin(engine, given("r4", batches=batches(1, 2)))
    assert not plan.is_needed
    assert not plan.carry_touched
    assert plan.listed_before == {("files", "orders")}


def test_what_views_list_is_known_after_nights_without_a_build(engine: Engine, given: Given) -> None:
    complete(engine, given("r1", batches=batches(1)))
    complete(engine, given("r2", batches=batches(1)))
    later = AS_OF + timedelta(days=1)
    assert begin(engine, given("r3", batches=batches(1), as_of=later)).listed_before == {("files", "orders")}
    assert begin(engine, given("r4", batches=batches(1), as_of=later)).listed_before is None  # r3 did not complete
    mark_consumed(engine, "r4")
    assert begin(engine, given("r5", batches=batches(1), as_of=later)).listed_before == frozenset()


def test_the_clock_of_the_last_completed_build_is_known(engine: Engine, given: Given) -> None:
    complete(engine, given("r1"))
    later = AS_OF + timedelta(days=1)
    begin(engine, given("r2", as_of=later))
    plan = begin(engine, given("r3", as_of=later))
    assert plan.previous_as_of == AS_OF
    assert rows(engine, "select previous_as_of from control.run") == [(datetime(2026, 3, 1),)]


def test_a_change_stays_one_until_a_build_has_completed(engine: Engine, given: Given) -> None:
    complete(engine, given("r1", project_hashes={"seed a": "1"}))
    changed = {"project_hashes": {"seed a": "2"}}
    assert begin(engine, given("r2", **changed)).reason == "seed a changed"
    assert begin(engine, given("r3", **changed)).is_full
    mark_consumed(engine, "r3")
    assert not begin(engine, given("r4", **changed)).is_needed


def test_a_full_build_forgets_batches_that_are_gone(engine: Engine, given: Given) -> None:
    complete(engine, given("r1", batches=batches(1, 2)))
    complete(engine, given("r2", batches=batches(2)))
    assert not begin(engine, given("r3", batches=batches(2))).is_full


def test_marts_that_are_gone_are_rebuilt(engine: Engine, given: Given) -> None:
    complete(engine, given("r1"))
    engine.marts_file.unlink()
    assert begin(engine, given("r2")).is_full


def test_only_the_run_that_was_begun_can_be_completed(engine: Engine, given: Given) -> None:
    begin(engine, given("r1"))
    with pytest.raises(ValueError, match="r1"):
        mark_consumed(engine, "r2")


def test_thousands_of_batches_are_cheap(engine: Engine, given: Given) -> None:
    start = given(batches=batches(*range(5_000)))
    complete(engine, start)
    before = time.process_time()
    begin(engine, given("r2", batches=start.batches))
    assert time.process_time() - before < 2  # about 0.1; thousands of single inserts would take 10


def test_what_a_killed_run_had_spilled_is_removed(engine: Engine, given: Given) -> None:
    engine.temp_dir.mkdir()
    left = engine.temp_dir / "duckdb_temp_storage_DEFAULT-0.tmp"
    left.write_bytes(b"x")
    begin(engine, given())
    assert not left.exists()
