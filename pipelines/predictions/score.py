"""What is predicted in a refresh: every open parcel and every order that no carrier has yet.

Where no model is trained, or it has hardly seen the carrier, the service or the lane, the days that others took on the
lane speak, and the row says so. Everything predicted goes to the history with the features as they were.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pipelines.predictions import records
from pipelines.predictions.curves import BINS, EDGES, Reals, arriving, quantile, within
from pipelines.predictions.features import GROUP_OF, KINDS, NAMES, WORDS, at_step
from pipelines.warehouse.connection import Engine, open_warehouse

if TYPE_CHECKING:
    import polars as pl

    from pipelines.predictions.hazard import Hazard

FEW: Final = 10  # deliveries of which a distribution can be made
_THIN: Final = 3  # outcomes on a lane in eight weeks below which no model is asked about it
_EXPLAINED: Final = 2_000  # the riskiest get their reasons at once; any other on request
_UNLIKELY: Final = 0.1  # chance of a miss below which there is nothing to explain
_STRONG: Final = 0.15  # contribution to the log odds from which a reason counts
MODEL: Final = "model"
USUAL: Final = "lane quantiles"
NOTHING: Final = "none"
_SHOWN: Final = (("p10", 0.1), ("p50", 0.5), ("p80", 0.8), ("p90", 0.9))


@dataclass(frozen=True, slots=True)
class Scored:
    """How many rows, by which model, and how many of them by the lane's days instead."""

    rows: int
    model_id: str
    fallbacks: int


def score(engine: Engine, run_id: str, as_of: datetime) -> Scored:
    """Predict, keep the history, and fill the schema `predictions` for the outlook. Raises StorageError."""
    folder = records.root(engine.data_dir)
    chosen = records.champion(folder)
    with open_warehouse(engine) as connection:
        snapshots = connection.sql("select * from intermediate.int_open_snapshots order by kind, case_id").pl()
        model = records.load(folder, chosen) if chosen and snapshots.height else None
        days = connection.sql("select * from intermediate.int_transit_days").pl()
        calendar = connection.sql(
            "select carrier, destination_country, operating_no, min(day) as day from intermediate.int_operating_days "
            "group by all order by all"
        ).pl()
        rows = predicted(snapshots, model, days, calendar).with_columns(_literal("run_id", run_id))
        if rows.height:
            records.add_history(folder, run_id, as_of.strftime("%Y-%m-%d"), rows)
        connection.execute("create schema if not exists predictions")
        connection.register("_rows", rows)
        connection.execute("create or replace table predictions.current as select * from _rows")
        _show_history(connection, folder)
    return Scored(rows.height, chosen or "", int((rows.get_column("basis") != "model").sum()))


def predicted(
    snapshots: pl.DataFrame, model: records.Model | None, days: pl.DataFrame, calendar: pl.DataFrame
) -> pl.DataFrame:
    """The snapshots with what is predicted of them."""
    import polars as pl

    parts = []
    for kind in KINDS:
        frame = snapshots.filter(pl.col("kind") == kind)
        curves = usual_curves(frame, days)
        basis = np.where(np.isnan(curves[:, 0]), NOTHING, USUAL).astype(object)
        reasons = np.full(frame.height, "", dtype=object)
        if model is not None and kind in model.hazards and frame.height:
            own = np.flatnonzero(_is_familiar(frame, model.hazards[kind]) | (basis == NOTHING))
            known = frame[own]
            found = model_curves(model, kind, known)
            curves[own], basis[own] = found, MODEL
            risky = _risky(found, _slack(known))
            reasons[own[risky]] = strongest(model.hazards[kind], known[risky])
        parts.append(_answers(frame, curves, basis, reasons, calendar, model.model_id if model else ""))
    return pl.concat(parts)


def model_curves(model: records.Model, kind: str, frame: pl.DataFrame) -> Reals:
    """What a model says of snapshots of one kind, calibrated."""
    return model.calibrations[kind].apply(model.hazards[kind].curves(frame), stages(frame))


def stages(frame: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.str_]]:
    """Where in its life each snapshot stands: calibration goes by it."""
    return frame.get_column("last_milestone").fill_null("none").to_numpy().astype(str)


def _is_familiar(frame: pl.DataFrame, hazard: Hazard) -> Any:
    import polars as pl

    texts = hazard.encoder.texts
    named = pl.col("carrier").is_in(list(texts["carrier"])) & pl.col("service").is_in(list(texts["service"]))
    familiar = named & (pl.col("lane_parcels").fill_null(0) >= _THIN)
    return frame.select(familiar.fill_null(value=False)).to_series().to_numpy()


def usual_curves(frame: pl.DataFrame, days: pl.DataFrame) -> Reals:
    """Curves from the days that others took on the lane and service, else the service, else at all.

    `days` counts deliveries by kind, lane, service and operating days. Not a number where nothing was ever delivered.
    """
    import polars as pl

    curves = np.full((frame.height, BINS), np.nan)
    keys = (["kind", "lane", "service"], ["kind", "service"], ["kind"])
    elapsed = frame.get_column("days_since_acceptance").fill_null(0).to_numpy().clip(0, EDGES[-1] - 1)
    for key in keys:
        table = {tuple(group): part for group, part in days.group_by(key) if part.get_column("parcels").sum() >= FEW}
        for group, part in frame.with_row_index("_row").group_by(key):
            at = part.get_column("_row").to_numpy()
            at = at[np.isnan(curves[at, 0])]
            known = table.get(tuple(group))
            if known is None or not len(at):
                continue
            took = known.group_by("days").agg(pl.col("parcels").sum())
            counts = np.zeros(2 * EDGES[-1] + 1)
            counts[took.get_column("days").to_numpy().clip(0, EDGES[-1] - 1)] += took.get_column("parcels").to_numpy()
            curves[at] = _remaining(counts, elapsed[at].astype(int))
    return curves


