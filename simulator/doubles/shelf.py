"""A vendor's collection as it stands at a moment: which records there are, in what order, and pages of them.

Faults that disturb reading live here: a record read in an earlier state and edited right after (`edited`), a record
that moves from the unread part to behind it (`shift`), records given out twice (`duplicates`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from simulator.doubles.faults import Trouble

Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Timeline:
    """When each of n records comes into being and changes, in microseconds since 1970.

    `created` is what the vendor shows as its creation; without it, the first change.
    """

    def __init__(self, rows: Ints, at: Ints, count: int, created: Ints | None = None) -> None:
        order = np.lexsort((at, rows))
        self.rows, self.at, self.count = rows[order], at[order], count
        self.starts = np.searchsorted(self.rows, np.arange(count))
        first = self.at[self.starts] if count else self.at
        self.created: Ints = first if created is None else created

    def updated(self, moment: int) -> Ints:
        """Last change until the moment; below 0 for records that are not there yet."""
        if not self.count:
            return self.at
        return np.maximum.reduceat(np.where(self.at <= moment, self.at, -1), self.starts)

    def before_last(self, row: int, moment: int) -> int:
        """The change before the last one until the moment; the last one when it is the only one."""
        end = self.starts[row + 1] if row + 1 < self.count else len(self.at)
        own = self.at[self.starts[row] : end]
        distinct = np.unique(own[own <= moment])
        return int(distinct[-2] if len(distinct) > 1 else distinct[-1])


@dataclass(frozen=True, slots=True)
class Page:
    """Rows with the moment as of which each is shown, its time of update as shown; what follows."""

    rows: list[int]
    as_of: list[int]
    updated: list[int]
    total: int
    more: bool
    last: tuple[int, int] | None  # sort key and row of the last one: what a cursor holds


class Shelf:
    """Pages of a collection. Edits by faults are stamped after `moment`, one second apart."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.stamps: dict[int, int] = {}
        self._key: tuple[int, int] = (-1, -1)
        self._updated: Ints = timeline.at
        self._orders: dict[str, Ints] = {}
        self._served: set[int] = set()

    def _stamp(self, row: int, moment: int) -> None:
        self.stamps[row] = moment + 1_000_000 * (len(self.stamps) + 1)

    def updated(self, moment: int) -> Ints:
        """Last change of every record as shown; below 0 where there is none yet."""
        key = (moment, len(self.stamps))
        if key != self._key:
            self._updated = self.timeline.updated(moment)
            for row, at in self.stamps.items():
                if self._updated[row] >= 0:
                    self._updated[row] = max(at, self._updated[row])
            self._key, self._orders = key, {}
        return self._updated

    def _sorted(self, by: str, moment: int) -> Ints:
        updated = self.updated(moment)
        if by not in self._orders:
            key = updated if by == "updated" else self.timeline.created
            order = np.lexsort((np.arange(len(key)), key))
            self._orders[by] = order[updated[order] >= 0]
        return self._orders[by]

    def page(
        self,
        moment: int,
        size: int,
        by: str = "updated",
        descending: bool = False,
        where: Mask | None = None,
        after: tuple[int, int] | None = None,
        trouble: Trouble | None = None,
    ) -> Page:
        """`size` records after a cursor, in the order of `by` ("updated", "created")."""
        trouble = trouble or Trouble()
        if after is not None and "shift" in trouble:
            self._shift(moment, by, descending, where, after, trouble)
        rows, key = self._selected(moment, by, descending, where)
        start = 0 if after is None else self._place(key, rows, after, descending)
        again = min(trouble.records("duplicates", 3), start, size - 1)
        again = max(again, min(trouble.records("shift", 1), start, size - 1) if by == "created" else 0)
        start -= again
        chosen = rows[start : start + size]
        updated = self.updated(moment)[chosen].tolist()
        last = (int(key[start + len(chosen) - 1]), int(chosen[-1])) if len(chosen) else None
        as_of = self._as_of(chosen.tolist(), moment, trouble)
        self._served.update(chosen.tolist())
        return Page(chosen.tolist(), as_of, updated, len(rows), start + size < len(rows), last)

    def _selected(self, moment: int, by: str, descending: bool, where: Mask | None) -> tuple[Ints, Ints]:
        rows = self._sorted(by, moment)
        rows = rows if where is None else rows[where[rows]]
        rows = rows[::-1] if descending else rows
        return rows, (self.updated(moment) if by == "updated" else self.timeline.created)[rows]

    @staticmethod
    def _place(key: Ints, rows: Ints, after: tuple[int, int], descending: bool) -> int:
        """Number of records up to and including the cursor's."""
        passed = (key > after[0]) if descending else (key < after[0])
        equal = key == after[0]
        passed |= equal & ((rows >= after[1]) if descending else (rows <= after[1]))
        return int(passed.sum())

    def _shift(
        self, moment: int, by: str, descending: bool, where: Mask | None, after: tuple[int, int], trouble: Trouble
    ) -> None:
        """Unread records change while the list is being read: sorted by update, they move."""
        rows, key = self._selected(moment, by, descending, where)
        unread = [row for row in rows[self._place(key, rows, after, descending) :].tolist() if row not in self.stamps]
        for count in range(min(trouble.records("shift", 1), len(unread))):
            self._stamp(unread[(trouble.dice + count * 7) % len(unread)], moment)

    def _as_of(self, rows: list[int], moment: int, trouble: Trouble) -> list[int]:
        shown = [moment] * len(rows)
        fresh = [place for place, row in enumerate(rows) if row not in self._served and row not in self.stamps]
        for count in range(min(trouble.records("edited", 2), len(fresh))):
            place = fresh[(trouble.dice + count * 13) % len(fresh)]
            if rows[place] not in self.stamps:
                shown[place] = self.timeline.before_last(rows[place], moment)
                self._stamp(rows[place], moment)
        return shown


def latest(versions: dict[str, list[Any]], start: int, end: int, moment: int) -> int:
    """Place of the last version that has arrived, among the ordered ones from start to end - 1; -1 for none."""
    at = versions["at"]
    for place in range(end - 1, start - 1, -1):
        if at[place] <= moment:
            return place
    return -1
