"""Plain dataclasses as DuckDB tables, in bulk: one statement and one parameter whatever the number of rows.

A table's columns are the fields of its row type, so that the schema has one home. Moments are stored as UTC timestamps.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipelines.domain.sql import quote_identifier

if TYPE_CHECKING:
    import duckdb
    from _typeshed import DataclassInstance

# subclasses before their bases: a bool is an int, a datetime is a date
_TYPES: Final[dict[type, str]] = {
    str: "VARCHAR",
    Path: "VARCHAR",
    bool: "BOOLEAN",
    int: "BIGINT",
    float: "DOUBLE",
    datetime: "TIMESTAMP",
    date: "DATE",
}


def replace_table(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    row_type: type[DataclassInstance],
    rows: Iterable[DataclassInstance],
) -> int:
    """Create or replace `schema.table` holding exactly these rows; returns how many."""
    return _write(connection, f"create or replace table {_qualified(name)} as", row_type, rows)


def append_rows(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    row_type: type[DataclassInstance],
    rows: Iterable[DataclassInstance],
) -> int:
    """Append rows to `schema.table`, creating it where missing; returns how many."""
    columns = ", ".join(f"{quote_identifier(column)} {kind}" for column, kind in columns_of(row_type).items())
    connection.execute(f"create table if not exists {_qualified(name)} ({columns})")
    return _write(connection, f"insert into {_qualified(name)} by name", row_type, rows)


@cache
def columns_of(row_type: type[DataclassInstance]) -> Mapping[str, str]:
    """Column names and DuckDB types of a row type. `str` fields named *_json still are VARCHAR."""
    hints = typing.get_type_hints(row_type)
    return {field.name: _duckdb_type(hints[field.name]) for field in dataclasses.fields(row_type)}


def plain(value: Any) -> Any:
    """A value as JSON can hold it: moments in UTC, paths and enums as text, mappings and sequences as they are."""
    match value:
        case datetime():
            moment = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
            return moment.isoformat(sep=" ")
        case date():
            return value.isoformat()
        case Enum():
            return plain(value.value)
        case None | str() | bool() | int() | float():
            return value
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case set() | frozenset() | Sequence():
            return [plain(item) for item in value]
    return str(value)


def _write(
    connection: duckdb.DuckDBPyConnection,
    statement: str,
    row_type: type[DataclassInstance],
    rows: Iterable[DataclassInstance],
) -> int:
    columns = columns_of(row_type)
    payload = [{name: plain(getattr(row, name)) for name in columns} for row in rows]
    # from_json over one parameter: 6 microseconds a row, where executemany takes 150 and Arrow 0.3 s to import
    connection.execute(
        f"{statement} select unnest(from_json(?::json, ?), recursive := true)",
        [json.dumps(payload), json.dumps([dict(columns)])],
    )
    return len(payload)


def _qualified(name: str) -> str:
    return ".".join(quote_identifier(part) for part in name.split("."))


def _duckdb_type(hint: Any) -> str:
    if typing.get_origin(hint) in {types.UnionType, typing.Union}:
        (hint,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
    for python_type, name in _TYPES.items():
        if isinstance(hint, type) and issubclass(hint, python_type):
            return name
    raise TypeError(f"no column type for {hint!r}")
