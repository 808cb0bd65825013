"""Adjusted rates on many simulated worlds: with the truth of each, intervals can be held against their level."""

from __future__ import annotations

import importlib.util
from datetime import date
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest

from simulator.journeys import DELIVERED, VOIDED
from simulator.settings import Request
from simulator.world import World

MODEL = Path(__file__).parents[3] / "dbt_project" / "models" / "intermediate" / "int_adjusted_rates.py"
WORLDS = range(400, 412)  # of 27,000 parcels each
Z = 1.959963984540054


@pytest.fixture(scope="module")
def model() -> ModuleType:
    spec = importlib.util.spec_from_file_location("int_adjusted_rates", MODEL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _world(seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cells as int_rate_cells has them, and by service level and carrier the true chances over everybody's parcels."""
    world = World(Request(seed=seed, first_day=date(2026, 7, 6), days=14, orders_per_day=1800))
    sent = world.shipping.outbound(world.ordering.fresh(world.request.start, world.request.end))
    effects = world.blame.at_order(sent)[1]
    moved = sent.take(np.flatnonzero(sent.end != VOIDED))
    parcels = pl.DataFrame(
        {
            "service_level": moved.service,
            "lane": moved.warehouse * 1000 + moved.destination,
            "week": (moved.handover + 3) // 7,
            "day": moved.handover,
            "carrier": moved.carrier,
            "on_time": (moved.end == DELIVERED) & (moved.stop_day <= moved.promised),
        }
    )
    keys = parcels.columns[:-1]
    cells = parcels.group_by(keys).agg(pl.len().alias("due"), pl.col("on_time").sum())
    chances = pl.col("promise").sum() / pl.col("parcels").sum()
    effects = effects.rename({"sum_p_promise": "promise", "service": "service_level"})
    by_level = effects.group_by("service_level", "carrier").agg(chances.alias("truth"))
    overall = effects.group_by("carrier").agg(chances.alias("truth")).with_columns(pl.lit("all").alias("service_level"))
    return cells, pl.concat([by_level.cast({"service_level": pl.String}), overall.select(by_level.columns)])


def test_differences_cover_the_truth_at_their_level_and_lean_to_no_side(model: ModuleType) -> None:
    errors = []
    for seed in WORLDS:
        cells, truths = _world(seed)
        true = {(level, str(carrier)): rate for level, carrier, rate in truths.iter_rows()}
        for row in model.estimates(*model.numbered(cells, "due", "on_time"), with_lanes=False):
            kind, level, _, one, other, _, overlap, estimate, low, high = row
            if kind == "difference" and overlap >= 0.5:
                truth = true[level, one] - true[level, other]
                # positive where the difference is shown too large
                errors.append((estimate - truth) * np.sign(truth) / ((high - low) / 2 / Z))
    scores = np.array(errors)
    assert len(scores) >= 300
    assert 0.93 <= np.mean(np.abs(scores) <= Z) <= 0.985
    assert abs(scores.mean()) <= 0.25  # a prior that holds lanes together too tightly: -0.9
    assert 0.85 <= scores.std() <= 1.1
