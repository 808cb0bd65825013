"""What is about to go live: sound marts pass; figures that contradict one another, and marts that lost half, do not."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipelines.quality.published import check_aggregates, check_step


def _marts(path: Path, *, orders: int = 10, spoil: str = "", scorecard: bool = True) -> Path:
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        connection.execute(f"create table marts.fct_orders as select range as order_id from range({orders})")
        connection.execute(
            "create table marts.fct_shipments as select range as shipment_id, true as is_first_delivery, "
            f"date '2026-01-05' as week from range({orders})"
        )
        connection.execute(
            "create table marts.carrier_scorecard as "
            "select 'UPS' as carrier, date '2026-01-05' + 7 * range::int as week, "
            "10 as due, 8 as on_time, 12 as entered, 9 as delivered, 2 as open, 1 as ended_otherwise, "
            f"0.5::double as on_time_rate_low, 0.9::double as on_time_rate_high from range({4 if scorecard else 0})"
        )
        connection.execute(
            "create table marts.order_delivery as select date '2026-01-05' as week, 10 as due, 8 as on_time, "
            "0.5::double as order_on_time_rate_low, 0.9::double as order_on_time_rate_high"
        )
        if spoil:
            connection.execute(spoil)
    return path


def test_sound_marts_pass(tmp_path: Path):
    marts = _marts(tmp_path / "new.duckdb")

    found = check_aggregates(marts) + check_step(marts, tmp_path / "nothing_published.duckdb")

    assert len(found) > 8
    assert [one for one in found if not one.passed] == []


@pytest.mark.parametrize(
    ("spoil", "check"),
    [
        ("update marts.carrier_scorecard set open = 3", "scorecard: unaccounted from 0 to 0"),
        ("update marts.carrier_scorecard set on_time = 11", "scorecard: on_time <= due"),
        ("update marts.carrier_scorecard set on_time_rate_low = 0.85", "scorecard: lowest <= on_time_rate"),
        ("update marts.carrier_scorecard set carrier = null", "scorecard: carrier not null"),
        ("update marts.order_delivery set on_time = 12", "orders: order_on_time_rate from 0 to 1"),
        ("update marts.order_delivery set order_on_time_rate_high = 0.1", "orders: order_on_time_rate <= highest"),
    ],
)
def test_contradictions_block(tmp_path: Path, spoil: str, check: str):
    found = {one.name: one for one in check_aggregates(_marts(tmp_path / "new.duckdb", spoil=spoil))}

    assert found[check].is_blocking
    assert found[check].failures


def test_an_empty_scorecard_beside_parcels_blocks(tmp_path: Path):
    found = check_step(_marts(tmp_path / "new.duckdb", scorecard=False), tmp_path / "none.duckdb")

    assert [one.name for one in found if one.is_blocking] == ["scorecard not empty"]


@pytest.mark.parametrize(("orders", "blocked"), [(4, ["fct_orders not halved", "fct_shipments not halved"]), (5, [])])
def test_marts_that_lost_more_than_half_are_not_published(tmp_path: Path, orders: int, blocked: list[str]):
    current = _marts(tmp_path / "current.duckdb", orders=10)
    marts = _marts(tmp_path / "new.duckdb", orders=orders)

    assert [one.name for one in check_step(marts, current) if one.is_blocking] == blocked


def test_marts_without_those_tables_are_no_failure(tmp_path: Path):
    with duckdb.connect(str(tmp_path / "new.duckdb")) as connection:
        connection.execute("create schema marts")

    assert check_aggregates(tmp_path / "new.duckdb") == ()
    assert check_step(tmp_path / "new.duckdb", tmp_path / "none.duckdb") == ()
