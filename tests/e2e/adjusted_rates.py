"""Adjusted rates of worlds straight from the simulator, without files and refreshes, beside the truth of each."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl

from simulator.journeys import DELIVERED, VOIDED
from simulator.settings import Request
from simulator.world import World

MODEL = Path(__file__).parents[2] / "dbt_project" / "models" / "intermediate" / "int_adjusted_rates.py"
Z = 1.959963984540054


def model() -> ModuleType:
    """The model as a module."""
    spec = importlib.util.spec_from_file_location("int_adjusted_rates", MODEL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _world(seed: int, days: int, orders_per_day: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Cells as int_rate_cells has them, and by service level and carrier the true chances over everybody's parcels."""
    world = World(Request(seed=seed, first_day=date(2026, 7, 6), days=days, orders_per_day=orders_per_day))
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


def scores(adjusted: ModuleType, seeds: Iterable[int], *, days: int, orders_per_day: float) -> np.ndarray:
    """Errors of the differences shown, in their standard errors; positive where shown larger than true."""
    errors = []
    for seed in seeds:
        cells, truths = _world(seed, days, orders_per_day)
        true = {(level, str(carrier)): rate for level, carrier, rate in truths.iter_rows()}
        for row in adjusted.estimates(*adjusted.numbered(cells, "due", "on_time"), with_lanes=False):
            kind, level, _, one, other, _, overlap, estimate, low, high = row
            if kind == "difference" and overlap >= 0.5:
                truth = true[level, one] - true[level, other]
                errors.append((estimate - truth) * np.sign(truth) / ((high - low) / 2 / Z))
    return np.array(errors)
