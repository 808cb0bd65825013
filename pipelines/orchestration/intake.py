"""Taking in what one source has to offer, file by file; what came of it as plain data."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pipelines.domain.errors import SourceError
from pipelines.landing import Landing, Outcome
from pipelines.landing.outcomes import ACCEPTED, HELD
from pipelines.orchestration.registry import Source
from pipelines.orchestration.window import Window

_NEW: Final = frozenset({ACCEPTED, HELD})
_EVERY_SECONDS: Final = 5.0  # a line of progress


@dataclass(frozen=True, slots=True)
class Intake:
    """What one source brought in. `problem` is set where it could not be read at all."""

    source: str
    outcomes: tuple[Outcome, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""
    seconds: float = 0.0

    @property
    def new(self) -> tuple[Outcome, ...]:
        """Outcomes that landed in this refresh."""
        return tuple(outcome for outcome in self.outcomes if outcome.outcome in _NEW)

    @property
    def line(self) -> str:
        """One line of progress."""
        if self.problem:
            return f"{self.source}: {self.problem}"
        rows = sum(outcome.landed for outcome in self.new)
        rejected = sum(outcome.quarantined for outcome in self.new)
        files = len({outcome.file for outcome in self.new})
        return f"{self.source}: {files:,} new files, {rows:,} rows landed, {rejected:,} rejected ({self.seconds:.1f} s)"


def take(source: Source, landing: Landing, window: Window, progress: Callable[[str], None]) -> Intake:
    """Land the source's files of the window. Raises StorageError when the data folder refuses a write."""
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
