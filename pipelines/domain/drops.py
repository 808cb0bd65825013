"""What a file source hands to landing: which file, and the SQL that turns its records into canonical entities.

Plain data only. `pipelines.sources.files` makes it, `pipelines.landing` executes it: neither imports the other.
A `DropPlan` is cheap: nothing of the file is opened until landing, which knows what it already holds, calls `read`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.domain.entities import Entity
from pipelines.domain.errors import SourceError

# Temporary tables in which DuckDB's CSV reader leaves the lines that do not split into the declared columns.
REJECTED_LINES: Final = "rejected_lines"
REJECTED_SCANS: Final = "rejected_scans"


class UnreadableError(SourceError):
    """A file cannot be taken as it is: a column is gone, the encoding is wrong. Other files are not affected."""


class IncompleteError(SourceError):
    """A file does not decode to its end yet; it is left for the next time."""


class EmptyError(SourceError):
    """A file holds nothing at all, not even a header line."""


@dataclass(frozen=True, slots=True)
class Column:
    """One mapped field: the SQL of its typed value, and of whether the record holds anything for it.

    A record for which `present_sql` is true while the value is null holds a value that cannot be read. That is a
    reason for quarantine (`problem`), as is a required field without a value.
    """

    field: str
    value_sql: str
    present_sql: str | None = None  # None: the value cannot fail to be read
    problem: str = "not readable"
    origin: str | None = None  # the file's column, where the value comes straight from one


@dataclass(frozen=True, slots=True)
class EntityPlan:
    """How the records of one file become one entity. `when_sql` not true: the record is not applicable to it."""

    entity: str
    columns: tuple[Column, ...]
    label: str = ""  # tells several mappings of one file to the same entity apart
    when_sql: str | None = None
    key: tuple[str, ...] = ()  # fields; exact duplicates are only recognised where a key is declared
    once_per_sql: tuple[str, ...] = ()  # only the first record of each group is applicable
    definition: Entity | None = None  # a vendor's own entity; None: the canonical one of that name


@dataclass(frozen=True, slots=True)
class Target:
    """One mapping of a file, by name: entity, label, and a hash of everything that decides how rows come out."""

    entity: str
    label: str
    mapping_id: str


@dataclass(frozen=True, slots=True)
class Lookup:
    """A small reference file joined to the records: the name its rows are looked up under, and the SQL of them."""

    name: str
    path: Path
    rows_sql: str


@dataclass(frozen=True, slots=True)
class TextShape:
    """How records lie in a text file, for finding one again by number."""

    delimiter: str = ","
    quote: str = '"'
    encoding: str = "utf-8"
    compression: str = ""  # gzip, zstd; empty: none
    skip_lines: int = 0
    header: bool = True

    @property
    def is_recoded(self) -> bool:
        """Whether the text has to be turned into UTF-8 before DuckDB can read it. Then it comes uncompressed, too."""
        return self.encoding not in ("utf-8", "latin-1", "utf-16")


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read one file, known once it has been opened.

    `records_sql` is a SELECT over the file and its lookups: their columns, and `_row` (1-based record number).
    """

    records_sql: str
    entities: tuple[EntityPlan, ...]
    columns: tuple[str, ...]  # the file's own columns that the mappings use
    shape: TextShape = TextShape()
    lookups: tuple[Lookup, ...] = ()
    records: int | None = None  # number of records, where the format says so without reading
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drop:
    """One file as found: absolute path, size in bytes, modification time in nanoseconds."""

    path: Path
    size: int
    modified_ns: int


@dataclass(frozen=True, slots=True)
class DropPlan:
    """Everything landing needs to take one file in.

    `read` opens the file; it raises UnreadableError, IncompleteError or EmptyError, each with the end of a sentence
    that starts with the file's name.
    `series` names the setting that found the file: snapshots follow one another within it.
    """

    source: str
    drop: Drop
    format: str  # csv, jsonl, parquet
    targets: tuple[Target, ...]
    read: Callable[[], Reading]
    connector: str = "files"
    mode: str = "append"  # append, snapshot
    series: str = ""
    lookup_paths: tuple[Path, ...] = ()  # their content decides how rows come out, as the mapping does
