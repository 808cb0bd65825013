"""The truth is true: probabilities hold, causes explain, the confounding is there and can be undone with it."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from simulator.calendars import week
from simulator.parcels import SECOND
from simulator.settings import Request
from simulator.transit import Transit
from simulator.world import World

BIG = Request(seed=21, days=66, orders_per_day=3000, first_day=date(2026, 2, 2))  # about 200,000 parcels


@pytest.fixture(scope="module")
def parcels() -> pl.DataFrame:
    world = World(BIG)
    parts = []
    for happened in world.happenings(BIG.start, BIG.end):
        sent = happened.parcels
        own, _ = world.blame.at_order(sent)
        committed = world.shipping.commitments(sent)
        chances = world.blame.chances(sent, committed)
        causes = world.blame.causes(sent)
        parts.append(
            pl.DataFrame(
                {
                    "carrier": sent.carrier,
                    "service": sent.service,
                    "lane": sent.warehouse * 100 + sent.destination,
                    "third": world.assignment.tercile[sent.warehouse, sent.destination],
                    "week": week(sent.handover),
                    "kind": sent.kind,
                    "end": sent.end,
                    "p_order": own,
                    "p_handover": chances["p_promise_at_handover"],
                    "p_commitment": chances["p_commitment_at_handover"],
                    "on_time": ~sent.late,
                    "kept": (sent.end == 0) & (sent.stop_day <= committed),
                    "committed": committed > 0,
                    "cause": pl.Series(causes["cause"].tolist(), dtype=pl.String),
                    "saved": np.stack([v for k, v in causes.items() if k.startswith("days_")]).max(axis=0),
                }
            )
        )
    frame = pl.concat(parts)
    return frame.filter((pl.col("kind") <= SECOND) & (pl.col("end") != 5))


def wilson_coverage(cells: pl.DataFrame) -> float:
    n, rate, truth = (cells[name].to_numpy() for name in ("n", "rate", "truth"))
    z = 1.959964
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return float(((centre - half <= truth) & (truth <= centre + half)).mean())


@pytest.mark.parametrize(
    ("chance", "outcome", "rows"),
    [("p_order", "on_time", pl.lit(True)), ("p_commitment", "kept", pl.col("committed"))],
)
def test_wilson_bounds_cover_the_true_chances_as_often_as_they_should(
    parcels: pl.DataFrame, chance: str, outcome: str, rows: pl.Expr
) -> None:
    cells = (
        parcels.filter(rows)
        .group_by("carrier", "service", "lane", "week")
        .agg(pl.len().alias("n"), pl.col(outcome).mean().alias("rate"), pl.col(chance).mean().alias("truth"))
        .filter(pl.col("n") >= 30)
    )
    assert len(cells) > 1000
    assert 0.93 <= wilson_coverage(cells) <= 0.97


@pytest.mark.parametrize("chance", ["p_order", "p_handover"])
def test_chances_are_calibrated(parcels: pl.DataFrame, chance: str) -> None:
    bins = parcels.group_by((pl.col(chance) * 10).floor()).agg(
        pl.len().alias("n"), pl.col("on_time").mean().alias("rate"), pl.col(chance).mean().alias("mean")
    )
    error = (bins["rate"] - bins["mean"]).abs().to_numpy()
    slack = 4 * np.sqrt(bins["mean"] * (1 - bins["mean"]) / bins["n"]).to_numpy() + 0.001
    assert (error <= slack).all()


def test_an_exact_sum_equals_its_simulation() -> None:
    transit = Transit(World(BIG).network)
    extra = transit.extra[4, 1]
    rng = np.random.default_rng(0)
    u = rng.uniform(size=400_000)
    days = np.ceil(np.exp(1.2 + 0.2 * np.log(u / (1 - u)))) + rng.choice(len(extra), p=extra, size=len(u))
    for limit in (2, 4, 7):
        exact = transit.within(np.array([limit]), np.array([1.2]), np.array([0.2]), extra[None, :])[0]
        assert abs(exact - (days <= limit).mean()) < 0.003


def test_the_best_carrier_has_the_hard_lanes(parcels: pl.DataFrame) -> None:
    shares = parcels.group_by("third").agg((pl.col("carrier") == 0).mean().alias("best")).sort("third")["best"]
    assert shares[2] >= 0.60
    assert shares[0] <= 0.10


def test_raw_order_is_wrong_and_the_truth_puts_it_right() -> None:
    wrong, pairs = 0, 0
    for seed in (1, 2, 3):
        request = Request(seed=seed, days=42, orders_per_day=1500, first_day=date(2026, 2, 2))
        world = World(request)
        raw, true = np.zeros((5, 2)), np.zeros((5, 2))
        for happened in world.happenings(request.start, request.end):
            sent = happened.parcels
            own, effects = world.blame.at_order(sent)
            counted = own > 0
            raw[:, 0] += np.bincount(sent.carrier[counted & ~sent.late], minlength=5)
            raw[:, 1] += np.bincount(sent.carrier[counted], minlength=5)
            sums = effects.group_by("carrier").agg(pl.col("sum_p_promise", "parcels").sum()).sort("carrier")
            true += sums.select("sum_p_promise", "parcels").to_numpy()
        shown, truth = raw[:, 0] / raw[:, 1], true[:, 0] / true[:, 1]
        assert truth.argmax() == 0
        assert shown.argmax() != 0
        for a in range(5):
            for b in range(a):
                if abs(truth[a] - truth[b]) >= 0.01:
                    pairs += 1
                    wrong += (truth[a] - truth[b]) * (shown[a] - shown[b]) < 0
    assert pairs >= 20
    assert wrong / pairs >= 1 / 3


def test_standardising_within_lanes_recovers_the_true_order(parcels: pl.DataFrame) -> None:
    """Each carrier's rate within service and lane, weighted with the merchant's whole mix: no truth used."""
    cell = ["service", "lane"]
    mix = parcels.group_by(cell).len()
    rates = parcels.group_by("carrier", *cell).agg(pl.col("on_time").mean(), pl.len().alias("n"))
    both = rates.filter(pl.col("n") >= 30).join(mix, on=cell)
    shared = both.group_by(cell).len().filter(pl.col("len") == 5).select(cell)
    rated = (
        both.join(shared, on=cell)
        .group_by("carrier")
        .agg(((pl.col("on_time") * pl.col("len")).sum() / pl.col("len").sum()).alias("rate"))
    )
    assert rated.sort("rate", descending=True)["carrier"].to_list()[0] == 0
    assert rated.sort("rate")["carrier"].to_list()[0] == 4


def test_every_late_parcel_has_a_cause_and_no_other_has(parcels: pl.DataFrame) -> None:
    late = parcels.filter(~pl.col("on_time"))
    assert (late["cause"] != "").all()
    assert (parcels.filter(pl.col("on_time"))["cause"] == "").all()
    unexplained = late.filter(pl.col("cause") == "promise")
    assert len(unexplained) / len(late) < 0.12
    named = late.filter(~pl.col("cause").is_in(["promise", "lost", "damaged", "refused", "bad_address"]))
    assert (named["saved"] > 0).all()
