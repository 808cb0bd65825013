"""Pulling a vendor's stream: from where, page by page, in groups that are committed with the place to go on from.

Pages wait on the disk (`pending`) until there are enough of them to land together. A killed pull lands those, and goes
on after them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pipelines.domain.errors import SourceError
from pipelines.domain.pages import Budget, CursorLostError, Page, Stream, Window
from pipelines.landing.groups import Groups
from pipelines.landing.manifest import Manifest, Pulled
from pipelines.landing.outcomes import Outcome
from pipelines.landing.pending import Pending

_MOST_BYTES: Final = 16 << 20  # of a group
_MOST_SECONDS: Final = 120.0  # that a group gathers: a slow vendor's records are to be seen as well
_RECENT: Final = timedelta(hours=1)
_EVERY_SECONDS: Final = 5.0  # a line of progress


@dataclass(slots=True)
class _Group:
    records: list[bytes] = field(default_factory=list)
    bytes: int = 0
    since: float = field(default_factory=time.monotonic)

    def add(self, records: Any) -> None:
        self.records += records
        self.bytes += sum(map(len, records))

    @property
    def is_full(self) -> bool:
        return self.bytes >= _MOST_BYTES or time.monotonic() - self.since > _MOST_SECONDS


def pull(
    stream: Stream,
    manifest: Manifest,
    groups: Groups,
    pending: Callable[[str], Pending],
    *,
    now: datetime,
    window: Window | None = None,
    budget: Budget | None = None,
    progress: Callable[[str], None] = lambda line: None,
) -> Iterator[Outcome]:
    """Pull what is new since the last pull, or a window of its own; one outcome per entity of each group.

    What was pulled before an error has landed: the next call goes on from there. Raises SourceError, StorageError.
    """
    name = stream.name if window is None else f"{stream.name} {window}"
    one = _Pull(stream, groups, pending(name), budget or Budget(), progress)
    before = manifest.pulled(stream.source, name)
    if before is not None and not before.is_done:
        yield from one.run(before)
        if window is not None or not one.is_complete or _is_recent(before, now):
            return
        before = manifest.pulled(stream.source, name)
    begun = _begun(stream, name, before, now, window)
    manifest.commit((), (), begun)  # so that pages kept before the first commit are known to be of this pull
    yield from one.run(begun)


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
        self, stream: Stream, groups: Groups, pending: Pending, budget: Budget, progress: Callable[[str], None]
    ) -> None:
        self._stream = stream
        self._groups = groups
        self._pending = pending
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
            yield from self._run(replace(state, cursor={"bookmark": None, "at": None}, pages=0, records=0))

    def _run(self, state: Pulled) -> Iterator[Outcome]:
        self.is_complete = False
        if kept := self._pending.after(_place(state)):
            group = _Group()
            for page in kept:
                group.add(page.records)
                state = _with(state, page)
            yield from self._land(group, state)
        window = Window(_moment(state.since), _moment(state.until), state.cursor["bookmark"])
        group, shown, place = _Group(), time.monotonic(), _place(state)
        try:
            for page in self._stream.read(window, state.cursor["at"]):
                self._pending.keep(place, page)
                group.add(page.records)
                state = _with(state, page)
                if group.is_full:
                    yield from self._land(group, state)
                    group, place = _Group(), _place(state)
                if time.monotonic() - shown > _EVERY_SECONDS:
                    shown = time.monotonic()
                    self._progress(f"{state.source}: {state.stream}: {state.pages:,} pages, {state.records:,} records")
                if self._is_spent():
                    self._progress(f"{state.source}: {state.stream}: stopped after {state.pages:,} pages, as budgeted")
                    yield from self._land(group, state)
                    return
        except CursorLostError:
            raise
        except SourceError:
            if group.records:
                yield from self._land(group, state)
            raise
        yield from self._land(group, self._done(state))
        self.is_complete = True

    def _land(self, group: _Group, state: Pulled) -> list[Outcome]:
        outcomes = self._groups.land(group.records, state)
        self._pending.clear()
        return outcomes

    def _is_spent(self) -> bool:
        if self._pages_left is not None:
            self._pages_left -= 1
        return self._pages_left == 0 or (self._ends is not None and time.monotonic() > self._ends)

    def _done(self, state: Pulled) -> Pulled:
        """The next pull starts where this one began, by the vendor's clock if that is behind ours."""
        behind = timedelta(seconds=min(0.0, self._stream.skew_seconds()))
        started = datetime.fromisoformat(state.started_at) + behind
        return replace(state, started_at=started.isoformat(), cursor=state.cursor["at"], is_done=True)


def _with(state: Pulled, page: Page) -> Pulled:
    """How far a pull is after a page."""
    cursor = {**state.cursor, "at": page.cursor}
    return replace(state, cursor=cursor, pages=state.pages + 1, records=state.records + len(page.records))


def _place(state: Pulled) -> list[Any]:
    """What tells one commit of a pull from another."""
    return [state.started_at, state.pages, state.cursor]


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
