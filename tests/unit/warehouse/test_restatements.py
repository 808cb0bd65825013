from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from pipelines.warehouse.connection import Engine, open_warehouse
from pipelines.warehouse.ops import Restatement
from pipelines.warehouse.plan import BuildInput, BuildPlan, decide
from pipelines.warehouse.publish import current_file, publish
from pipelines.warehouse.restatements import find, reason_of

from .test_ops import publication
from .test_plan import NOTHING

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
CLOSED, OPEN = "2026-01-05", "2026-02-16"


def fill(engine: Engine, *rows: tuple[str, str | None, int, int], columns: str = "week, carrier, due, on_time") -> None:
    with open_warehouse(engine) as connection:
        connection.execute("create schema if not exists marts.marts")
        connection.execute(
            "create or replace table marts.marts.carrier_scorecard as select *, due / 3 as rate from (values "
            + ", ".join(f"(date '{w}', {'null' if c is None else repr(c)}, {d}, {o})" for w, c, d, o in rows)
            + f") as t({columns})"
        )


def published(engine: Engine) -> None:
    from pipelines.warehouse.ops import OpsTables

    publish(engine, "r1", OpsTables(publications=[publication("r1", as_of=AS_OF)]).write)


def found(engine: Engine, **more: int) -> list[Restatement]:
    return find(
        engine,
        current_file(engine),
        run_id="r2",
        reason="late data",
        closed_after_days=35,
        **more,  # type: ignore[arg-type]
    )


def test_nothing_published_nothing_restated(engine: Engine) -> None:
    fill(engine, (CLOSED, "ups", 3, 2))
    assert found(engine) == []


def test_equal_marts_restate_nothing(engine: Engine) -> None:
    fill(engine, (CLOSED, "ups", 3, 2), (CLOSED, None, 1, 1))
    published(engine)
    assert found(engine) == []


def test_changed_counts_of_closed_weeks_are_told_and_open_weeks_are_not(engine: Engine) -> None:
    fill(engine, (CLOSED, "ups", 3, 2), (CLOSED, None, 1, 1), (OPEN, "ups", 5, 5))
    published(engine)
    fill(engine, (CLOSED, "ups", 3, 3), (CLOSED, None, 1, 1), (OPEN, "ups", 9, 9))
    (row,) = found(engine)
    assert (row.run_id, row.table_name, row.week, row.column_name) == ("r2", "carrier_scorecard", CLOSED, "on_time")
    assert (row.old_value, row.new_value, row.reason) == (2, 3, "late data")
    assert json.loads(row.key_json) == {"carrier": "ups"}


def test_rows_that_come_and_go_are_told(engine: Engine) -> None:
    fill(engine, (CLOSED, "ups", 3, 2))
    published(engine)
    fill(engine, (CLOSED, "fedex", 3, 2))
    assert {
        (json.loads(row.key_json)["carrier"], row.column_name, row.old_value, row.new_value) for row in found(engine)
    } == {
        ("ups", "due", 3, None),
        ("ups", "on_time", 2, None),
        ("fedex", "due", None, 3),
        ("fedex", "on_time", None, 2),
    }


def test_a_new_column_is_no_restatement(engine: Engine) -> None:
    fill(engine, (CLOSED, "ups", 3, 2))
    published(engine)
    fill(engine, (CLOSED, "ups", 3, 7), columns="week, carrier, due, attempted")
    assert found(engine) == []


def test_the_week_closes_by_the_clock_of_what_is_published(engine: Engine) -> None:
    last_closed, first_open = "2026-01-17", "2026-01-18"  # 7 + 35 days before 1 March is 18 January
    fill(engine, (last_closed, "ups", 1, 1), (first_open, "ups", 1, 1))
    published(engine)
    fill(engine, (last_closed, "ups", 1, 0), (first_open, "ups", 1, 0))
    assert [row.week for row in found(engine)] == [last_closed]


def test_very_many_changes_are_told_by_week(engine: Engine) -> None:
    fill(engine, *((CLOSED, f"c{number}", 3, 2) for number in range(30)))
    published(engine)
    fill(engine, *((CLOSED, f"c{number}", 3, 3) for number in range(30)))
    (row,) = found(engine, most_rows=20)
    assert (row.old_value, row.new_value, json.loads(row.key_json)) == (60, 90, {"rows": 30})


@pytest.mark.parametrize(
    ("changed", "is_full", "reason"),
    [
        ({"status map of acme"}, True, "mapping changed"),
        ({"seed milestones"}, True, "mapping changed"),
        ({"models"}, True, "rebuild"),
        (set(), False, "late data"),
    ],
)
def test_the_reason_is_the_most_specific_known(
    given: Callable[..., BuildInput], changed: set[str], is_full: bool, reason: str
) -> None:
    plan: BuildPlan = decide(given(), NOTHING)[0]
    assert reason_of(replace(plan, changed=frozenset(changed), is_full=is_full)) == reason
