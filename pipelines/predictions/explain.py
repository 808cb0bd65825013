"""Why a prediction was made, from its row in the history alone: the features as they were, the model, the reasons."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipelines.domain.errors import BuildError
from pipelines.predictions import records
from pipelines.predictions.curves import Reals
from pipelines.predictions.features import CATEGORIES, GROUP_OF, NUMBERS, WORDS
from pipelines.predictions.score import MODEL, NOTHING, against, figures, model_curves

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Explanation:
    """A prediction as it was made, the same numbers computed again, and what spoke against arrival on the promised day.

    `against`: words -> log odds, most first; negative speaks for arrival. Empty where no model was asked.
    """

    row: dict[str, Any]
    stated: dict[str, float | None]
    again: dict[str, float | None]
    against: dict[str, float]

    @property
    def text(self) -> str:
        """For people."""
        row, shown = self.row, self.stated
        by = f"model {row['model_id']}" if row["basis"] == MODEL else f"basis: {row['basis']}"
        lines = [
            f"{row['kind']} {row['case_id']} as of {row['moment']:%Y-%m-%d %H:%M} UTC, {by}",
            f"  promised {row['promised_date']}; expected {row['p50_date']}, between {row['p10_date']} and "
            f"{row['p90_date']}; misses its promise with {_percent(shown['miss_probability'])}",
            f"  computed again from these features: {'the same' if self.is_same else self.again}",
        ]
        for words, weight in self.against.items():
            own = [
                f"{name} {_value(row[name])}"
                for name, group in GROUP_OF.items()
                if WORDS[group] == words and name in row
            ]
            lines.append(f"  {weight:+6.2f}  {words}: {', '.join(own)}")
        return "\n".join(lines)

    @property
    def is_same(self) -> bool:
        """Whether computing it again gave the same numbers."""
        return self.again == self.stated


def explain(folder: Path, case: str, day: str = "") -> Explanation:
    """Explain the newest prediction for a parcel or order (or that of a day, YYYY-MM-DD), by its id.

    Raises BuildError when nothing was predicted for it, or its model is gone.
    """
    import polars as pl

    row = _found(folder, case, day)
    if row is None:
        when = f" on {day}" if day else ""
        raise BuildError(f"nothing was predicted for {case}{when}; ids are those of at_risk: shipment_id or order_id")
    kind, basis = row.item(0, "kind"), row.item(0, "basis")
    speaks: dict[str, float] = {}
    if basis == MODEL:
        model = records.load(folder, row.item(0, "model_id"))
        curves = model_curves(model, kind, row)
        weights = against(model.hazards[kind], row)[0]
        speaks = dict(sorted(zip(WORDS.values(), weights.tolist(), strict=True), key=lambda one: -one[1]))
    elif basis == NOTHING:
        curves = np.full((1, 1), np.nan)
    else:
        curves = np.array([row.item(0, "usual_curve").to_list()])
    again = _plain(figures(row, curves))
    stated = {name: row.item(0, name) for name in again}
    features = [*CATEGORIES, *NUMBERS, "kind", "case_id", "moment", "basis", "model_id", "reasons"]
    features += [name for name in row.columns if name.endswith("_date")]
    return Explanation(row.select(pl.col(dict.fromkeys(features))).row(0, named=True), stated, again, speaks)


def _found(folder: Path, case: str, day: str) -> pl.DataFrame | None:
    import polars as pl

    for path in reversed(records.history(folder)):
        if day and path.parent.name != f"as_of={day}":
            continue
        rows = pl.read_parquet(path, hive_partitioning=False)
        own = rows.filter((pl.col("case_id") == case) | (pl.col("order_id") == case))
        if own.height:
            return own.sort("moment", "kind", "case_id").tail(1)
    return None


def _plain(found: dict[str, Reals]) -> dict[str, float | None]:
    return {name: None if np.isnan(values[0]) else float(values[0]) for name, values in found.items()}


def _percent(chance: float | None) -> str:
    return "an unknown chance" if chance is None else f"a chance of {chance:.0%}"


def _value(value: object) -> str:
    return "unknown" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
