"""Predictions 24 hours before the promise ends, beside an oracle that knows the world's true parameters.

A model learns, as the product does, from what was known on one day; the parcels of the weeks after are asked about.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.delays.scores import Flags, Reals, average_precision, mae, recall_at
from pipelines.domain.sql import quote_literal
from pipelines.predictions import backtest, records
from pipelines.predictions.score import predicted
from pipelines.predictions.training import learn
from pipelines.warehouse.connection import Engine, open_warehouse
from simulator.oracle import Oracle
from simulator.settings import Request
from simulator.world import World

HOURS_BEFORE = 24
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
WHEREHOUSE = Path(sys.executable).with_name("wherehouse")
_SETTINGS = "\n[predictions]\nenabled = true\nmost_snapshots = {}\n"
_CASES = """
    select
        'transit' as kind, shipments.shipment_id as case_id, shipments.shipment_id, shipments.order_id, asked.moment,
        case when end_milestone = 'delivered' then cast(delivered_local as date) end as delivered_date,
        coalesce(end_milestone <> 'delivered', false) as is_gone
    from read_parquet({}) as asked
    inner join {{{{ ref('fct_shipments') }}}} as shipments
        on asked.tracking_number = shipments.tracking_number and asked.label_created_at = shipments.label_created_at
"""
_TRAINING = (
    "select kind, case_id, shipment_id, order_id, moment, delivered_date, is_gone "
    "from {{ ref('int_training_cases') }} where kind = 'transit'"
)


@dataclass(frozen=True)
class Result:
    """Of one world: parcels asked about, the share that came late, and the figures of model, oracle and carrier."""

    parcels: int
    base_rate: float
    by_model: float  # share that the model, not the lane's usual days, answered
    mae: dict[str, float]
    average_precision: dict[str, float]
    recall: dict[str, float]

    @property
    def text(self) -> str:
        """For people."""
        lines = [f"{self.parcels:,} parcels, {self.base_rate:.1%} late, {self.by_model:.1%} answered by the model"]
        for name in self.mae:
            lines.append(
                f"  {name:8} MAE {self.mae[name]:.3f} days, AP {self.average_precision[name]:.3f}, "
                f"recall at 60 % precision {self.recall[name]:.3f}"
            )
        return "\n".join(lines)


def run(folder: Path, request: Request, learn_days: int, most_snapshots: int = 100_000) -> Result:
    """Make the world, take it in, learn from its first `learn_days` days, ask about the rest."""
    engine = Engine(take_in(folder, request, most_snapshots), threads=1)
    world = World(request)
    return judged(engine, world, Oracle(world, HOURS_BEFORE, request.start + learn_days, request.end - 10), learn_days)


def take_in(folder: Path, request: Request, most_snapshots: int) -> Path:
    """The data folder of a refresh at the end of the world, with the training cases built."""
    make = [sys.executable, "-m", "simulator", "files", "--out", str(folder / "drops"), "--no-truth"]
    make += ["--seed", str(request.seed), "--first-day", str(request.first_day), "--days", str(request.days)]
    make += ["--orders-per-day", str(request.orders_per_day)]
    subprocess.run(make, check=True, capture_output=True, cwd=EXAMPLES.parent)
    settings = EXAMPLES.joinpath("simulated_files.toml").read_text().replace('"simulated_', f'"{EXAMPLES}/simulated_')
    settings = settings.replace("${SIMULATED_FILES}", str(folder / "drops")) + _SETTINGS.format(most_snapshots)
    (folder / "wherehouse.toml").write_text(settings)
    end = request.first_day + timedelta(days=request.days)
    refresh = [str(WHEREHOUSE), "refresh", "--settings", str(folder / "wherehouse.toml"), "--quiet"]
    refresh += ["--data-dir", str(folder / "data"), "--as-of", f"{end}"]
    subprocess.run(refresh, check=True, capture_output=True, cwd=EXAMPLES.parent)
    return folder / "data"


def judged(engine: Engine, world: World, oracle: Oracle, learn_days: int) -> Result:
    """Hold the model against the oracle and the carrier's latest estimate."""
    from pipelines.warehouse import build

    build.build(engine, ["int_training_cases"], full_refresh=False)
    origin = datetime(1970, 1, 1) + timedelta(days=world.request.start + learn_days)
    frame = backtest.snapshots(engine, _TRAINING)
    with open_warehouse(engine) as connection:
        calendar = connection.sql("select * from intermediate.int_operating_days").pl()
        days = connection.sql("select * from intermediate.int_transit_days").pl()
    hazard, calibration, _ = learn(backtest.as_known(frame, calendar, origin), calendar, origin)
    model = records.Model("benchmark", {"transit": hazard}, {"transit": calibration}, {})
    asked = _snapshots(engine, oracle)
    first_days = calendar.group_by("carrier", "destination_country", "operating_no").agg(pl.col("day").min())
    found = predicted(asked.drop(pl.selectors.starts_with("outcome_")), model, days, first_days)
    return _result(found, oracle, asked)


def _snapshots(engine: Engine, oracle: Oracle) -> pl.DataFrame:
    parcels = oracle.parcels
    asked = pl.DataFrame(
        {
            "place": np.arange(len(parcels)),
            "tracking_number": parcels.tracking,
            "label_created_at": _moments(parcels.label_at),
            "moment": _moments(oracle.moment),
        }
    )
    path = engine.data_dir / "asked.parquet"
    asked.write_parquet(path)
    found = backtest.snapshots(engine, _CASES.format(quote_literal(str(path))))
    with open_warehouse(engine) as connection:
        ids = connection.sql(
            "select shipment_id, tracking_number, label_created_at from marts.marts.fct_shipments"
        ).pl()
    return found.join(
        asked.join(ids, on=["tracking_number", "label_created_at"]).select("shipment_id", "place"), on="shipment_id"
    )


def _moments(seconds: np.ndarray) -> pl.Series:
    return pl.Series(seconds * 1_000_000).cast(pl.Datetime("us"))


def _result(found: pl.DataFrame, oracle: Oracle, asked: pl.DataFrame) -> Result:
    middle, missed, _ = oracle.forecasts()
    place = found.get_column("place").to_numpy()
    parcels = oracle.parcels.take(place)
    estimates = oracle.world.shipping.estimates(parcels)
    newest = np.where(estimates.second_at <= oracle.moment[place], estimates.second, estimates.first).astype(float)
    promised, late = parcels.promised, parcels.late
    model = found.get_column("p50_date").cast(pl.Int32).cast(pl.Float64).to_numpy()
    risk = found.get_column("miss_probability").fill_null(0.5).to_numpy()
    ways: dict[str, tuple[Reals, Reals]] = {
        "model": (np.where(np.isnan(model), promised, model), risk),
        "oracle": (middle[place], missed[place]),
        "carrier": (newest, newest - promised),
    }
    came: Flags = parcels.delivered_at > 0
    return Result(
        parcels=len(place),
        base_rate=float(late.mean()),
        by_model=float((found.get_column("basis") == "model").mean()),
        mae={name: mae(day[came], parcels.stop_day[came]) for name, (day, _) in ways.items()},
        average_precision={name: average_precision(late, score) for name, (_, score) in ways.items()},
        recall={name: recall_at(0.6, late, score) for name, (_, score) in ways.items()},
    )


def seeds(commit: str, most: int = 3) -> list[int]:
    """Seeds that nobody has chosen: from the commit's id."""
    return [int(commit[place * 6 : place * 6 + 6], 16) for place in range(most)]
