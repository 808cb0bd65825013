"""Intervals recalibrated day by day, only ever with outcomes that had become known, and the naive ones beside them."""

from __future__ import annotations

import numpy as np

from benchmarks.delays.scores import Flags, Reals

_STEPS = np.array([0.005, 0.01, 0.02, 0.04, 0.08])  # days that one outcome beyond an end moves it
_WINDOW = 90  # days of outcomes that lane x month quantiles are taken from
_FEW = 20


def recalibrated(low: Reals, high: Reals, asked_at: Reals, came: Reals, share: float) -> tuple[Reals, Reals]:
    """Each end moved so that `share` of what came lies beyond it (quantile tracking, as in conformal control).

    An outcome known on a day moves the ends for those asked about on later days: outwards when it lay beyond, inwards,
    `share` as far, when it did not. How far is nobody's choice: each day goes by the step that would have had the least
    quantile loss on all outcomes known until then.
    """
    moved, now, loss = np.zeros((len(low), 2, len(_STEPS))), np.zeros((2, len(_STEPS))), np.zeros((2, len(_STEPS)))
    chosen = np.zeros((len(low), 2))
    day_asked = np.floor(asked_at).astype(int)
    known = np.where(np.isnan(came), np.inf, np.floor(came))
    for day in range(day_asked.min(), day_asked.max() + 1):
        for row in np.flatnonzero((known == day - 1) & (day_asked < day)):
            beyond = np.array([[low[row] - came[row]], [came[row] - high[row]]])
            stated = beyond - moved[row]
            loss += np.maximum((1 - share) * stated, -share * stated)
            now = now + _STEPS * ((beyond > now) - share)
        own = day_asked == day
        moved[own] = now
        chosen[own] = np.take_along_axis(now, loss.argmin(axis=1)[:, None], 1)[:, 0]
    return low - chosen[:, 0], high + chosen[:, 1]


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
