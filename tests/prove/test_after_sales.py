"""Why customers write and what comes back, on a simulated world seen when its return window has closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from tests.e2e import after_sales_checks as checks
from tests.e2e.after_sales_world import AfterSalesWorld

pytestmark = pytest.mark.prove


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """Eighteen days of July, seen in September."""
    folder = tmp_path_factory.mktemp("after_sales")
    world = AfterSalesWorld(folder, first_day=date(2026, 7, 13), days=18, until=date(2026, 9, 2), orders_per_day=1200)
    with world.connect() as con:
        yield con


def test_every_ticket_state_is_recomputed(published: duckdb.DuckDBPyConnection) -> None:
    differing, tickets = checks.states_that_differ(published)
    assert tickets > 2500
    assert differing == []


def test_avoidable_tickets_are_found_as_well_as_can_be(published: duckdb.DuckDBPyConnection) -> None:
    """The figures that the README gives are printed."""
    judged = checks.judged_tickets(published)
    for name, place in (("published", 1), ("at best", 2)):
        precision = checks.share(one[0] for one in judged if one[place])
        recall = checks.share(one[place] for one in judged if one[0])
        print(f"was_avoidable, {name}, {len(judged):,} tickets: {precision=} {recall=} (share, low, high)")
    checks.nearly_as_good_as_can_be(judged)


def test_every_returned_line_stands_once_in_a_cohort_and_once_on_a_date(published: duckdb.DuckDBPyConnection) -> None:
    counted = checks.returned_lines(published)
    assert counted["lines"] > 2000
    assert set(counted.values()) == {counted["lines"]}, counted


def test_refunds_to_act_on_are_the_planted_ones(published: duckdb.DuckDBPyConnection) -> None:
    """Planted: never refunded, refunded without a return, and a sixth of the refund too much (unless shipping covers it)."""
    as_of = "(select max(as_of) from p.ops.publications)"
    planted = {
        "refund_over_paid": f"refunded_too_much and refunded_at <= {as_of} and refund_amount / 6 > shipping_amount",
        "refund_without_return": f"refunded_without_return and refunded_at <= {as_of}",
        "received_not_refunded": "never_refunded and t.outcome = 'refund' "
        f"and received_at + interval 14 day <= {as_of}",
    }
    for trouble, condition in planted.items():
        listed = {
            row[0]
            for row in published.execute(
                "select return_id from p.marts.refund_watch where trouble = ?", [trouble]
            ).fetchall()
        }
        true = {
            row[0]
            for row in published.execute(
                "select t.return_id from true_returns as t join p.marts.fct_returns as r using (return_id) "
                f"join p.marts.fct_orders as o on o.order_id = r.order_id where {condition}"
            ).fetchall()
        }
        assert true <= listed, trouble
        if trouble != "received_not_refunded":  # some are refunded late, which is to be listed as well
            assert listed == true, trouble
