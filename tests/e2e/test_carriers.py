"""Carriers' figures on a small simulated world, in reduced form: truth, libraries, recounts. Long forms: tests/prove."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

import duckdb
import numpy as np
import pytest
from statsmodels.stats.meta_analysis import combine_effects
from statsmodels.stats.proportion import proportion_confint

from tests.e2e import after_sales_checks, carrier_checks
from tests.e2e.carrier_world import CarrierWorld
from tests.e2e.runs import current

SNAPSHOT = date(2026, 7, 19)  # a Sunday: the week before it is the one that was just handed over
EXACT = 1e-9


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> CarrierWorld:
    """About 27,000 parcels of 14 days, at the end of the second week."""
    made = CarrierWorld(
        tmp_path_factory.mktemp("carriers"), seed=5, first_day=date(2026, 7, 6), days=14, orders_per_day=1800
    )
    made.until(SNAPSHOT)
    return made


@pytest.fixture(scope="module")
def snapshot(world: CarrierWorld) -> list[dict]:
    """Cohorts of the last week, before anything more arrives."""
    with world.connect() as con:
        return carrier_checks.survival_cohorts(con, "2026-07-13", least=500)


@pytest.fixture(scope="module")
def published(world: CarrierWorld, snapshot: list[dict]) -> Iterator[duckdb.DuckDBPyConnection]:
    """Four weeks later, everything is due."""
    world.until(date(2026, 8, 14))
    with world.connect() as con:
        yield con


def test_the_survival_median_is_true_where_half_can_be_observed(snapshot: list[dict]) -> None:
    seen = [one for one in snapshot if one["median"] is not None]
    assert len(seen) >= 5
    for one in seen:
        assert abs(one["median"] / one["truth"] - 1) <= 0.03, one
        low, high = one["interval"]
        assert low <= one["truth"] and (high is None or one["truth"] <= high), one
    for one in snapshot:
        if one["median"] is None:
            assert one["truth"] > 40, one  # not yet: half cannot have arrived


def test_wilson_bounds_cover_the_true_chances(published: duckdb.DuckDBPyConnection) -> None:
    covered, cells = carrier_checks.wilson_coverage(published)
    assert cells >= 150
    assert 0.93 <= covered / cells <= 0.97


def test_pairs_are_ordered_by_the_adjusted_rate(published: duckdb.DuckDBPyConnection) -> None:
    pairs = carrier_checks.differences(published)
    inside = [one for one in pairs if one["adjusted_difference_low"] <= one["truth"] <= one["adjusted_difference_high"]]
    assert len(pairs) >= 30
    assert len(inside) / len(pairs) >= 0.9
    assert not [one for one in pairs if one["ahead"] and (one["ahead"] == one["carrier"]) != (one["truth"] > 0)]


def test_fault_agrees_with_the_cause(published: duckdb.DuckDBPyConnection) -> None:
    right, late = carrier_checks.fault_agreement(published)
    assert late > 1000
    assert right / late >= 0.95


def test_every_cell_and_roll_up_is_the_count_of_its_parcels(published: duckdb.DuckDBPyConnection) -> None:
    found = carrier_checks.rows_that_differ(published)
    assert len(found) == 8
    assert set(found.values()) == {0}, found


def test_bounds_and_percentiles_equal_a_librarys(published: duckdb.DuckDBPyConnection) -> None:
    rows = published.execute(
        "select due, on_time, on_time_rate_low, on_time_rate_high from p.marts.carrier_scorecard_rollup where due > 0"
    ).fetchall()
    due, hits, low, high = map(np.array, zip(*rows, strict=True))
    expected = proportion_confint(hits, due, method="wilson")
    assert np.abs(low - expected[0]).max() < EXACT
    assert np.abs(high - expected[1]).max() < EXACT

    curves = defaultdict(list)
    for carrier, service, *hour in published.execute(
        "select carrier, service, transit_hour, sum(delivered), sum(ended_otherwise), sum(censored) "
        "from p.marts.delivery_transit_hours group by all order by all"
    ).fetchall():
        curves[carrier, service].append(tuple(hour))
    shown = published.execute(
        "select carrier, service, transit_hours_p50_low, transit_hours_p50_high, transit_hours_p50, transit_hours_p90, "
        "transit_hours_p95 "
        "from p.marts.carrier_scorecard_rollup where scope = 'carrier_service' and period_kind = 'quarter' and clock = 'promise'"
    ).fetchall()
    assert len(shown) == len(curves)
    for carrier, service, low, high, *percentiles in shown:
        times, incidence, deviation = carrier_checks.incidence_curve(curves[carrier, service])
        assert (low, high) == carrier_checks.median_interval(times, incidence, deviation), (carrier, service)
        for share, hour in zip((0.5, 0.9, 0.95), percentiles, strict=True):
            reached = np.flatnonzero(incidence >= share - EXACT)
            assert hour == (times[reached[0]] if len(reached) else None), (carrier, service, share)


def _groups(published: duckdb.DuckDBPyConnection) -> Iterator[tuple[np.ndarray, ...]]:
    rows = published.execute(
        "select period, scope, service_level, clock, due, on_time, shrunk_on_time_rate, funnel_centre, funnel_phi, "
        "funnel_low_95, funnel_high_95 from p.marts.carrier_scorecard_rollup where due > 0"
    ).fetchall()
    groups = defaultdict(list)
    for row in rows:
        groups[row[:4]].append(row[4:])
    for some in groups.values():
        if len(some) >= 3:
            yield tuple(np.array(column, dtype=float) for column in zip(*some, strict=True))


def _tau_squared(n: np.ndarray, z: np.ndarray, centre: float) -> float:
    """Spiegelhalter (2005): between-unit variance by moments from z scores about a known centre."""
    w = n / (centre * (1 - centre))
    units = len(n)
    return max(0.0, (units * np.mean(z**2) - (units - 1)) / (w.sum() - (w**2).sum() / w.sum()))


def test_the_funnel_is_overdispersed_as_published(published: duckdb.DuckDBPyConnection) -> None:
    """Limits from the definition; its moment estimator, before winsorising, is DerSimonian and Laird's of a library."""
    checked = 0
    for n, y, _, centre, phi, low, high in _groups(published):
        p = y.sum() / n.sum()
        s = np.sqrt(p * (1 - p) / n)
        z = (y / n - p) / s
        library = combine_effects(y / n, s**2, method_re="chi2").tau2
        assert abs(_tau_squared(n, z, p) - max(0.0, library)) < EXACT
        winsorised = np.clip(z, np.quantile(z, 0.1), np.quantile(z, 0.9))
        half = carrier_checks.Z * np.sqrt(s**2 + _tau_squared(n, winsorised, p))
        assert np.abs(centre - p).max() < EXACT
        assert np.abs(phi - np.mean(winsorised**2)).max() < EXACT
        assert np.abs(low - np.maximum(0, p - half)).max() < EXACT
        assert np.abs(high - np.minimum(1, p + half)).max() < EXACT
        checked += 1
    assert checked >= 10


