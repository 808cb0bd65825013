"""The measures of metrics.md that both benchmarks share."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipelines.predictions.training import average_precision

Reals = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

__all__ = ["average_precision", "mae", "recall_at"]


def mae(predicted: Reals, truth: Reals) -> float:
    """Mean absolute error."""
    return float(np.abs(predicted - truth).mean())


def recall_at(precision: float, is_late: Flags, risk: Reals) -> float:
    """The largest share of what was late that is found while at least `precision` of what is listed is late."""
    hits = is_late[np.argsort(-risk, kind="stable")].cumsum()
    precise = hits / np.arange(1, len(hits) + 1) >= precision
    return float(hits[precise].max(initial=0) / max(is_late.sum(), 1))
