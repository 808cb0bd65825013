"""What a build starts from, what it therefore has to do, and why: all decisions, no I/O.

Where the answers are kept is in `control.py`; which models a plan runs is in `build.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pipelines.settings import Settings

PREDICTIONS: Final = "predictions"
_NAMED_REASONS: Final = 3


@dataclass(frozen=True, slots=True)
class Batch:
    """An accepted batch. `path` is absolute; `replaces` names the batches that compaction merged into it."""

    source: str
    connector: str
    entity: str
    batch_id: str
    path: Path
    seq: int
    rows: int
    replaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusCode:
    """What one vendor code of a source means; `carrier` null: whoever the carrier is."""

    source: str
    carrier: str | None
    status_code: str
    milestone: str
    incident: str | None = None


@dataclass(frozen=True, slots=True)
class ReasonCode:
    """What one return reason of a source means."""

    source: str
    reason_code: str
    reason: str
    reason_group: str
    reason_fault: str


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """What models need to know of a source."""

    source: str
    connector: str
    time_zone: str
    latency_minutes: int


@dataclass(frozen=True, slots=True)
class BuildInput:
    """Everything one build starts from. `settings` are those that models read (`model_settings`)."""

    run_id: str
    as_of: datetime
    started_at: datetime
    shop: str
    time_zone: str
    reporting_currency: str
    landing_dir: Path
    full: bool = False
    settings: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    batches: tuple[Batch, ...] = ()
    status_codes: tuple[StatusCode, ...] = ()
    reason_codes: tuple[ReasonCode, ...] = ()
    sources: tuple[SourceSettings, ...] = ()
    project_hashes: Mapping[str, str] = field(default_factory=dict)  # project.source_hashes()


@dataclass(frozen=True, slots=True)
class BuildPlan:
    """What this build has to do. `reason` says why it is full, for people."""

    run_id: str
    as_of: datetime
    previous_as_of: datetime | None
    is_full: bool
    reason: str
    carry_touched: bool
    run_seeds: bool
    new_batches: int
    new_entities: frozenset[tuple[str, str]]  # (connector, entity)
    listed_before: frozenset[tuple[str, str]] | None  # those that views of arrivals list batches of; None: unknown
    changed: frozenset[str]  # names of hashes that changed since the last completed build

    @property
    def as_of_moved(self) -> bool:
        """Some table may show another clock than this one: it moved, or the build before did not complete."""
        return self.as_of != self.previous_as_of or self.carry_touched

    @property
    def is_needed(self) -> bool:
        """Whether any model could yield other rows than it did at the last completed build."""
        return self.is_full or self.as_of_moved or bool(self.new_entities)


@dataclass(frozen=True, slots=True)
class History:
    """What the builds before have left. `started_as_of`: of the last one begun, complete or not."""

    consumed: frozenset[str]
    attempted: frozenset[str]  # batches of a build that did not complete: their rows may stand in some tables
    hashes: dict[str, str]
    listed: frozenset[tuple[str, str]]  # (connector, entity) that the last build took batches of in
    completed_as_of: datetime | None
    started_as_of: datetime | None
    is_broken: bool  # the last build begun did not complete
    was_full: bool


def model_settings(settings: Settings) -> dict[str, str | int | float | bool]:
    """The settings that models may read, flattened: `thresholds.suppress_under`.

    Changing one rebuilds everything, but for those of predictions: what reads them is made anew each time.
    """
    return {
        f"{table}.{key}": value
        for table in ("thresholds", "costs", PREDICTIONS)
        for key, value in getattr(settings, table).model_dump().items()
    }


def decide(given: BuildInput, before: History, *, marts_missing: bool = False) -> tuple[BuildPlan, frozenset[str]]:
    """The plan, and the ids of the batches that it takes in."""
    now = hashes_of(given)
    changed = frozenset(name for name in now.keys() | before.hashes.keys() if now.get(name) != before.hashes.get(name))
    new = [batch for batch in given.batches if not _is_consumed(batch, before.consumed)]
    reason = _full_reason(given, before, changed, new, marts_missing=marts_missing)
    taken = given.batches if reason else tuple(new)
    plan = BuildPlan(
        run_id=given.run_id,
        as_of=given.as_of,
        previous_as_of=before.completed_as_of,
        is_full=bool(reason),
        reason=reason,
        carry_touched=before.is_broken,
        run_seeds=bool(reason),
        new_batches=len(taken),
        new_entities=frozenset((batch.connector, batch.entity) for batch in taken),
        listed_before=None if before.is_broken else before.listed,
        changed=changed if before.completed_as_of is not None else frozenset(),
    )
    return plan, frozenset(batch.batch_id for batch in taken)


def _full_reason(
    given: BuildInput, before: History, changed: frozenset[str], new: list[Batch], *, marts_missing: bool
) -> str:
    """Why everything has to be rebuilt; empty when adding to what is there gives the same."""
    if given.full:
        return "asked for"
    if before.started_as_of is None:
        return "first build"
    if before.completed_as_of is None or before.was_full or marts_missing:
        return "there is no complete build to add to"
    if changed:
        return _changed_sentence(changed)
    if given.as_of < max(before.completed_as_of, before.started_as_of):
        return "as_of is earlier than that of the build before"
    return _rewritten(given, before, new)


def _is_consumed(batch: Batch, consumed: frozenset[str]) -> bool:
    return batch.batch_id in consumed or (bool(batch.replaces) and consumed.issuperset(batch.replaces))


def _rewritten(given: BuildInput, before: History, new: list[Batch]) -> str:
    """Why batches cannot simply be added to what was built, or nothing.

    A batch that was built and is gone leaves rows behind; a new batch that is older than a consumed one of its entity
    (a held batch that was released) would win over later arrivals.
    """
    listed = {batch.batch_id for batch in given.batches} | {old for batch in given.batches for old in batch.replaces}
    if gone := (before.consumed | before.attempted) - listed:
        return f"batches already built are no longer in the manifest ({len(gone)})"
    newest: dict[tuple[str, str], int] = {}
    new_ids = {batch.batch_id for batch in new}
    for batch in given.batches:
        if batch.batch_id not in new_ids:
            where = (batch.connector, batch.entity)
            newest[where] = max(newest.get(where, batch.seq), batch.seq)
    late = [batch for batch in new if batch.seq < newest.get((batch.connector, batch.entity), batch.seq)]
    return f"batches older than those already built were released ({len(late)})" if late else ""


def _changed_sentence(changed: frozenset[str]) -> str:
    names = sorted(changed)
    more = f" and {len(names) - _NAMED_REASONS} more" if len(names) > _NAMED_REASONS else ""
    return f"{', '.join(names[:_NAMED_REASONS])}{more} changed"


def hashes_of(given: BuildInput) -> dict[str, str]:
    """Of everything that shapes every row ever built, by the name that a person knows it by."""
    parts: dict[str, list[object]] = {}
    for code in given.status_codes:
        parts.setdefault(f"status map of {code.source}", []).append(code)
    for reason in given.reason_codes:
        parts.setdefault(f"reason map of {reason.source}", []).append(reason)
    for source in given.sources:
        parts.setdefault(f"settings of source {source.source}", []).append(source)
    for key, value in given.settings.items():
        if not key.startswith(f"{PREDICTIONS}."):
            parts[f"setting {key}"] = [value]
    for key in ("shop", "time_zone", "reporting_currency"):
        parts[f"setting {key}"] = [getattr(given, key)]
    own = {name: _digest("\n".join(sorted(map(repr, values)))) for name, values in parts.items()}
    return own | dict(given.project_hashes)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=10).hexdigest()
