"""Curves of delivery: quantiles, chances, open parcels, calibration."""

from __future__ import annotations

import numpy as np

from pipelines.predictions.curves import BINS, EDGES, Calibration, bin_of, positions, quantile, spread, within
from pipelines.predictions.hazard import expand


def _certain(day: int) -> np.ndarray:
    curve = np.zeros((1, BINS))
    curve[:, bin_of([day])[0] :] = 1.0
    return curve


def test_quantiles_and_chances_agree_on_certain_days():
    for day in range(8):
        curve = _certain(day)
        assert quantile(curve, 0.5)[0] == day
        assert within(curve, np.array([day - 1.0]))[0] == 0
        assert within(curve, np.array([float(day)]))[0] == 1


def test_what_never_gets_there_has_no_quantile_and_an_unknown_promise_no_chance():
    curve = np.full((1, BINS), 0.4)
    assert np.isnan(quantile(curve, 0.5)[0]) and quantile(curve, 0.4)[0] == 0
    assert np.isnan(within(curve, np.array([np.nan]))[0])
    assert within(curve, np.array([-1.0]))[0] == 0


def test_quantiles_rise_with_their_level_over_any_curve():
    random = np.random.default_rng(3)
    curves = np.sort(random.random((500, BINS)), axis=1)
    days = np.stack([quantile(curves, level) for level in (0.1, 0.5, 0.8, 0.9)])
    days = np.where(np.isnan(days), EDGES[-1], days)
    assert (np.diff(days, axis=0) >= 0).all()


def test_open_parcels_count_for_the_days_they_survived():
    """Half of the outcomes hidden by censoring at random: dropping them would claim earlier deliveries."""
    random = np.random.default_rng(5)
    truth = random.random(40_000)
    seen_until = random.random(40_000)
    is_outcome = truth <= seen_until
    found = spread(np.minimum(truth, seen_until), is_outcome)
    grid = np.linspace(0, 1, len(found))
    assert np.abs(found - grid)[:-2].max() < 0.02
    dropped = np.quantile(truth[is_outcome], 0.5)
    assert dropped < 0.4


def test_calibration_makes_what_is_stated_come_true():
    random = np.random.default_rng(7)
    u = random.random(20_000) ** 2  # outcomes come earlier than stated
    stages = np.array(["x"] * len(u))
    curve = np.full((1, BINS), 0.25)
    mended = Calibration.learn(stages, u, np.ones(len(u), dtype=bool)).apply(curve, np.array(["x"]))
    assert abs(mended[0, 0] - 0.5) < 0.02


def test_too_few_outcomes_change_nothing():
    calibration = Calibration.learn(np.array(["x"] * 20), np.full(20, 0.1), np.ones(20, dtype=bool))
    curve = np.full((1, BINS), 0.25)
    assert (calibration.apply(curve, np.array(["x"])) == curve).all()


def test_a_snapshot_becomes_a_row_for_each_day_it_lived_through():
    from pipelines.predictions.features import NAMES

    matrix = np.zeros((3, len(NAMES)), dtype=np.float32)
    days = np.array([2.0, np.nan, np.nan])
    survived = np.array([np.nan, 1.0, -1.0])
    rows, labels = expand(matrix, days, survived)
    assert labels.tolist() == [0, 0, 1, 0, 0]  # delivered on day 2; two days survived; nothing known yet
    assert len(rows) == 5


def test_positions_of_outcomes_are_even_when_the_curve_is_right():
    random = np.random.default_rng(1)
    curve = np.sort(random.random(BINS))
    curve[-1] = 1.0
    chances = np.diff(np.concatenate([[0], curve]))
    place = random.choice(BINS, p=chances, size=20_000)
    days = np.array([random.integers(EDGES[i], EDGES[i + 1]) for i in place], dtype=float)
    u = positions(np.tile(curve, (len(days), 1)), days, random.random(len(days)))
    assert np.abs(np.histogram(u, 10, (0, 1))[0] / len(u) - 0.1).max() < 0.02
