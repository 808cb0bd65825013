"""Training: a challenger from what is known by now, judged on outcomes it had not seen, in a process of its own.

`train` builds the snapshots and starts the process; `main` is what runs in it, under a memory limit. A challenger takes
over unless the champion does better on the newest outcomes.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pipelines.domain.errors import BuildError
from pipelines.domain.sql import quote_literal
from pipelines.predictions import records
from pipelines.predictions.backtest import FEWEST, answers, rolling
from pipelines.predictions.curves import EDGES, Calibration, Reals, arriving, positions, quantile, within
from pipelines.predictions.features import KINDS
from pipelines.predictions.score import stages
from pipelines.warehouse import build
from pipelines.warehouse.connection import Engine, open_warehouse, storage_errors

if TYPE_CHECKING:
    import polars as pl

FOLDS: Final = 2
FOLD_DAYS: Final = 14
WORSE: Final = 1.02  # pinball loss, against the champion's, up to which a challenger takes over
_SEED: Final = 11
_REPORT: Final = "report.json"


def train(
    engine: Engine, *, memory_limit_mb: int, code_version: str, progress: Callable[[str], None]
) -> dict[str, Any]:
    """Train on what the warehouse holds; returns what the child process reported. Call it under the writer lock.

    Raises BuildError when there are too few outcomes, or the process fails; StorageError.
    """
    folder = records.root(engine.data_dir)
    work = folder / "training"
    with storage_errors(folder):
        work.mkdir(parents=True, exist_ok=True)
    progress("building training snapshots")
    build.build(engine, ["tag:predictions", "tag:training"], full_refresh=False)
    with open_warehouse(engine) as connection:
        as_of = (connection.execute("select as_of from control.run").fetchone() or (datetime.now(UTC),))[0]
        for name in ("int_training_snapshots", "int_operating_days"):
            target = quote_literal(str(work / f"{name}.parquet"))
            connection.execute(f"copy intermediate.{name} to {target} (format parquet)")
    model_id = f"{as_of:%Y%m%d}-{datetime.now(UTC):%Y%m%d%H%M%S}"
    given = {"model_id": model_id, "as_of": as_of.isoformat(), "code_version": code_version, "limit": memory_limit_mb}
    progress("training")
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.predictions.training", str(folder), json.dumps(given)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise BuildError(f"training failed: {why}; the model in use stays as it is")
    report: dict[str, Any] = json.loads((work / _REPORT).read_text(encoding="utf-8"))
    return report


def main(folder: Path, given: dict[str, Any]) -> dict[str, Any]:
    """What the child process does."""
    import polars as pl

    limit = int(given["limit"]) * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    snapshots = pl.read_parquet(folder / "training" / "int_training_snapshots.parquet")
    calendar = pl.read_parquet(folder / "training" / "int_operating_days.parquet")
    as_of = datetime.fromisoformat(given["as_of"]).replace(tzinfo=None)
    hazards, calibrations, judged = {}, {}, []
    for kind in KINDS:
        frame = snapshots.filter(pl.col("kind") == kind).sort("moment", "case_id")
        if frame.get_column("outcome_days").count() < FEWEST:
            continue
        hazards[kind], calibrations[kind], found = learn(frame, calendar, as_of)
        judged.append(found.with_columns(pl.lit(kind).alias("kind")))
    if not hazards:
        return {"model_id": "", "promoted": False, "why": f"fewer than {FEWEST} outcomes"}
    backtest = pl.concat(judged)
    about = {
        "as_of": given["as_of"],
        "code_version": given["code_version"],
        "first_moment": str(snapshots.get_column("moment").min()),
        "last_moment": str(snapshots.get_column("moment").max()),
        "snapshots": snapshots.height,
        "metrics": metrics(backtest),
    }
    model = records.Model(given["model_id"], hazards, calibrations, about)
    records.save(folder, model)
    (folder / "backtests").mkdir(exist_ok=True)
    backtest.write_parquet(folder / "backtests" / f"{model.model_id}.parquet")
    before = records.champion(folder)
    promoted = before is None or _is_as_good(folder, before, snapshots, backtest)
    if promoted:
        records.promote(folder, model.model_id)
    write_card(folder, about | {"model_id": model.model_id, "promoted": promoted, "champion_before": before or "none"})
    return {"model_id": model.model_id, "promoted": promoted, "metrics": about["metrics"]}


def learn(frame: pl.DataFrame, calendar: pl.DataFrame, as_of: datetime) -> tuple[Any, Calibration, pl.DataFrame]:
    """The final model on everything; its calibration from models that had not seen the outcomes (rolling origins)."""
    import polars as pl

    from pipelines.predictions import hazard

    origins = [as_of - timedelta(days=FOLD_DAYS * number) for number in range(FOLDS, -1, -1)]
    folds = rolling(frame, calendar, origins, rounds=hazard.ROUNDS * 3 // 4)
    judged = [_judged(fold.fresh, fold.curves) for fold in folds]
    found = pl.concat(judged) if judged else _judged(frame.head(0), np.zeros((0, len(EDGES) - 1)))
    calibration = Calibration.learn(
        found.get_column("stage").to_numpy().astype(str),
        found.get_column("position").to_numpy(),
        found.get_column("is_outcome").to_numpy(),
    )
    days, survived = answers(frame)
    return hazard.fit(frame, days, survived), calibration, found


def _judged(frame: pl.DataFrame, curves: Reals) -> pl.DataFrame:
    """One row a snapshot: what was predicted and what came, for calibration and metrics."""
    import polars as pl

    days, survived = answers(frame)
    is_outcome = ~np.isnan(days)
    draws = np.random.default_rng(_SEED).random(len(days))
    until = np.where(is_outcome, np.maximum(days, 0), np.maximum(np.nan_to_num(survived), 0))
    place = np.where(is_outcome, positions(curves, until, draws), within(curves, until))
    slack = frame.get_column("slack_days").cast(pl.Float64).fill_null(np.nan).to_numpy()
    columns = {f"p{round(level * 100)}": quantile(arriving(curves), level) for level in (0.1, 0.5, 0.8, 0.9)}
    return pl.DataFrame(
        {
            "case_id": frame.get_column("case_id"),
            "moment": frame.get_column("moment"),
            "lane": frame.get_column("lane"),
            "stage": stages(frame),
            "days": days,
            "is_outcome": is_outcome,
            "position": place,
            "slack_days": slack,
            "usual": frame.get_column("usual_days").cast(pl.Float64).fill_null(np.nan).to_numpy()
            - frame.get_column("days_since_acceptance").cast(pl.Float64).fill_null(0).to_numpy(),
            "miss_probability": 1 - within(curves, slack),
            **columns,
        },
        schema_overrides={"stage": pl.String},
    )


def metrics(backtest: pl.DataFrame) -> dict[str, dict[str, float]]:
    """By kind, over outcomes: error in operating days beside the lane's usual, coverage, width, missed promises."""
    import polars as pl

    found: dict[str, dict[str, float]] = {}
    for (kind,), part in backtest.filter(pl.col("is_outcome")).group_by("kind"):
        days, p10, p50, p90 = (part.get_column(name).to_numpy() for name in ("days", "p10", "p50", "p90"))
        risk, slack = part.get_column("miss_probability").to_numpy(), part.get_column("slack_days").to_numpy()
        asked = ~np.isnan(slack) & (slack >= 0)
        late = (days > slack)[asked]
        found[str(kind)] = {
            "outcomes": float(part.height),
            "mae_days": float(np.nanmean(np.abs(p50 - days))),
            "mae_days_lane_usual": float(np.nanmean(np.abs(np.maximum(part.get_column("usual").to_numpy(), 0) - days))),
            "within_one_day": float(np.nanmean(np.abs(p50 - days) <= 1)),
            "pinball": pinball(part),
            "coverage_80": float(np.mean((np.nan_to_num(p10) <= days) & (days <= np.nan_to_num(p90, nan=1e9)))),
            "width_80_days": float(np.nanmean(p90 - p10)),
            "base_rate": float(late.mean()) if len(late) else 0.0,
            "average_precision": average_precision(late, risk[asked]),
            "brier": float(np.mean((risk[asked] - late) ** 2)) if len(late) else 0.0,
        }
    return found


