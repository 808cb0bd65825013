"""Equally long numpy columns under one name: the form in which a block of the world is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from simulator.chance import Array


class Columns:
    """`columns.name` is an array; all have the same length."""

    def __init__(self, data: Mapping[str, Array]) -> None:
        self.data = dict(data)

    def __getattr__(self, name: str) -> Array:
        try:
            return self.__dict__["data"][name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(name) from None

    def __len__(self) -> int:
        return len(next(iter(self.data.values())))

    def set(self, **arrays: Array) -> None:
        """Add or replace columns."""
        self.data.update(arrays)

    def take(self, rows: Array) -> Columns:
        """The rows of a mask or of an index."""
        return Columns({name: values[rows] for name, values in self.data.items()})

    def frame(self, *names: str) -> pl.DataFrame:
        """The named columns (all without a name) for polars."""
        return pl.DataFrame({name: self.data[name] for name in names or self.data})


def stack(parts: Sequence[Columns]) -> Columns:
    """Rows of several blocks after one another; they have the same columns."""
    return Columns({name: np.concatenate([part.data[name] for part in parts]) for name in parts[0].data})
