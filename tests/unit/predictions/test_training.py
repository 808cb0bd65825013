"""Training on a small made-up history: what is kept, what is reported, that it loads again, that leaks are seen."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.predictions import backtest, records, training
from pipelines.predictions.curves import quantile
from pipelines.predictions.features import CATEGORIES, NUMBERS
from pipelines.predictions.score import predicted

AS_OF = datetime(2026, 6, 1)


def snapshots(rows: int = 4000) -> pl.DataFrame:
    """Parcels whose lane decides: two days on lane A, five on lane B, one more on every third parcel."""
    random = np.random.default_rng(4)
    moments = [AS_OF - timedelta(days=float(back)) for back in random.uniform(0, 60, rows)]
    lane = random.choice(["A", "B"], rows)
    days = np.where(lane == "A", 2, 5) + (random.random(rows) < 0.33)
    numbers = {name: np.full(rows, 1.0) for name in NUMBERS}
    texts = {name: ["x"] * rows for name in CATEGORIES}
    known = [moment.date() + timedelta(days=int(took)) for moment, took in zip(moments, days, strict=True)]
    is_open = np.array([day >= AS_OF.date() for day in known])
    no = np.array([(moment.date() - date(2026, 1, 1)).days for moment in moments])
    today = (AS_OF.date() - date(2026, 1, 1)).days
    frame = pl.DataFrame(
        {
            **numbers,
            **texts,
            "kind": ["transit"] * rows,
            "case_id": [str(number) for number in range(rows)],
            "moment": moments,
            "local_date": [moment.date() for moment in moments],
            "operating_no": no,
            "slack_days": np.full(rows, 4.0),
            "usual_parcels": np.full(rows, 50),
            "lane_parcels": np.full(rows, 50),
            "usual_days": np.where(lane == "A", 2.0, 5.0),
            "days_since_acceptance": np.zeros(rows),
            "outcome_days": days,
            "outcome_survived_days": today - no - 1,
            "outcome_is_gone": np.zeros(rows, dtype=bool),
            "outcome_delivered_date": known,
        }
    ).with_columns(lane=pl.Series(lane))
    hidden = pl.Series(is_open)
    return frame.with_columns(
        pl.when(hidden).then(None).otherwise(pl.col(name)).alias(name)
        for name in ("outcome_days", "outcome_delivered_date")
    )


def calendar() -> pl.DataFrame:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(300)]
    return pl.DataFrame(
        {"carrier": ["x"] * 300, "destination_country": ["x"] * 300, "day": days, "operating_no": list(range(300))}
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("predictions")
    (folder / "training").mkdir()
    snapshots().write_parquet(folder / "training" / "int_training_snapshots.parquet")
    calendar().write_parquet(folder / "training" / "int_operating_days.parquet")
    given = {"model_id": "m1", "as_of": AS_OF.isoformat(), "code_version": "test", "limit": 100_000}
    return folder, training.main(folder, given)


def test_the_first_model_is_used_and_beats_the_usual(trained: tuple[Path, dict]):
    folder, report = trained
    found = report["metrics"]["transit"]
    assert report["promoted"] and records.champion(folder) == "m1"
    assert found["mae_days"] <= found["mae_days_lane_usual"] + 0.05
    assert found["coverage_80"] > 0.78
    assert "m1" in (folder / "CARD.md").read_text()


def test_a_kept_model_is_text_and_gives_the_same_numbers_twice(trained: tuple[Path, dict]):
    folder, _ = trained
    assert (folder / "models" / "m1" / "transit.txt").read_text().startswith("tree")
    frame = snapshots(300)
    first, again = (records.load(folder, "m1").hazards["transit"].curves(frame) for _ in range(2))
    assert (first == again).all()
    lanes = frame.get_column("lane").to_numpy()
    p50 = quantile(first, 0.5)
    assert np.nanmedian(p50[lanes == "A"]) < np.nanmedian(p50[lanes == "B"])


def test_without_model_or_outcomes_rows_say_what_they_go_by(trained: tuple[Path, dict]):
    folder, _ = trained
    frame = snapshots(50)
    nothing = pl.DataFrame(
        schema={"kind": pl.String, "lane": pl.String, "service": pl.String, "days": pl.Int32, "parcels": pl.Int64}
    )
    usual = pl.DataFrame({"kind": ["transit"], "lane": ["A"], "service": ["x"], "days": [2], "parcels": [40]})
    cold = predicted(frame, None, nothing, calendar())
    assert set(cold.get_column("basis")) == {"none"} and cold.get_column("p50_date").null_count() == 50
    lane = predicted(frame, None, usual, calendar())
    assert set(lane.get_column("basis")) == {"lane quantiles"}
    for unseen in (
        {"carrier": pl.lit("never seen")},
        {"service": pl.lit("never seen")},
        {"lane_parcels": pl.lit(None, dtype=pl.Int64)},
    ):
        new = frame.with_columns(**unseen)
        found = predicted(new, records.load(folder, "m1"), usual, calendar())
        assert set(found.get_column("basis")) == {"lane quantiles"}
    assert set(predicted(frame, records.load(folder, "m1"), usual, calendar()).get_column("basis")) == {"model"}


def test_what_was_not_known_at_an_origin_is_not_learned_from():
    frame = snapshots(500)
    origin = AS_OF - timedelta(days=14)
    days, _ = backtest.answers(frame, calendar(), origin)
    delivered = frame.get_column("outcome_delivered_date").fill_null(date.max).to_numpy()
    assert np.isnan(days[delivered >= np.datetime64(origin.date())]).all()
    assert not np.isnan(days[delivered < np.datetime64(origin.date())]).any()


def test_too_few_outcomes_train_nothing(tmp_path: Path):
    (tmp_path / "training").mkdir()
    snapshots(100).write_parquet(tmp_path / "training" / "int_training_snapshots.parquet")
    calendar().write_parquet(tmp_path / "training" / "int_operating_days.parquet")
    given = json.loads(
        json.dumps({"model_id": "m2", "as_of": AS_OF.isoformat(), "code_version": "test", "limit": 100_000})
    )
    assert training.main(tmp_path, given)["model_id"] == ""
