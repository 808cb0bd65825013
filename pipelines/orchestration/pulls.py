"""Asking vendors outside of a refresh: are they in reach, what would be pulled, pull it. Nothing is built."""

from __future__ import annotations

import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pipelines.domain.errors import PUBLISHED, PUBLISHED_WITH_GAPS, SettingsError, SourceError, WherehouseError
from pipelines.domain.pages import Budget, Stream, Window
from pipelines.landing import Landing, Manifest, Outcome
from pipelines.landing.keys import generate
from pipelines.landing.pulling import planned
from pipelines.orchestration.command import Done, Progress
from pipelines.orchestration.intake import Intake, pull, skewed
from pipelines.orchestration.refresh import open_refresh
from pipelines.orchestration.registry import Source
from pipelines.settings import Settings

_NONE: Final = 1


def check(settings: Settings, sources: Sequence[Source], say: Callable[[str], None]) -> bool:
    """Say one line a source: the key, the reach, the clock, and what would be pulled. Whether all is well.

    Nothing is written.
    """
    manifest = Manifest(settings.data_dir)
    is_well = True
    for source in sources:
        try:
            looked = list(_look(source, manifest, _now(settings)))
        except WherehouseError as error:
            looked = [(False, str(error))]
        is_fine = all(fine for fine, _ in looked)
        say(f"{'ok  ' if is_fine else 'LOOK'}  {source.name} ({source.kind}): {'; '.join(text for _, text in looked)}")
        is_well &= is_fine
    return is_well


def _look(source: Source, manifest: Manifest, now: datetime) -> Iterator[tuple[bool, str]]:
    if source.check is None:
        found = source.find()
        yield bool(found.plans), f"{len(found.plans):,} files"
        yield from ((False, note) for note in found.notes)
        return
    checked = source.check()
    yield True, checked.sentence
    skew = skewed(checked.skew_seconds)
    yield not skew, skew or "its clock agrees with ours"
    yield from ((True, f"would pull {_planned(stream, manifest, now)}") for stream in source.streams())


def _planned(stream: Stream, manifest: Manifest, now: datetime) -> str:
    window, is_rest = planned(stream, manifest, now)
    if is_rest:
        return f"the rest of {stream.name} {window}"
    return f"{stream.name} {window}{_counted(stream, window)}"


def _counted(stream: Stream, window: Window) -> str:
    count = stream.count(window)
    return "" if count is None else f", {count:,} records"


def pull_now(
    settings: Settings, sources: Sequence[Source], window: Window | None, *, progress: Progress = lambda line: None
) -> Done:
    """Land what vendors have: since the last pull, or of a window of its own, which leaves that place as it is.

    Exit code 0, 3 where some source was not read to its end, 1 where none was. Raises SettingsError, LockedError,
    StorageError.
    """
    chosen = _of_vendors(sources)
    with open_refresh(str(uuid.uuid4()), settings, chosen, progress=progress) as one:
        for source in chosen:
            one.intakes[source.name] = pull(
                source, source.streams(), one.landing, progress, now=one.as_of, window=window
            )
        intakes = list(one.intakes.values())
        failed = [intake for intake in intakes if intake.problem]
        code = PUBLISHED_WITH_GAPS if one.gaps else PUBLISHED
    return Done(
        _NONE if len(failed) == len(chosen) else code, "\n".join(text for one in intakes for text in _told(one))
    )


def _told(intake: Intake) -> Iterator[str]:
    yield intake.line
    yield from intake.notes
    if intake.problem not in intake.line:
        yield f"{intake.source}: {intake.problem}"


def window_of(since: datetime | None, until: datetime | None) -> Window | None:
    """The window that a person asks for; None is from where the last pull got to. Raises SettingsError."""
    if since is not None and until is not None and since >= until:
        raise SettingsError(
            f"nothing lies between {since:%Y-%m-%d %H:%M} and {until:%Y-%m-%d %H:%M}; give an earlier --from"
        )
    return None if since is None and until is None else Window(since, until)


def preview(settings: Settings, sources: Sequence[Source], window: Window | None) -> Done:
    """What `pull_now` would ask for, and what would land of the first page. Nothing is written to the data folder."""
    manifest = Manifest(settings.data_dir)
    chosen = _of_vendors(sources)
    lines, failed = [], 0
    for source in chosen:
        try:
            for stream in source.streams():
                lines.append(_preview(settings, stream, manifest, window))
        except SourceError as error:
            lines.append(f"{source.name}: {error}")
            failed += 1
    code = _NONE if failed == len(chosen) else PUBLISHED_WITH_GAPS if failed else PUBLISHED
    return Done(code, "\n".join(lines))


def _preview(settings: Settings, stream: Stream, manifest: Manifest, window: Window | None) -> str:
    now = _now(settings)
    asked = window or planned(stream, manifest, now)[0]
    first = replace(stream, read=lambda own, cursor: stream.read(asked, None))
    # throw-away keys in a folder that goes away: a dry run must leave nothing, and its tokens are never compared
    with tempfile.TemporaryDirectory() as folder, Landing(Path(folder), generate(), shop=settings.shop) as landing:
        outcomes = list(landing.pull(first, now=now, window=asked, budget=Budget(pages=1)))
        state = landing.manifest.pulled(stream.source, f"{stream.name} {asked}")
    head = f"{stream.source}: {stream.name} {asked}{_counted(stream, asked)}"
    read = state.records if state else 0
    return f"{head}; first page: {read:,} records, {_became(outcomes)}"


def _became(outcomes: Sequence[Outcome]) -> str:
    parts = [f"{one.landed:,} rows of {one.entity}" for one in outcomes]
    reasons = sum((Counter(one.reasons) for one in outcomes), Counter[str]())
    parts += [f"{number:,} rejected ({reason})" for reason, number in reasons.most_common()]
    return ", ".join(parts) or "nothing to land"


def _of_vendors(sources: Sequence[Source]) -> tuple[Source, ...]:
    found = tuple(source for source in sources if source.check is not None)
    if not found:
        names = ", ".join(source.name for source in sources)
        raise SettingsError(f"nothing to pull: {names} only hold files; `wherehouse ingest` takes those in")
    return found


def _now(settings: Settings) -> datetime:
    return settings.as_of or datetime.now(UTC).replace(microsecond=0)
