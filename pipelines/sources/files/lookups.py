"""Small reference files joined to the records: the first row per key wins, and none multiplies a record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from pipelines.domain.drops import Lookup, UnreadableError
from pipelines.domain.sql import quote_identifier
from pipelines.sources.files import readers
from pipelines.sources.files.discovery import format_of
from pipelines.sources.files.settings import FileSettings, LookupSettings

_PLAIN: Final = FileSettings.model_construct(
    path="", delimiter=None, quote='"', encoding="utf-8", skip_lines=0, header=True, names=[], entities={}
)


@dataclass(frozen=True, slots=True)
class Joined:
    """Lookups ready to be joined: types of the records' columns with theirs, and the joins in order."""

    types: dict[str, str]
    lookups: tuple[Lookup, ...] = ()
    joins: tuple[tuple[str, str], ...] = ()  # (columns to add, rest of the FROM clause)

    def over(self, records_sql: str) -> str:
        """The SELECT of records with all lookups joined. The order of records is of no matter: they carry `_row`."""
        for columns, rest in self.joins:
            records_sql = f"SELECT r.*, {columns} FROM ({records_sql}) r {rest}"  # noqa: S608
        return records_sql


def join(
    con: duckdb.DuckDBPyConnection, settings: FileSettings, base: Path, types: Mapping[str, str], setting: str
) -> Joined:
    """Prepare the lookups of a file whose records have columns of these types.

    Raises UnreadableError naming the lookup's file and setting.
    """
    known = dict(types)
    prepared: list[Lookup] = []
    joins: list[tuple[str, str]] = []
    for number, lookup in enumerate(settings.lookups):
        key = f"{setting}.lookups[{number}]"
        path = base / Path(lookup.path).expanduser()
        name = f"lookup_{number}"
        found, rows_sql = _rows(con, path, lookup, key)
        outputs = {lookup.prefix + column: found[column] for column in lookup.columns}
        _check(lookup, known, outputs, key)
        conditions = " AND ".join(
            f"CAST(r.{quote_identifier(ours)} AS VARCHAR) = l.{quote_identifier(f'on:{ours}')}" for ours in lookup.on
        )
        joins.append(
            (", ".join(f"l.{quote_identifier(one)}" for one in outputs), f"LEFT JOIN {name} l ON {conditions}")
        )
        prepared.append(Lookup(name, path, rows_sql))
        known |= outputs
    return Joined(known, tuple(prepared), tuple(joins))


def outputs_of(settings: FileSettings) -> frozenset[str]:
    """Names of the columns that the lookups add."""
    return frozenset(lookup.prefix + column for lookup in settings.lookups for column in lookup.columns)


def _check(lookup: LookupSettings, known: Mapping[str, str], outputs: Mapping[str, str], key: str) -> None:
    clash = next((name for name in outputs if name in known), None)
    if clash is not None:
        raise UnreadableError(f'has a column {clash!r} already; say as = "..." in {key}')
    absent = next((column for column in lookup.on if column not in known), None)
    if absent is not None:
        raise UnreadableError(f"column {absent!r} is not there; fix {key}.on")


def _rows(con: duckdb.DuckDBPyConnection, path: Path, lookup: LookupSettings, key: str) -> tuple[dict[str, str], str]:
    format_ = format_of(path)
    if format_ is None or not path.exists():
        why = "whose suffix is not known" if path.exists() else "which is not there"
        raise UnreadableError(f"needs the lookup {path}, {why}; fix {key}.path")
    shape = readers.shape_of(path, _PLAIN, format_)
    schema = readers.schema_of(con, path, format_, shape, [])
    types = dict(schema.types)
    for column in [*lookup.on.values(), *lookup.columns]:
        if column not in types:
            found = ", ".join(types)
            raise UnreadableError(f"needs column {column!r} of {path}, which is not there (found: {found}); fix {key}")
    records = readers.records_sql(path, format_, schema, types, shape, is_strict=True)
    keys = {f"on:{ours}": f"CAST({quote_identifier(theirs)} AS VARCHAR)" for ours, theirs in lookup.on.items()}
    outputs = {lookup.prefix + column: quote_identifier(column) for column in lookup.columns}
    selected = ", ".join(f"{sql} AS {quote_identifier(name)}" for name, sql in {**keys, **outputs}.items())
    where = f" WHERE ({lookup.where}\n)" if lookup.where else ""
    return types, (
        f"SELECT {selected} FROM ({records}){where} "  # noqa: S608
        f"QUALIFY row_number() OVER (PARTITION BY {', '.join(keys.values())} ORDER BY {readers.ROW}) = 1"
    )
