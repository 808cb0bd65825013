"""Chances over time: from the hazard of each operating day to delivery-date quantiles, and their calibration.

A curve says with what chance a parcel is delivered within so many operating days, today being day 0. It is a list of
chances at the edges below, exact by day for the first week, wider after. All arithmetic, no models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Reals = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

# bin i holds the operating days from EDGES[i] to EDGES[i + 1] - 1
EDGES: Final = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 19, 24, 30, 38, 48, 60)
BINS: Final = len(EDGES) - 1
LEVELS: Final = (0.05, 0.1, 0.5, 0.8, 0.9, 0.95)
_GRID: Final = np.linspace(0, 1, 41)
FEWEST: Final = 300  # outcomes that a group of its own is calibrated on


def bin_of(days: npt.ArrayLike) -> Ints:
    """The bin that holds each number of operating days; negative ones count as today, later ones as the last."""
    return np.clip(np.searchsorted(EDGES, np.asarray(days), side="right") - 1, 0, BINS - 1).astype(np.int64)


def within(curves: Reals, days: Reals) -> Reals:
    """Chance of delivery within so many operating days (not a number: unknown; negative: the moment is over)."""
    days = np.minimum(days, EDGES[-1] - 1)
    known = np.nan_to_num(days, nan=0.0)
    place = bin_of(known)
    upper = np.take_along_axis(curves, place[:, None], 1)[:, 0]
    lower = np.where(place > 0, np.take_along_axis(curves, np.maximum(place - 1, 0)[:, None], 1)[:, 0], 0.0)
    edges = np.asarray(EDGES, dtype=np.float64)
    share = (known + 1 - edges[place]) / (edges[place + 1] - edges[place])
    chance = lower + (upper - lower) * np.clip(share, 0, 1)
    return np.where(np.isnan(days), np.nan, np.where(known < 0, 0.0, chance))


def quantile(curves: Reals, level: float) -> Reals:
    """The first operating day by whose end delivery has at least that chance; not a number where it never has."""
    days: Reals = np.maximum(np.ceil(moment(curves, level) - 1e-6) - 1, 0)
    return days


def moment(curves: Reals, level: float) -> Reals:
    """The same as a moment within the day: operating days, and a share of one, from the start of today."""
    reached = curves >= level - 1e-9
    place = np.argmax(reached, axis=1)
    edges = np.asarray(EDGES, dtype=np.float64)
    upper = np.take_along_axis(curves, place[:, None], 1)[:, 0]
    lower = np.where(place > 0, np.take_along_axis(curves, np.maximum(place - 1, 0)[:, None], 1)[:, 0], 0.0)
    share = np.clip((level - lower) / np.maximum(upper - lower, 1e-9), 0, 1)
    return np.where(reached.any(axis=1), edges[place] + share * (edges[place + 1] - edges[place]), np.nan)


def arriving(curves: Reals) -> Reals:
    """The same for those that arrive at all: which day, should it come, apart from whether."""
    return curves / np.maximum(curves[:, -1:], 1e-9)


def positions(curves: Reals, days: Reals, draws: Reals) -> Reals:
    """Where each outcome lies on its curve, from 0 to 1: evenly spread if the curves are right."""
    before, after = within(curves, days - 1), within(curves, days)
    return before + draws * (after - before)


def spread(positions: Reals, is_outcome: Flags) -> Reals:
    """The distribution of positions at the points of a grid, outcomes still open taken into account (Kaplan-Meier).

    No library does this: those for conformal prediction want every outcome, and the slow ones are those still open.
    """
    order = np.argsort(positions, kind="stable")
    at, ended = positions[order], is_outcome[order]
    left = len(at) - np.arange(len(at))
    survival = np.cumprod(1 - ended / np.maximum(left, 1))
    place = np.searchsorted(at, _GRID, side="right") - 1
    reached = np.where(place >= 0, 1 - survival[np.maximum(place, 0)], 0.0)
    reached[0] = 0.0
    return np.maximum.accumulate(reached)


@dataclass(frozen=True)
class Calibration:
    """What chances have really meant, by stage: a stated chance -> how often it came true."""

    maps: Mapping[str, Sequence[float]]

    @classmethod
    def learn(cls, stages: npt.NDArray[np.str_], positions: Reals, is_outcome: Flags) -> Calibration:
        """From outcomes that the model had not seen. A stage with few of them goes by all stages together."""
        maps: dict[str, Sequence[float]] = {}
        if is_outcome.sum() >= FEWEST:
            maps["*"] = spread(positions, is_outcome).tolist()
        for stage in np.unique(stages):
            own = stages == stage
            if is_outcome[own].sum() >= FEWEST:
                maps[str(stage)] = spread(positions[own], is_outcome[own]).tolist()
        return cls(maps)

    def apply(self, curves: Reals, stages: npt.NDArray[np.str_]) -> Reals:
        """The curves with every chance replaced by what it has meant."""
        out = curves.copy()
        for stage in np.unique(stages):
            points = self.maps.get(str(stage), self.maps.get("*"))
            if points is not None:
                own = stages == stage
                out[own] = np.interp(curves[own], _GRID, points)
        return out
