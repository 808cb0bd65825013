"""Intervals recalibrated day by day, only ever with outcomes that had become known, and the naive ones beside them."""

from __future__ import annotations

import numpy as np

from benchmarks.delays.scores import Flags, Reals

_STEP = 0.004  # how far one outcome moves the ends, as a share of the half width
_WINDOW = 90  # days of outcomes that lane x month quantiles are taken from
_FEW = 20


def recalibrated(
    low: Reals, middle: Reals, high: Reals, asked_at: Reals, came: Reals, share: float
) -> tuple[Reals, Reals]:
    """Each end moved so that `share` of what came lies beyond it (quantile tracking, as in conformal control).

    An end is its distance from the median times a factor. An outcome known on a day moves the factor for those asked
    about on later days: outwards when it lay beyond the end, inwards, `share` as strongly, when it did not.
    """
    down, up = np.maximum(middle - low, 0.5), np.maximum(high - middle, 0.5)
    factor = np.ones((len(middle), 2))
    now = np.ones(2)
    day_asked = np.floor(asked_at).astype(int)
    known = np.where(np.isnan(came), np.inf, np.floor(came))
    for day in range(day_asked.min(), day_asked.max() + 1):
        rows = np.flatnonzero((known == day - 1) & (day_asked < day))
        for row in rows:
            beyond = np.array(
                [
                    came[row] < middle[row] - factor[row, 0] * down[row],
                    came[row] > middle[row] + factor[row, 1] * up[row],
                ]
            )
            now = np.maximum(now + _STEP * (beyond - share), 0.05)
        factor[day_asked == day] = now
    return middle - factor[:, 0] * down, middle + factor[:, 1] * up


def lane_months(lane: np.ndarray, bought: Reals, asked_at: Reals, came: Reals) -> tuple[Reals, Reals]:
    """The 10 % and 90 % quantiles of a lane's days known before each month, conformalised on the month before."""
    low, high = np.full(len(came), np.nan), np.full(len(came), np.nan)
    took = came - bought
    month = np.floor(asked_at / 30)
    for one in np.unique(month):
        start = one * 30
        rows = np.flatnonzero(month == one)
        fits = np.flatnonzero((came < start - 30) & (came >= start - 30 - _WINDOW))
        newest = np.flatnonzero((came < start) & (came >= start - 30))
        fits = fits if len(fits) else newest
        if not len(newest):
            continue
        around = {
            name: np.quantile(took[fits][lane[fits] == name], [0.1, 0.9])
            for name in np.unique(lane[fits])
            if (lane[fits] == name).sum() >= _FEW
        }
        usual = np.quantile(took[fits], [0.1, 0.9])
        ends = np.array([around.get(name, usual) for name in lane])
        miss = np.maximum(ends[newest, 0] - took[newest], took[newest] - ends[newest, 1])
        more = np.quantile(miss, 0.8)
        low[rows], high[rows] = bought[rows] + ends[rows, 0] - more, bought[rows] + ends[rows, 1] + more
    return low, high


def coverage(low: Reals, high: Reals, came: Reals, which: Flags) -> tuple[float, float]:
    """The share that came between the ends, and their mean distance in days."""
    own = which & ~np.isnan(low)
    return float(((low <= came) & (came <= high))[own].mean()), float((high - low)[own].mean())