def _remaining(counts: Reals, elapsed: Any) -> Reals:
    table = np.zeros((EDGES[-1], BINS))
    for gone in range(EDGES[-1]):
        ahead = counts[gone:]
        total = ahead.sum()
        upto = np.cumsum(ahead) / total if total else np.linspace(0, 0.5, len(ahead))
        table[gone] = upto[np.minimum(np.asarray(EDGES[1:]) - 1, len(ahead) - 1)]
    return np.asarray(table[elapsed])


def strongest(hazard: Hazard, frame: pl.DataFrame, most: int = 3) -> list[str]:
    """What speaks most against delivery by the promised day, in people's words; if nothing does, time is short."""
    if not frame.height:
        return []
    sums = against(hazard, frame)
    order = np.argsort(-sums, axis=1)[:, :most]
    words = np.array(list(WORDS.values()), dtype=object)
    return [
        "; ".join(words[place] for place in places if total[place] > _STRONG) or WORDS["promise"]
        for places, total in zip(order, sums, strict=True)
    ]


def against(hazard: Hazard, frame: pl.DataFrame) -> Reals:
    """How much each group of WORDS speaks against delivery on the promised day, in log odds, a row a snapshot."""
    rows = hazard.encoder.matrix(frame)
    at_step(rows, np.clip(np.nan_to_num(_slack(frame)), 0, 7))
    parts = np.asarray(hazard.booster.predict(rows, pred_contrib=True))[:, : len(NAMES)]
    groups = list(WORDS)
    sums = np.zeros((len(rows), len(groups)))
    for place, name in enumerate(NAMES):
        sums[:, groups.index(GROUP_OF[name])] -= parts[:, place]
    return sums


def _risky(curves: Reals, slack: Reals) -> Any:
    missing = 1 - np.where(np.isnan(slack), curves[:, -1], within(curves, slack))
    riskiest = np.argsort(-missing, kind="stable")[:_EXPLAINED]
    return np.sort(riskiest[missing[riskiest] >= _UNLIKELY])


def _slack(frame: pl.DataFrame) -> Reals:
    import polars as pl

    return frame.get_column("slack_days").cast(pl.Float64).fill_null(np.nan).to_numpy()


def _answers(
    frame: pl.DataFrame, curves: Reals, basis: Any, reasons: Any, calendar: pl.DataFrame, model_id: str
) -> pl.DataFrame:
    import polars as pl

    numbers = figures(frame, curves)
    now = frame.get_column("operating_no").cast(pl.Float64).fill_null(np.nan).to_numpy()
    counted = {
        f"{name}_no": pl.Series(now + numbers[f"{name}_days"], nan_to_null=True).cast(pl.Int32, strict=False)
        for name, _ in _SHOWN
    }
    usual = pl.Series("usual_curve", np.ascontiguousarray(curves), dtype=pl.Array(pl.Float64, BINS))
    out = frame.with_columns(
        *(pl.Series(name, values, nan_to_null=True) for name, values in numbers.items()),
        pl.Series("reasons", list(reasons), dtype=pl.String),
        pl.Series("basis", list(basis), dtype=pl.String),
        # what no model can say again is kept as it was
        pl.when(pl.Series(list(basis), dtype=pl.String) == USUAL)
        .then(usual.cast(pl.List(pl.Float64)))
        .alias("usual_curve"),
        _literal("model_id", model_id),
        *(series.alias(name) for name, series in counted.items()),
    )
    for name, _ in _SHOWN:
        dates = calendar.select(
            "carrier",
            "destination_country",
            pl.col("operating_no").alias(f"{name}_no"),
            pl.col("day").alias(f"{name}_date"),
        )
        out = out.join(dates, on=["carrier", "destination_country", f"{name}_no"], how="left", maintain_order="left")
        today = (pl.col(f"{name}_days") == 0) & pl.col(f"{name}_date").is_not_null()
        out = out.with_columns(
            pl.when(today).then(pl.col("local_date")).otherwise(f"{name}_date").alias(f"{name}_date")
        )
    return out.drop(f"{name}_no" for name, _ in _SHOWN)


def figures(frame: pl.DataFrame, curves: Reals) -> dict[str, Reals]:
    """What is shown of curves: operating days until each quantile, chance of a miss, chance that it never comes."""
    known = ~np.isnan(curves[:, 0])
    whole = np.nan_to_num(curves)
    found = {f"{name}_days": np.where(known, quantile(arriving(whole), level), np.nan) for name, level in _SHOWN}
    found["miss_probability"] = np.where(known, 1 - within(whole, _slack(frame)), np.nan)
    found["presumed_lost_probability"] = np.clip(1 - curves[:, -1], 0, 1)
    return found


def _literal(name: str, value: str) -> pl.Expr:
    import polars as pl

    return pl.lit(value, dtype=pl.String).alias(name)


def _show_history(connection: Any, folder: Path) -> None:
    """The newest four weeks of the history as a table, without features."""
    files = ", ".join("'" + str(path).replace("'", "''") + "'" for path in records.history(folder, 28))
    columns = (
        "kind, case_id, moment, carrier, lane, promised_date, local_date, p10_date, p50_date, p80_date, p90_date, "
    )
    columns += "miss_probability, basis, model_id"
    source = f"read_parquet([{files}], union_by_name = true)" if files else "predictions.current where false"
    connection.execute(f"create or replace table predictions.history as select {columns} from {source}")  # noqa: S608
