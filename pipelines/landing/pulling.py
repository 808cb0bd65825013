"""Pulling a vendor's stream: from where, page by page, in groups that are committed with the place to go on from.

A killed pull resumes after its last commit. Groups grow with what has been pulled, so that a kill costs about a
twentieth of it, and small ones do not cost more than they hold.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pipelines.domain.errors import SourceError
from pipelines.domain.pages import Budget, CursorLostError, Stream, Window
from pipelines.landing.groups import Groups
from pipelines.landing.manifest import Manifest, Pulled
from pipelines.landing.outcomes import Outcome

_FEWEST: Final = 500  # records of a group
_SHARE: Final = 20  # a group is at most that part of what was pulled before it
_MOST_BYTES: Final = 16 << 20
_RECENT: Final = timedelta(hours=1)
_EVERY_SECONDS: Final = 5.0  # a line of progress


@dataclass(slots=True)
class _Group:
    records: list[bytes] = field(default_factory=list)
    bytes: int = 0

    def add(self, records: Any) -> None:
        self.records += records
        self.bytes += sum(map(len, records))

    def is_full(self, before: int) -> bool:
        return len(self.records) >= max(_FEWEST, before // _SHARE) or self.bytes >= _MOST_BYTES


def pull(
    stream: Stream,
    manifest: Manifest,
    groups: Groups,
    *,
    now: datetime,
    window: Window | None = None,
    budget: Budget | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> Iterator[Outcome]:
    """Pull what is new since the last pull, or a window of its own; one outcome per entity of each group.

    What was pulled before an error has landed: the next call goes on from there. Raises SourceError, StorageError.
    """
    one = _Pull(stream, manifest, groups, budget or Budget(), progress)
    name = stream.name if window is None else f"{stream.name} {window}"
    before = manifest.pulled(stream.source, name)
    if before is not None and not before.is_done:
        yield from one.run(before)
        if window is not None or not one.is_complete or _is_recent(before, now):
            return
        before = manifest.pulled(stream.source, name)
    yield from one.run(_begun(stream, name, before, now, window))


def planned(stream: Stream, manifest: Manifest, now: datetime) -> tuple[Window, bool]:
    """The window that the next pull asks for, and whether that is the rest of one that was broken off."""
    before = manifest.pulled(stream.source, stream.name)
    is_rest = before is not None and not before.is_done
    state = before if before is not None and is_rest else _begun(stream, stream.name, before, now, None)
    return Window(_moment(state.since), _moment(state.until), state.cursor["bookmark"]), is_rest


def _is_recent(state: Pulled, now: datetime) -> bool:
    """Whether a pull that was broken off and is complete now began so lately that another can wait."""
    return abs(now - datetime.fromisoformat(state.started_at)) < _RECENT


def _begun(stream: Stream, name: str, before: Pulled | None, now: datetime, window: Window | None) -> Pulled:
    since, until, bookmark = stream.since, None, None
    if window is not None:
        since, until = window.since, window.until
    elif before is not None:
        bookmark = before.cursor
        back = datetime.fromisoformat(before.started_at) - stream.look_back
        since = max(back, stream.since) if stream.since else back
    return Pulled(
        stream.source, name, now.isoformat(), _text(since), _text(until), cursor={"bookmark": bookmark, "at": None}
    )


class _Pull:
    def __init__(
        self, stream: Stream, manifest: Manifest, groups: Groups, budget: Budget, progress: Callable[[str], None]
    ) -> None:
        self._stream = stream
        self._manifest = manifest
        self._groups = groups
        self._budget = budget
        self._progress = progress
        self._ends = time.monotonic() + budget.minutes * 60 if budget.minutes else None
        self._pages_left = budget.pages or None
        self.is_complete = False

    def run(self, state: Pulled) -> Iterator[Outcome]:
        """One pull, or what is left of it."""
        try:
            yield from self._run(state)
        except CursorLostError:
            self._progress(f"{state.source}: {state.stream}: the place to go on is gone; starting over")
            yield from self._run(replace(state, cursor={**state.cursor, "at": None}, pages=0, records=0))

    def _run(self, state: Pulled) -> Iterator[Outcome]:
        self.is_complete = False
        window = Window(_moment(state.since), _moment(state.until), state.cursor["bookmark"])
        group, shown, cursor = _Group(), time.monotonic(), state.cursor["at"]
        try:
            for page in self._stream.read(window, cursor):
                group.add(page.records)
                cursor = page.cursor
                state = replace(state, pages=state.pages + 1, records=state.records + len(page.records))
                if group.is_full(state.records - len(group.records)):
                    state = self._at(state, cursor)
                    yield from self._groups.land(group.records, state)
                    group = _Group()
                if time.monotonic() - shown > _EVERY_SECONDS:
                    shown = time.monotonic()
                    self._progress(f"{state.source}: {state.stream}: {state.pages:,} pages, {state.records:,} records")
                if self._is_spent():
                    self._progress(f"{state.source}: {state.stream}: stopped after {state.pages:,} pages, as budgeted")
                    yield from self._groups.land(group.records, self._at(state, cursor))
                    return
        except CursorLostError:
            raise
        except SourceError:
            if group.records:
                yield from self._groups.land(group.records, self._at(state, cursor))
            raise
        yield from self._groups.land(group.records, self._done(state, cursor))
        self.is_complete = True

    def _is_spent(self) -> bool:
        if self._pages_left is not None:
            self._pages_left -= 1
        return self._pages_left == 0 or (self._ends is not None and time.monotonic() > self._ends)

    @staticmethod
    def _at(state: Pulled, cursor: Any) -> Pulled:
        return replace(state, cursor={**state.cursor, "at": cursor})

    def _done(self, state: Pulled, cursor: Any) -> Pulled:
        """The next pull starts where this one began, by the vendor's clock if that is behind ours."""
        behind = timedelta(seconds=min(0.0, self._stream.skew_seconds()))
        started = datetime.fromisoformat(state.started_at) + behind
        return replace(state, started_at=started.isoformat(), cursor=cursor, is_done=True)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