def test_the_shrunk_rate_is_its_formula(published: duckdb.DuckDBPyConnection) -> None:
    moved = 0
    for n, y, shrunk, *_ in _groups(published):
        p = y.sum() / n.sum()
        spread = (n * (y / n - p) ** 2).sum() - (len(n) - 1) * p * (1 - p)
        between = max(0.0, spread / (n.sum() - (n**2).sum() / n.sum()))
        if between == 0:
            expected = np.full(len(n), p)
        else:
            m = p * (1 - p) / between - 1
            expected = (y + p * m) / (n + m) if m > 0 else y / n
        assert np.abs(shrunk - expected).max() < EXACT
        moved += between > 0
    assert moved >= 3


def test_observed_to_expected_leaves_the_carrier_itself_out(published: duckdb.DuckDBPyConnection) -> None:
    wrong, compared = published.execute(
        """
        with strata as (
            select carrier, lane, service_level, count(*) as n, count(*) filter (is_on_time) as y
            from p.marts.fct_shipments where is_first_delivery and is_due group by all
        ), others as (
            select a.carrier, a.n, a.y, sum(b.n) as other_n, sum(b.y) as other_y
            from strata as a join strata as b using (lane, service_level) where a.carrier <> b.carrier
            group by a.carrier, a.lane, a.service_level, a.n, a.y having sum(b.n) >= 30
        ), ratios as (
            select carrier, sum(y) / sum(n * other_y / other_n) as ratio from others group by carrier
        )
        select count(*) filter (abs(ratio - observed_to_expected) > 1e-9), count(*)
        from ratios join p.marts.carrier_scorecard_rollup using (carrier)
        where scope = 'carrier' and period_kind = 'quarter' and clock = 'promise'
        """
    ).fetchone()
    assert (wrong, compared) == (0, 5)


