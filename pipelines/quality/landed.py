"""What is expected of rows that have just landed, source by source and entity by entity, on a bounded sample.

Blocking: a required value is missing, a token or prefix is not one, a text column holds e-mail addresses. Warnings:
times, amounts and quantities beyond reason, far more or far fewer records than usual. Rules over every row are
landing's, which fills the quarantine.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pipelines.domain.entities import COUNT, MONEY, REAL, TEXT, TIME, Entity, Field, Kind
from pipelines.domain.sql import quote_identifier, quote_literal
from pipelines.quality.expectations import (
    WARN,
    Finding,
    Rule,
    between,
    matches,
    matches_not,
    not_null,
    validate,
)

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]

MOST_ROWS: Final = 10_000
MOST_FILES: Final = 20
TRAILING: Final = 14  # arrivals that say what is usual
_LEAST_TRAILING: Final = 3
_PREFIX: Final = "^.{1,6}$"
_TOKEN: Final = "^[0-9a-f]{32}$"
_EMAIL: Final = r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"
_EARLIEST: Final = datetime(2000, 1, 1)
_LATER: Final = timedelta(days=2 * 366)
_MOST: Final = {MONEY: 1_000_000, COUNT: 100_000, REAL: 10_000_000}
_NEARLY_ALL: Final = 0.999


@dataclass(frozen=True, slots=True)
class Arrival:
    """One batch as far as checks go. `path` is absolute, None where no row landed; volumes compare within a series."""

    path: Path | None
    read: int
    is_new: bool
    series: str = ""


def check_landed(what: Entity, arrivals: Sequence[Arrival], *, as_of: datetime) -> tuple[Finding, ...]:
    """Check the new arrivals of one source and entity, given all of them in order of arrival.

    Nothing is imported or read when none is new. Raises BuildError when a check cannot be evaluated.
    """
    new = [arrival for arrival in arrivals if arrival.is_new]
    files = _spread([arrival.path for arrival in new if arrival.path is not None])
    findings: tuple[Finding, ...] = ()
    if files:
        frame = _sample(what, files)
        findings = validate(frame, suite(what, frame, as_of), masked=_personal(what))
    if ratios := volumes(arrivals):
        findings += validate(_volume_frame(ratios), volume_suite())
    return findings


def suite(entity: Entity, frame: pd.DataFrame, as_of: datetime) -> list[Rule]:
    """Expectations on the landed columns of an entity; columns without any value are left out unless required."""
    expected: list[Rule] = []
    for field in entity.fields:
        column = field.column
        if column is None or column not in frame:  # free text, flags, dates: nothing to expect
            continue
        if field.required:
            expected.append(not_null(column))
        if frame[column].notna().any():
            expected += _of_values(field, column, as_of)
    return expected


def volumes(arrivals: Sequence[Arrival]) -> list[float]:
    """For each new arrival its records as a multiple of the median of those before it, where there are enough."""
    ratios = []
    for index, arrival in enumerate(arrivals):
        if not arrival.is_new:
            continue
        before = [one.read for one in arrivals[:index] if not one.is_new and one.series == arrival.series][-TRAILING:]
        if len(before) >= _LEAST_TRAILING and (usual := statistics.median(before)) > 0:
            ratios.append(arrival.read / usual)
    return ratios


def volume_suite() -> list[Rule]:
    """A day may be a fifth or five times of what is usual (peak season doubles it); beyond that people should look."""
    return [between("volume", 0.2, 5, severity=WARN)]


def _of_values(field: Field, column: str, as_of: datetime) -> list[Rule]:
    if field.kind is Kind.TOKEN:
        return [matches(column, _TOKEN, "a token")]
    if field.kind is Kind.POSTCODE:
        return [matches(column, _PREFIX, "a region prefix")]
    if field.type == TEXT:
        return [matches_not(column, _EMAIL, "e-mail address")]
    if field.type == TIME:
        latest = as_of.replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0) + _LATER
        return [between(column, _EARLIEST, latest, share=_NEARLY_ALL, severity=WARN)]
    if (most := _MOST.get(field.type)) is not None:
        return [between(column, -most if field.type == MONEY else 0, most, share=_NEARLY_ALL, severity=WARN)]
    return []


def _sample(entity: Entity, files: Sequence[Path]) -> pd.DataFrame:
    """The first rows of each file: bounded whatever the files' size, and the same ones every time."""
    import duckdb

    each = max(1, MOST_ROWS // len(files))
    columns = ", ".join(
        f"cast({quote_identifier(field.column)} as double) as {quote_identifier(field.column)}"
        if field.type == MONEY
        else quote_identifier(field.column)
        for field in entity.fields
        if field.column is not None and field.type in {TEXT, TIME, MONEY, COUNT, REAL}
    )
    one = "(select {} from read_parquet({}) where not _deleted limit {})"
    parts = " union all by name ".join(one.format(columns, quote_literal(str(path)), each) for path in files)
    with duckdb.connect() as connection:
        return connection.execute(parts).df()


def _spread(paths: list[Path]) -> list[Path]:
    """At most `MOST_FILES` of them, evenly over the whole list, the newest included."""
    if len(paths) <= MOST_FILES:
        return paths
    step = (len(paths) - 1) / (MOST_FILES - 1)
    return [paths[round(index * step)] for index in range(MOST_FILES)]


def _volume_frame(ratios: list[float]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"volume": ratios})


def _personal(entity: Entity) -> frozenset[str]:
    """Columns whose values may be personal data when a check on them fails: every text there is."""
    return frozenset(field.column for field in entity.fields if field.column is not None and field.type == TEXT)
