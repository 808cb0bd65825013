"""Reader SQL: a table function call over one file, with CSV and JSONL read as text and Parquet as it is typed.

What lives here: options of the readers and the schema of a file as found. What does not: what the columns mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from pipelines.domain.drops import REJECTED_LINES, REJECTED_SCANS, IncompleteError, TextShape, UnreadableError
from pipelines.domain.entities import TEXT
from pipelines.domain.sql import literal_list, quote_identifier, quote_literal
from pipelines.sources.files import peek
from pipelines.sources.files.settings import FileSettings

ROW: Final = "_row"
_MAX_OBJECT_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Schema:
    """Columns of a file as found, with DuckDB types; `is_open`: records may have further keys (JSON)."""

    types: tuple[tuple[str, str], ...]
    is_open: bool = False
    records: int | None = None
    is_empty: bool = False


def shape_of(path: Path, settings: FileSettings, format_: str) -> TextShape:
    """How the text lies in the file, from settings and suffix."""
    is_tabs = ".tsv" in "".join(path.suffixes[-2:]).lower()
    return TextShape(
        delimiter=settings.delimiter or ("\t" if is_tabs else ","),
        quote=settings.quote,
        encoding=settings.encoding,
        compression="" if format_ == "parquet" else peek.compression_of(path),
        skip_lines=settings.skip_lines,
        header=settings.header,
    )


def schema_of(con: duckdb.DuckDBPyConnection, path: Path, format_: str, shape: TextShape, names: list[str]) -> Schema:
    """The columns that the file has. Raises UnreadableError or IncompleteError."""
    if format_ == "parquet":
        return _parquet_schema(con, path)
    if format_ == "jsonl":
        keys = peek.json_keys(path, shape)
        return Schema(tuple((key, TEXT) for key in keys), is_open=True, is_empty=not keys)
    header = peek.csv_header(path, shape, tuple(names))
    if header is None:
        return Schema((), is_empty=True)
    return Schema(tuple((name, TEXT) for name in header))


def _parquet_schema(con: duckdb.DuckDBPyConnection, path: Path) -> Schema:
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(max(0, path.stat().st_size - 4))
        tail = file.read(4)
    if head and head != b"PAR1":
        raise UnreadableError("is not a Parquet file; say format = ... in its settings if it is something else")
    if tail != b"PAR1":
        raise IncompleteError("has no Parquet footer yet")
    name = quote_literal(str(path))
    try:
        columns = con.execute(f"DESCRIBE SELECT * FROM read_parquet({name}, hive_partitioning = false)").fetchall()  # noqa: S608
        records = con.execute(f"SELECT num_rows FROM parquet_file_metadata({name})").fetchone()  # noqa: S608
    except duckdb.Error as error:
        raise IncompleteError(f"cannot be decoded as Parquet ({str(error).splitlines()[0]})") from None
    types = tuple((str(row[0]), str(row[1])) for row in columns)
    return Schema(types, records=records[0] if records else None)


def records_sql(
    path: Path,
    format_: str,
    schema: Schema,
    used: Iterable[str],
    shape: TextShape,
    null_values: Sequence[str] = (),
    *,
    is_strict: bool = False,
) -> str:
    """A SELECT of the file's columns and `_row`. `used` are the columns that the mappings name.

    Lines that do not split into the columns are kept apart (CSV) or become records of nulls (JSONL); with `is_strict`
    they are errors.
    """
    name, names = quote_literal(str(path)), list(dict.fromkeys(used))
    types = {column.lower(): type_ for column, type_ in schema.types}
    values = [_value(column, types.get(column.lower(), TEXT), format_, null_values) for column in names]
    if format_ == "parquet":
        row = f"file_row_number + 1 AS {ROW}"
        reader = f"read_parquet({name}, hive_partitioning = false, file_row_number = true)"
    else:
        row = f"row_number() OVER () AS {ROW}"
        reader = _csv(name, schema, shape, null_values, is_strict) if format_ == "csv" else ""
        reader = reader or _json(name, names, shape, is_strict)
    return f"SELECT {', '.join([*values, row])} FROM {reader}"  # noqa: S608


def _value(column: str, type_: str, format_: str, null_values: Sequence[str]) -> str:
    name = quote_identifier(column)
    if null_values and type_ == TEXT and format_ != "csv":
        return f"CASE WHEN {name} NOT IN ({', '.join(map(quote_literal, null_values))}) THEN {name} END AS {name}"
    return name


def _json(name: str, columns: list[str], shape: TextShape, is_strict: bool) -> str:
    return (
        f"read_json({name}, columns = {_declared(columns)}, format = 'newline_delimited', "
        f"ignore_errors = {str(not is_strict).lower()}, maximum_object_size = {_MAX_OBJECT_BYTES}{_compression(shape)})"
    )


def _csv(name: str, schema: Schema, shape: TextShape, null_values: Sequence[str], is_strict: bool) -> str:
    columns = [column for column, _ in schema.types]
    return f"read_csv({name}, columns = {_declared(columns)}, {_csv_options(shape, null_values, is_strict)})"


def _csv_options(shape: TextShape, null_values: Sequence[str], is_strict: bool) -> str:
    encoding = "utf-8" if shape.is_recoded else shape.encoding
    quote = quote_literal(shape.quote)
    tables = f"rejects_table = '{REJECTED_LINES}', rejects_scan = '{REJECTED_SCANS}'"
    on_error = "ignore_errors = false" if is_strict else f"store_rejects = true, rejects_limit = 0, {tables}"
    return (
        f"auto_detect = false, header = {str(shape.header).lower()}, skip = {shape.skip_lines}, "
        f"delim = {quote_literal(shape.delimiter)}, quote = {quote}, escape = {quote}, "
        f"nullstr = {literal_list(['', *null_values])}, encoding = '{encoding}', "
        f"{on_error}{_compression(shape)}"
    )


def _compression(shape: TextShape) -> str:
    return f", compression = '{'none' if shape.is_recoded else shape.compression or 'none'}'"


def _declared(columns: list[str]) -> str:
    return "{" + ", ".join(f"{quote_literal(column)}: 'VARCHAR'" for column in columns) + "}"