def pinball(part: pl.DataFrame) -> float:
    """Mean loss over the four quantiles shown."""
    days = part.get_column("days").to_numpy()
    losses = []
    for name, level in (("p10", 0.1), ("p50", 0.5), ("p80", 0.8), ("p90", 0.9)):
        over = days - np.nan_to_num(part.get_column(name).to_numpy(), nan=float(EDGES[-1]))
        losses.append(np.mean(np.maximum(level * over, (level - 1) * over)))
    return float(np.mean(losses))


def average_precision(is_late: Any, risk: Reals) -> float:
    """Area under precision and recall: the mean precision at each parcel that was late."""
    if not len(is_late) or not is_late.any():
        return 0.0
    hits = is_late[np.argsort(-risk, kind="stable")]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())


def _is_as_good(folder: Path, before: str, snapshots: pl.DataFrame, backtest: pl.DataFrame) -> bool:
    """Whether the challenger may take over, by the newest outcomes. The champion may have seen some: it is favoured."""
    import polars as pl

    try:
        champion = records.load(folder, before)
    except BuildError:
        return True
    ours, theirs = 0.0, 0.0
    for kind, model in champion.hazards.items():
        mine = backtest.filter((pl.col("kind") == kind) & pl.col("is_outcome"))
        asked = snapshots.filter(pl.col("kind") == kind).join(
            mine.select("case_id", "moment"), on=["case_id", "moment"], how="semi"
        )
        if asked.height:
            ours += pinball(mine)
            theirs += pinball(_judged(asked, model.curves(asked)))
    return ours <= theirs * WORSE


def write_card(folder: Path, about: dict[str, Any]) -> None:
    """The model card, from the records."""
    template = Path(__file__).with_name("CARD.md").read_text(encoding="utf-8")
    lines = [
        f"| {kind} | {name} | {value:,.3f} |"
        for kind, found in about["metrics"].items()
        for name, value in found.items()
    ]
    values = {name: str(value) for name, value in about.items() if name != "metrics"}
    (folder / "CARD.md").write_text(template.format(**values, metrics="\n".join(lines)), encoding="utf-8")


if __name__ == "__main__":
    where = Path(sys.argv[1])
    report_of_this = main(where, json.loads(sys.argv[2]))
    (where / "training" / _REPORT).write_text(json.dumps(report_of_this), encoding="utf-8")
