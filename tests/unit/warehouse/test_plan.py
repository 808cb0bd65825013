from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pipelines.settings import Settings
from pipelines.warehouse.build import selection
from pipelines.warehouse.plan import Batch, BuildInput, History, StatusCode, decide, hashes_of, model_settings

from .conftest import AS_OF

Given = Callable[..., BuildInput]
NOTHING = History(frozenset(), frozenset(), {}, frozenset(), None, None, is_broken=False, was_full=False)


def orders(seq: int, **more: object) -> Batch:
    return Batch("acme", "files", "orders", f"b{seq}", Path(f"/l/b{seq}"), seq, 1, **more)  # type: ignore[arg-type]


def built(given: BuildInput, *seqs: int) -> History:
    """What a completed build of `given` over those batches leaves."""
    consumed = frozenset(f"b{seq}" for seq in seqs)
    taken = frozenset({("files", "orders")} if seqs else ())
    at = given.as_of
    return History(consumed, frozenset(), hashes_of(given), taken, at, at, is_broken=False, was_full=False)


def test_the_first_build_takes_everything(given: Given) -> None:
    plan, taken = decide(given(batches=(orders(1), orders(2))), NOTHING)
    assert (plan.is_full, plan.reason, plan.run_seeds, taken) == (True, "first build", True, {"b1", "b2"})
    assert selection(plan) == ["*"]


def test_nothing_new_at_the_same_moment_needs_no_build(given: Given) -> None:
    start = given(batches=(orders(1),))
    plan, taken = decide(start, built(start, 1))
    assert not plan.is_needed
    assert selection(plan) == []
    assert not taken


def test_a_new_batch_runs_what_descends_from_its_entity(given: Given) -> None:
    start = given(batches=(orders(1), orders(2)))
    plan, taken = decide(start, built(start, 1))
    assert (plan.is_full, taken) == (False, {"b2"})
    assert selection(plan) == ["stg_files__orders+"]


def test_views_that_list_batches_of_the_night_before_are_made_again(given: Given) -> None:
    start = given(batches=(orders(1), replace(orders(2), entity="tickets")))
    before = replace(built(start, 1), listed=frozenset({("files", "orders"), ("easypost", "trackers")}))
    assert selection(decide(start, before)[0]) == [
        "path:models/staging/easypost+1,path:models/intermediate/arrived",
        "stg_files__orders+1,path:models/intermediate/arrived",
        "stg_files__tickets+",
    ]


def test_a_later_moment_runs_what_depends_on_the_clock(given: Given) -> None:
    start = given(batches=(orders(1),))
    plan, _ = decide(replace(start, as_of=AS_OF + timedelta(days=7)), built(start, 1))
    own = "stg_files__orders+1,path:models/intermediate/arrived"
    assert selection(plan) == [own, "tag:clock+", "tag:predictions"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"full": True}, "asked for"),
        ({"as_of": AS_OF - timedelta(days=1)}, "as_of is earlier than that of the build before"),
        ({"settings": {"thresholds.suppress_under": 31}}, "setting thresholds.suppress_under changed"),
        ({"settings": {}}, "setting thresholds.suppress_under changed"),
        ({"time_zone": "Europe/Rome"}, "setting time_zone changed"),
        ({"project_hashes": {"seed colours": "1"}}, "seed colours changed"),
        ({"status_codes": (StatusCode("acme", None, "DL", "delivered"),)}, "status map of acme changed"),
        ({"batches": ()}, "batches already built are no longer in the manifest (1)"),
    ],
)
def test_what_shapes_old_rows_makes_the_build_full(given: Given, change: dict[str, object], reason: str) -> None:
    start = given(batches=(orders(5),))
    plan, taken = decide(replace(start, **change), built(start, 5))  # type: ignore[arg-type]
    assert (plan.is_full, plan.reason) == (True, reason)
    assert taken == {batch.batch_id for batch in replace(start, **change).batches}  # type: ignore[arg-type]


def test_the_order_of_a_map_does_not_matter(given: Given) -> None:
    codes = (StatusCode("acme", None, "DL", "delivered"), StatusCode("acme", "ups", "OF", "out_for_delivery"))
    start = given(status_codes=codes)
    plan, _ = decide(replace(start, status_codes=codes[::-1]), built(start))
    assert not plan.is_needed


def test_compaction_is_no_news(given: Given) -> None:
    merged = orders(3, replaces=("b1", "b2"))
    plan, _ = decide(given(batches=(merged,)), built(given(), 1, 2))
    assert not plan.is_needed


def test_compaction_of_a_batch_not_yet_built_is_news(given: Given) -> None:
    merged = orders(3, replaces=("b1", "b2"))
    plan, taken = decide(given(batches=(merged,)), built(given(), 1))
    assert taken == {"b3"}
    assert not plan.is_full


def test_a_released_batch_must_not_win_over_later_ones(given: Given) -> None:
    plan, _ = decide(given(batches=(orders(1), orders(2))), built(given(), 2))
    assert plan.reason == "batches older than those already built were released (1)"


def test_after_a_broken_night_touched_keys_are_kept_and_the_clock_counts_as_moved(given: Given) -> None:
    start = given(batches=(orders(1),))
    plan, _ = decide(start, replace(built(start, 1), is_broken=True))
    assert (plan.carry_touched, plan.is_full) == (True, False)
    assert selection(plan) == ["path:models/intermediate/arrived", "tag:clock+", "tag:predictions"]


def test_after_a_broken_full_build_the_next_is_full(given: Given) -> None:
    plan, _ = decide(given(), replace(built(given()), is_broken=True, was_full=True))
    assert plan.reason == "there is no complete build to add to"


def test_a_broken_build_of_a_later_moment_cannot_be_taken_back(given: Given) -> None:
    before = replace(built(given()), started_as_of=AS_OF + timedelta(days=1), is_broken=True)
    plan, _ = decide(given(), before)
    assert plan.reason == "as_of is earlier than that of the build before"


def test_a_batch_that_a_broken_build_took_in_and_that_is_gone_makes_the_build_full(given: Given) -> None:
    before = replace(built(given()), attempted=frozenset({"b9"}), is_broken=True)
    plan, _ = decide(given(), before)
    assert plan.reason == "batches already built are no longer in the manifest (1)"


def test_lost_marts_make_the_build_full(given: Given) -> None:
    plan, _ = decide(given(), built(given()), marts_missing=True)
    assert plan.is_full


def test_many_changes_are_told_shortly(given: Given) -> None:
    plan, _ = decide(given(project_hashes={f"seed s{n}": "1" for n in range(9)}), built(given()))
    assert plan.reason == "seed s0, seed s1, seed s2 and 6 more changed"


def test_models_see_thresholds_costs_and_what_predictions_need() -> None:
    flat = model_settings(Settings())  # type: ignore[call-arg]
    assert flat["thresholds.suppress_under"] == 30
    assert {key.partition(".")[0] for key in flat} == {"thresholds", "costs", "predictions"}
