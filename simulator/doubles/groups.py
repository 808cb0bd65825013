"""Records that belong to others: the versions of a record, or its children, as they stood at a moment."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from simulator.doubles.shelf import Ints

Row = dict[str, Any]


def microseconds(times: pl.Series) -> Ints:
    """Times as integers since 1970."""
    return np.asarray(times.cast(pl.Datetime("us")).cast(pl.Int64).to_numpy(), dtype=np.int64)


def numbered(ids: pl.Series, of: pl.Series) -> Ints:
    """The place of each of `ids` in `of`; -1 where it is not there."""
    table = pl.DataFrame({"id": of, "row": np.arange(len(of))}).unique("id", keep="first")
    found = pl.DataFrame({"id": ids}).join(table, on="id", how="left", maintain_order="left")["row"]
    return np.asarray(found.fill_null(-1).to_numpy(), dtype=np.int64)


class Group:
    """Records by the row of what they belong to, in order of arrival."""

    def __init__(self, frame: pl.DataFrame, rows: Ints, count: int, arrives: str = "arrives_at") -> None:
        at = microseconds(frame[arrives])
        kept = np.flatnonzero(rows >= 0)
        order = kept[np.lexsort((at[kept], rows[kept]))]
        self.frame, self.rows, self.at = frame[order], rows[order], at[order]
        self.bounds = np.searchsorted(self.rows, np.arange(count + 1))

    def _end(self, row: int, moment: int) -> tuple[int, int]:
        start, end = int(self.bounds[row]), int(self.bounds[row + 1])
        return start, start + int(np.searchsorted(self.at[start:end], moment, side="right"))

    def latest(self, rows: list[int], as_of: list[int]) -> list[Row | None]:
        """The last version of each that has arrived."""
        ends = [self._end(row, at) for row, at in zip(rows, as_of, strict=True)]
        there = [end - 1 for start, end in ends if end > start]
        found = iter(self.frame[there].to_dicts() if there else [])
        return [next(found) if end > start else None for start, end in ends]

    def all(self, rows: list[int], as_of: list[int]) -> list[list[Row]]:
        """Everything of each that has arrived."""
        ends = [self._end(row, at) for row, at in zip(rows, as_of, strict=True)]
        index = [place for start, end in ends for place in range(start, end)]
        found = self.frame[index].to_dicts() if index else []
        result, done = [], 0
        for start, end in ends:
            result.append(found[done : done + end - start])
            done += end - start
        return result
