"""A range of days that a backfill re-reads: files dated by their path, else by when they were last changed."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from pipelines.domain.drops import Drop

_DATED: Final = re.compile(r"(?<![0-9])(20[0-9]{2})[-_/]?(0[1-9]|1[0-2])[-_/]?(0[1-9]|[12][0-9]|3[01])(?![0-9])")


@dataclass(frozen=True, slots=True)
class Window:
    """Days from `first` to `last`, both included; an open end has no bound."""

    first: date | None = None
    last: date | None = None

    def covers(self, drop: Drop) -> bool:
        """Whether a file belongs to the range."""
        if self.first is None and self.last is None:
            return True
        day = _day_of(drop)
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)


def _day_of(drop: Drop) -> date:
    """The last date in the path (`dt=2026-01-31`, `scans_20260131.csv`), else the day the file was changed (UTC)."""
    for match in reversed(list(_DATED.finditer(str(drop.path)))):
        with suppress(ValueError):
            return date(*(int(part) for part in match.groups()))
    return datetime.fromtimestamp(drop.modified_ns / 1e9, tz=UTC).date()