def test_what_if_answers_with_an_interval_or_refuses(published: duckdb.DuckDBPyConnection) -> None:
    answered, refused, unsure = published.execute(
        "select count(*) filter (refusal is null), count(*) filter (refusal is not null), count(*) filter (refusal is null "
        "and not (on_time_rate_change_low < on_time_rate_change and on_time_rate_change < on_time_rate_change_high)) "
        "from p.marts.lane_what_if where clock = 'promise'"
    ).fetchone()
    assert answered > 100
    assert refused > 100
    assert unsure == 0
    assert (
        published.execute(
            "select count(*) from p.marts.lane_what_if where (parcels_known < 30) <> (refusal is not null)"
        ).fetchone()[0]
        == 0
    )


def test_ticket_states_are_recomputed_and_avoidable_ones_found(published: duckdb.DuckDBPyConnection) -> None:
    """On this world, to spare one of its own."""
    differing, tickets = after_sales_checks.states_that_differ(published)
    assert tickets > 1500
    assert differing == []
    judged = after_sales_checks.judged_tickets(published)
    after_sales_checks.nearly_as_good_as_can_be(judged)


def test_every_returned_line_stands_once_in_a_cohort_and_once_on_a_date(published: duckdb.DuckDBPyConnection) -> None:
    counted = after_sales_checks.returned_lines(published)
    assert counted["lines"] > 500
    assert set(counted.values()) == {counted["lines"]}, counted


def _spoken_of(world: CarrierWorld, con: duckdb.DuckDBPyConnection, day: str) -> set[str]:
    """Parcels that one day's exports speak of, by number. Not every export has a file of every day."""
    text = "all_varchar = true, ignore_errors = true"
    numbers = [
        f"select {column} as n from {how.format(file)}"
        for folder, column, how in (
            ("scans_easypost", "tracking_code", "read_parquet('{}')"),
            ("scans_aftership", "tracking_number", f"read_csv('{{}}', {text})"),
            ("shipments", "tracking_code", "read_json('{}', ignore_errors = true)"),
            ("carrier_charges", "tracking_number", f"read_csv('{{}}', {text})"),
        )
        for file in sorted((world.exports / folder / f"dt={day}").glob("*"))
    ]
    assert len(numbers) >= 3
    found = con.execute(
        f"select shipment_id from file.marts.fct_shipments where tracking_number in ({' union '.join(numbers)})"
    ).fetchall()
    return {row[0] for row in found}


@pytest.mark.prove
def test_a_new_day_touches_only_its_parcels_and_their_weeks(
    world: CarrierWorld, published: duckdb.DuckDBPyConnection
) -> None:
    """Every row is marked before a night. Settled parcels of no news keep the mark, and so do weeks of none but such."""
    published.execute("detach p")
    weeks_of = "select shipment_id, week from marts.fct_shipments"
    with duckdb.connect() as con:
        con.execute(f"attach '{world.data_dir / 'marts.duckdb'}' as file")
        con.execute("use file")
        news = _spoken_of(world, con, "2026-08-15")
        moving = {
            row[0] for row in con.execute("select shipment_id from marts.fct_shipments where not is_settled").fetchall()
        }
        before = dict(con.execute(weeks_of).fetchall())
        con.execute("update marts.fct_shipments set scan_count = scan_count + 100000")
        con.execute("update marts.carrier_scorecard set entered = entered + 1000000, open = open + 1000000")
    world.until(date(2026, 8, 15))
    with duckdb.connect(str(current(world.data_dir)), read_only=True) as con:
        after = dict(con.execute(weeks_of).fetchall())
        fresh = {
            row[0]
            for row in con.execute("select shipment_id from marts.fct_shipments where scan_count < 100000").fetchall()
        }
        touched = {
            row[0] for row in con.execute("select week from marts.carrier_scorecard where entered < 1000000").fetchall()
        }
    known = moving | news | (after.keys() - before.keys())
    print(f"{len(fresh)} of {len(after)} parcels, {len(touched)} of {len(set(after.values()))} weeks")
    assert fresh >= known & after.keys()
    assert len(fresh - known) <= 0.02 * len(after)  # parcels of orders that the day's orders speak of
    assert len(fresh) < 0.2 * len(after)
    assert touched == {weeks[parcel] for weeks in (before, after) for parcel in fresh if parcel in weeks} - {None}
