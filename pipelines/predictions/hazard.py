"""One model: the chance that an open parcel is delivered on an operating day, given that it was not before.

Trained on days, so that an open parcel counts for the days it has survived and none has to be dropped. The chances of a
day give the whole curve of delivery, and with it every quantile and the risk of missing any date.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pipelines.predictions.curves import BINS, EDGES, Reals, bin_of
from pipelines.predictions.features import CATEGORIES, NAMES, Encoder, Matrix, at_step

if TYPE_CHECKING:
    import lightgbm as lgb
    import polars as pl

ROUNDS: Final = 110
_ENOUGH: Final = 0.93  # chance of delivery beyond which no further day is computed one by one
_CHUNK: Final = 100_000
PARAMETERS: Final[dict[str, Any]] = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 31,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.6,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "cat_smooth": 20,
    "max_bin": 127,
    "seed": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbose": -1,
}


@dataclass(frozen=True)
class Hazard:
    """A trained model and the encoding of what it looks at."""

    booster: lgb.Booster
    encoder: Encoder

    def curves(self, frame: pl.DataFrame) -> Reals:
        """One curve a snapshot, before calibration."""
        matrix = self.encoder.matrix(frame)
        parts = [self._curves(matrix[start : start + _CHUNK]) for start in range(0, len(matrix), _CHUNK)]
        return np.concatenate(parts) if parts else np.zeros((0, BINS))

    def _curves(self, rows: Matrix) -> Reals:
        survival = np.ones(len(rows))
        curves = np.zeros((len(rows), BINS))
        last = np.zeros(len(rows))
        active = np.arange(len(rows))
        for place in range(BINS):
            if len(active):
                asked = rows[active]
                at_step(asked, EDGES[place])
                last[active] = np.asarray(self.booster.predict(asked, validate_features=False))
            survival = survival * (1 - last)
            curves[:, place] = 1 - survival
            active = active[survival[active] > 1 - _ENOUGH]
        return curves


def fit(frame: pl.DataFrame, days: Reals, survived: Reals, rounds: int = ROUNDS) -> Hazard:
    """Train on snapshots: `days` until delivery (not a number: none yet), else the operating days `survived`."""
    import lightgbm as lgb

    encoder = Encoder.of(frame)
    rows, labels = expand(encoder.matrix(frame), days, survived)
    data = lgb.Dataset(
        rows, labels, feature_name=list(NAMES), categorical_feature=list(range(len(CATEGORIES))), free_raw_data=True
    )
    return Hazard(lgb.train(PARAMETERS, data, rounds), encoder)


def expand(matrix: Matrix, days: Reals, survived: Reals) -> tuple[Matrix, Reals]:
    """One row per snapshot and bin that it lived through or was delivered in; 1 where it was delivered."""
    is_outcome = ~np.isnan(days)
    lived = bin_of(np.nan_to_num(days)) + 1
    complete = np.searchsorted(EDGES, np.nan_to_num(survived, nan=-1) + 1, side="right") - 1  # bins wholly survived
    bins = np.where(is_outcome, lived, np.clip(complete, 0, BINS)).astype(np.int64)
    source = np.repeat(np.arange(len(matrix)), bins)
    place = np.arange(len(source)) - np.repeat(np.cumsum(bins) - bins, bins)
    rows = matrix[source]
    at_step(rows, np.asarray(EDGES, dtype=np.float64)[place])
    labels = (is_outcome[source] & (place == bins[source] - 1)).astype(np.float64)
    return rows, labels
