"""Taking in what one source has to offer, file by file; what came of it as plain data."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from pipelines.domain.errors import SourceError
from pipelines.domain.pages import Page, Stream
from pipelines.domain.pages import Window as Asked
from pipelines.landing import Landing, Outcome
from pipelines.landing.outcomes import ACCEPTED, HELD
from pipelines.orchestration.registry import Source
from pipelines.orchestration.window import Window

_NEW: Final = frozenset({ACCEPTED, HELD})
_EVERY_SECONDS: Final = 5.0  # a line of progress
_SKEW_SECONDS: Final = 60.0  # of clocks: worth a remark


@dataclass(frozen=True, slots=True)
class Intake:
    """What one source brought in. `problem` is set where it could not be read, or not to its end."""

    source: str
    outcomes: tuple[Outcome, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""
    seconds: float = 0.0
    pulled: int | None = None  # records that an API gave, known ones included

    @property
    def new(self) -> tuple[Outcome, ...]:
        """Outcomes that landed in this refresh."""
        return tuple(outcome for outcome in self.outcomes if outcome.outcome in _NEW)

    @property
    def line(self) -> str:
        """One line of progress."""
        if self.problem and not self.new:
            return f"{self.source}: {self.problem}"
        rows = sum(outcome.landed for outcome in self.new)
        rejected = sum(outcome.quarantined for outcome in self.new)
        if self.pulled is None:
            what = f"{len({outcome.file for outcome in self.new}):,} new files"
        else:
            what = f"{self.pulled:,} records pulled"
        return f"{self.source}: {what}, {rows:,} rows landed, {rejected:,} rejected ({self.seconds:.1f} s)"


def take(source: Source, landing: Landing, window: Window, progress: Callable[[str], None], *, now: datetime) -> Intake:
    """Land what the source has: files of the window, or what an API has news of. Raises StorageError."""
    streams = source.streams()
    if not streams:
        return _take(source, landing, window, progress)
    return pull(source, streams, landing, progress, now=now)


def pull(
    source: Source,
    streams: tuple[Stream, ...],
    landing: Landing,
    progress: Callable[[str], None],
    *,
    now: datetime,
    window: Asked | None = None,
) -> Intake:
    """Every stream from where its last pull got to, or one window. One that fails leaves the others alone.

    Raises StorageError.
    """
    started = time.perf_counter()
    outcomes: list[Outcome] = []
    problems: list[str] = []
    notes: list[str] = []
    pulled = 0
    for stream in map(_Counted, streams):
        try:
            for outcome in landing.pull(stream.own, now=now, window=window, budget=source.budget, progress=progress):
                outcomes.append(outcome)  # one by one: what landed before an error stays
        except SourceError as error:
            problems.append(str(error))
        pulled += stream.records
        if skew := skewed(stream.own.skew_seconds()):
            notes.append(f"{source.name}: {skew}")
    problem = "; ".join(dict.fromkeys(problems))
    seconds = time.perf_counter() - started
    return Intake(source.name, tuple(outcomes), tuple(dict.fromkeys(notes)), problem, seconds, pulled)


def skewed(seconds: float) -> str:
    """A remark on a vendor's clock; empty where it is close enough to ours."""
    return f"the vendor's clock is {seconds:+,.0f} s from ours" if abs(seconds) > _SKEW_SECONDS else ""


class _Counted:
    """A stream that counts the records it gives."""

    def __init__(self, stream: Stream) -> None:
        self.records = 0
        self._read = stream.read
        self.own = replace(stream, read=self._pages)

    def _pages(self, window: Asked, cursor: Any) -> Iterator[Page]:
        for page in self._read(window, cursor):
            self.records += len(page.records)
            yield page


def _take(source: Source, landing: Landing, window: Window, progress: Callable[[str], None]) -> Intake:
    started = shown = time.perf_counter()
    outcomes: list[Outcome] = []
    try:
        found = source.find()
    except SourceError as error:
        return Intake(source.name, problem=str(error), seconds=time.perf_counter() - started)
    plans = [plan for plan in found.plans if window.covers(plan.drop)]
    landing.foresee(plans)
    for number, plan in enumerate(plans, start=1):
        outcomes += landing.take(plan)
        if time.perf_counter() - shown > _EVERY_SECONDS:
            shown = time.perf_counter()
            progress(f"{source.name}: {number:,} of {len(plans):,} files")
    return Intake(source.name, tuple(outcomes), found.notes, seconds=time.perf_counter() - started)
