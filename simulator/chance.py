"""Counter-based chance: a draw depends on the seed, the purpose and the thing it is for, and on nothing else.

That is what makes a world the same whatever the order, the chunks or the number of threads it is computed in.
"""

from __future__ import annotations

import hashlib
from functools import cache
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.uint64]
Reals = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Array = npt.NDArray[Any]

_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_A: Final = np.uint64(0xFF51AFD7ED558CCD)
_MIX_B: Final = np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT: Final = np.uint64(33)


def _mix(x: Ids) -> Ids:
    """In place: the finaliser of MurmurHash3, twice as good when applied twice."""
    x ^= x >> _SHIFT
    x *= _MIX_A
    x ^= x >> _SHIFT
    x *= _MIX_B
    x ^= x >> _SHIFT
    return x


@cache
def _normal_table() -> tuple[Reals, Reals]:
    steps = np.linspace(0.0, 1.0, 4097)
    values = [NormalDist().inv_cdf(min(max(p, 1e-5), 1 - 1e-5)) for p in steps.tolist()]
    return steps, np.round(np.array(values), 9)


class Chance:
    """Draws of one seed. `ids` name the things drawn for; `purpose` names the question asked about them."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._keys: dict[str, np.uint64] = {}

    def _key(self, purpose: str) -> np.uint64:
        if purpose not in self._keys:
            digest = hashlib.blake2b(f"{self.seed}/{purpose}".encode(), digest_size=8).digest()
            self._keys[purpose] = np.uint64(int.from_bytes(digest, "little"))
        return self._keys[purpose]

    def bits(self, ids: Array, purpose: str) -> Ids:
        """64 random bits for each id."""
        key = self._key(purpose)
        with np.errstate(over="ignore"):
            x = ids.astype(np.uint64) * _STEP
            x += key
            x = _mix(x)
            x ^= key
            return _mix(x)

    def uniform(self, ids: Array, purpose: str) -> Reals:
        """Uniform in [0, 1)."""
        return np.asarray((self.bits(ids, purpose) >> np.uint64(11)) * 2.0**-53, dtype=np.float64)

    def below(self, ids: Array, purpose: str, limit: int) -> Ints:
        """An integer from 0 to limit - 1."""
        return np.minimum((self.uniform(ids, purpose) * limit).astype(np.int64), limit - 1)

    def happens(self, ids: Array, purpose: str, chance: Any) -> Flags:
        """True with the given chance (a number, or one for each id)."""
        return np.asarray(self.uniform(ids, purpose) < chance)

    def normal(self, ids: Array, purpose: str) -> Reals:
        """Standard normal, from a table of quantiles (cut off beyond 4.3)."""
        steps, values = _normal_table()
        return np.interp(self.uniform(ids, purpose), steps, values)

    def logit(self, ids: Array, purpose: str) -> Reals:
        """Standard logistic."""
        u = np.clip(self.uniform(ids, purpose), 1e-9, 1 - 1e-9)
        return np.asarray(np.log(u / (1 - u)))

    def choose(self, ids: Array, purpose: str, weights: Any) -> Ints:
        """Index of an option; `weights` is one row for all, or a row for each id."""
        shares = np.asarray(weights, dtype=np.float64)
        edges = np.cumsum(shares, axis=-1)
        u = self.uniform(ids, purpose)
        if edges.ndim == 1:
            place = np.searchsorted(edges / edges[-1], u, side="right")
            return np.asarray(np.minimum(place, len(edges) - 1), dtype=np.int64)
        passed = (u[:, None] * edges[:, -1:] >= edges).sum(axis=1)
        return np.asarray(np.minimum(passed, edges.shape[1] - 1), dtype=np.int64)


def shuffle(ids: Array, bits: int = 42) -> Ids:
    """A fixed one-to-one scattering of the numbers below 2**bits (`bits` even): ids that tell nothing about order."""
    half = np.uint64(bits // 2)
    mask = np.uint64((1 << (bits // 2)) - 1)
    left, right = ids.astype(np.uint64) >> half, ids.astype(np.uint64) & mask
    with np.errstate(over="ignore"):
        for turn in range(4):
            scattered = _mix(right * _STEP + np.uint64(turn * 7919 + 1)) & mask
            left, right = right, left ^ scattered
    return np.asarray((left << half) | right, dtype=np.uint64)
