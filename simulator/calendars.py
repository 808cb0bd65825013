"""Days on which carriers deliver and warehouses work, holidays, storms, and offsets of time zones.

A day is its number since 1970-01-01. All tables are indexed by `day - base`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from simulator.chance import Array, Chance, Flags, Ints
from simulator.settings import DAY, EPOCH, REACH_DAYS

MARGIN: Final = 30  # days known before the first one


def weekday(days: Array) -> Ints:
    """Monday is 0. 1970-01-01 was a Thursday."""
    return np.asarray((days + 3) % 7, dtype=np.int64)


def week(days: Array) -> Ints:
    """Number of the week that starts on Monday."""
    return np.asarray((days + 3) // 7, dtype=np.int64)


def _movable_us(year: int) -> list[date]:
    """Federal holidays that fall on a given weekday of a month."""

    def nth(month: int, day_of_week: int, n: int) -> date:
        first = date(year, month, 1)
        return first + timedelta(days=(day_of_week - first.weekday()) % 7 + 7 * (n - 1))

    memorial = date(year, 5, 31)
    memorial -= timedelta(days=memorial.weekday())
    return [nth(1, 0, 3), nth(2, 0, 3), memorial, nth(9, 0, 1), nth(10, 0, 2), nth(11, 3, 4)]


class WorkingDays:
    """A calendar: which days count, how many did so far, and which is the k-th after a given one."""

    def __init__(self, base: int, works: Flags) -> None:
        """`works` has days last; all leading axes are separate calendars."""
        self.base = base
        self.works = works
        self.count = np.cumsum(works, axis=-1).astype(np.int32)
        flat = works.reshape(-1, works.shape[-1])
        self._days = np.full(flat.shape, works.shape[-1] - 1, dtype=np.int32)
        for row, days in enumerate(flat):
            listed = np.flatnonzero(days)
            self._days[row, : len(listed)] = listed
        self._shape = works.shape[:-1]

    def _row(self, index: tuple[Array, ...]) -> Array:
        return np.asarray(np.ravel_multi_index(index, self._shape) if index else np.int64(0))

    def until(self, days: Array, *index: Array) -> Array:
        """Working days up to and including each day, from the start of the calendar."""
        return np.asarray(self.count[(*index, days - self.base)])

    def between(self, after: Array, until: Array, *index: Array) -> Array:
        """Working days later than `after`, not later than `until`."""
        return self.until(until, *index) - self.until(after, *index)

    def advance(self, days: Array, steps: Array, *index: Array) -> Ints:
        """The day on which the `steps`-th working day after `days` falls (0: the day itself)."""
        place = np.minimum(self.until(days, *index) + steps - 1, self._days.shape[1] - 1)
        reached = self._days[self._row(index), np.maximum(place, 0)] + self.base
        return np.where(np.asarray(steps) > 0, reached, days).astype(np.int64)

    def first(self, days: Array, *index: Array) -> Ints:
        """The day itself if it counts, else the next that does."""
        return self.advance(np.asarray(days) - 1, np.ones_like(days), *index)


class Calendars:
    """Every calendar of a world.

    `carriers[carrier, destination]` with storms, `nominal` the same without, `warehouses[warehouse]`, `business`,
    `storm[destination, day]`, `offsets[zone, day]` in seconds east of UTC at noon.
    """

    def __init__(self, settings: Mapping[str, Any], chance: Chance, start: int, end: int, quiet: bool) -> None:
        self.base = start - MARGIN
        self.days = np.arange(self.base, end + REACH_DAYS + 60)
        rows = settings["destinations"]["rows"]
        countries = sorted({row[1] for row in rows})
        self.holidays = {name: self._holidays(settings["holidays"].get(name, []), name) for name in countries}
        workday = weekday(self.days) < 5
        home = self.holidays["US"]
        self.business = WorkingDays(self.base, workday & ~home)
        self.warehouses = WorkingDays(self.base, np.stack([workday & ~home] * len(settings["warehouses"])))
        closed = np.stack([self.holidays[row[1]] | (weekday(self.days) >= 5) for row in rows])
        weekend = [np.isin(weekday(self.days), carrier["weekend"]) for carrier in settings["carriers"]]
        holiday = np.stack([self.holidays[row[1]] for row in rows])
        nominal = np.stack([~closed | (extra & ~holiday) for extra in weekend])
        self.nominal = WorkingDays(self.base, nominal)
        self.storm = self._storms(chance, len(rows), 0.0 if quiet else settings["shocks"]["storm_chance_week"])
        self.carriers = WorkingDays(self.base, nominal & ~self.storm)
        self.zones = sorted({row[2] for row in rows} | {house["zone"] for house in settings["warehouses"]})
        self.offsets = np.stack([self._offsets(zone) for zone in self.zones])

    def _holidays(self, fixed: Sequence[str], country: str) -> Flags:
        first, last = EPOCH + timedelta(days=int(self.days[0])), EPOCH + timedelta(days=int(self.days[-1]))
        found = [date(year, *map(int, text.split("-"))) for year in range(first.year, last.year + 1) for text in fixed]
        if country == "US":
            found += [day for year in range(first.year, last.year + 1) for day in _movable_us(year)]
        return np.isin(self.days, [(day - EPOCH).days for day in found])

    def _storms(self, chance: Chance, destinations: int, weekly: float) -> Flags:
        storm = np.zeros((destinations, len(self.days)), dtype=np.bool_)
        weeks = np.unique(week(self.days))
        for place in range(destinations):
            ids = weeks * 1000 + place
            hit = chance.happens(ids, "storm", weekly)
            first = weeks * 7 - 3 + chance.below(ids, "storm day", 7)
            length = 1 + chance.choose(ids, "storm length", [0.45, 0.35, 0.2])
            for begin, days in zip(first[hit], length[hit], strict=True):
                storm[place] |= (self.days >= begin) & (self.days < begin + days)
        return storm

    def _offsets(self, zone: str) -> Ints:
        noon = [datetime.fromtimestamp(int(day) * DAY + DAY // 2, UTC) for day in self.days]
        info = ZoneInfo(zone)
        shifts = [moment.astimezone(info).utcoffset() or timedelta(0) for moment in noon]
        return np.array([int(shift.total_seconds()) for shift in shifts], dtype=np.int64)

    def offset(self, zone: Array, days: Array) -> Ints:
        """Seconds to add to UTC for local time in each zone on each day."""
        return np.asarray(self.offsets[zone, np.clip(days - self.base, 0, len(self.days) - 1)])

    def to_utc(self, day: Array, seconds: Array, zone: Array) -> Ints:
        """UTC seconds of a local day and second of that day."""
        return np.asarray(day * DAY + seconds - self.offset(zone, day), dtype=np.int64)

    def local_day(self, moment: Array, zone: Array) -> Ints:
        """The local day of a UTC moment."""
        return np.asarray((moment + self.offset(zone, moment // DAY)) // DAY, dtype=np.int64)
