"""What landing would make of the files there are, as text: rows as mapped, what would be rejected and why, counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pipelines.domain.errors import SourceError
from pipelines.landing import Preview, dry_run
from pipelines.landing.keys import generate
from pipelines.orchestration.registry import Source
from pipelines.settings import Settings

_WIDEST: Final = 60
_HIDDEN: Final = frozenset({"shop", "source", "_seq", "_deleted"})


def preview(settings: Settings, sources: Sequence[Source], *, limit: int) -> str:
    """Text for the newest files: up to `limit` of each mapping, and up to `limit` rows of each kind."""
    return "\n".join(line for source in sources for line in _source(settings, source, limit)) + "\n"


def _source(settings: Settings, source: Source, limit: int) -> Iterator[str]:
    yield f"{source.name} ({source.kind})"
    try:
        found = source.find()
    except SourceError as error:
        yield f"  {error}"
        return
    yield from (f"  note: {note}" for note in found.notes)
    taken: dict[tuple[str, ...], int] = {}
    for plan in reversed(found.plans):
        mapping = tuple(sorted(target.mapping_id for target in plan.targets))
        taken[mapping] = taken.get(mapping, 0) + 1
        if taken[mapping] > limit:
            continue
        # throw-away keys: a dry run must not create the warehouse's own, and tokens of it are never compared
        shown = dry_run(
            plan,
            generate(),
            shop=settings.shop,
            shown=limit,
            quarantine_rate=settings.thresholds.quarantine_rate,
            postal_prefix_length=settings.privacy.postal_prefix_length,
        )
        for one in shown:
            yield from _one(one)
    hidden = sum(max(0, number - limit) for number in taken.values())
    if hidden:
        yield f"  ... and {hidden:,} older files (--limit shows more)"


def _one(one: Preview) -> Iterator[str]:
    outcome = one.outcome
    label = f" [{outcome.label}]" if outcome.label else ""
    yield ""
    yield f"  {outcome.file} -> {outcome.entity}{label}: {outcome.outcome}"
    if outcome.message:
        yield f"    {outcome.message}"
    yield (
        f"    {outcome.read:,} read = {outcome.landed:,} landed + {outcome.quarantined:,} rejected "
        f"+ {outcome.duplicate:,} duplicate + {outcome.not_applicable:,} not applicable"
    )
    yield from (f"    note: {note}" for note in outcome.notes)
    yield from (f"    {number:,} rejected: {reason}" for reason, number in sorted(outcome.reasons.items()))
    for title, rows in (("as mapped", one.landed), ("rejected", one.rejected)):
        for row in rows:
            yield f"    {title}: {_row(row)}"


def _row(row: Mapping[str, Any]) -> str:
    return "  ".join(
        f"{name}={_short(value)}" for name, value in row.items() if value is not None and name not in _HIDDEN
    )


def _short(value: object) -> str:
    text = "; ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
