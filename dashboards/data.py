"""The published file: where it is, one read-only connection to it, and named queries with bound values.

What lives here: finding the file at each interaction, letting go of the one before it, running `queries/<name>.sql`,
and saying what to do when there is nothing to read. What does not: what the numbers mean (`queries`, the marts) and
how they look (`charts`, `app_pages`).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Final

import duckdb
import polars as pl
import streamlit as st

Value = str | int | float | bool | date | datetime | list[str] | None

ENVIRONMENT: Final = "WHEREHOUSE_PUBLISHED"
DEFAULT_FILE: Final = Path(__file__).resolve().parents[1] / "data" / "published" / "current.duckdb"
QUERIES: Final = Path(__file__).resolve().parent / "queries"
_CONFIG: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "enable_external_access": False,
    "memory_limit": "512MB",
}


class UnavailableError(Exception):
    """Nothing can be shown. The message is for the reader: what is wrong and what to do about it."""


class LacksError(UnavailableError):
    """The file is readable but older than the page, or of another version: a table or column is not in it."""

    def __init__(self, real: str, missing: str) -> None:
        self.in_part = (
            f"The published file does not hold this yet ({missing}). It comes with the next full refresh of this "
            "version: run `wherehouse refresh --full`, then reload this page."
        )
        super().__init__(
            f"The published file `{real}` was written by another version of Wherehouse and lacks something this page "
            f"needs ({missing}). Run `wherehouse refresh --full`, then reload this page."
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """Rows of a query, and the same query with its values written out, for copying."""

    rows: pl.DataFrame
    sql: str


def location() -> Path:
    """Where the published file is looked for: WHEREHOUSE_PUBLISHED, else data/published/current.duckdb."""
    return Path(os.environ.get(ENVIRONMENT) or DEFAULT_FILE).expanduser()


def real_path() -> Path:
    """The file behind the link, as of now. Raises UnavailableError when there is none."""
    path = location()
    if not path.exists():
        raise UnavailableError(
            f"Nothing is published yet: there is no file `{path}`. Run `make demo` to look around with sample data, or "
            "`wherehouse refresh` to publish your own, then reload this page."
        )
    return path.resolve()


def ask(query: str, **values: Value) -> Answer:
    """Run `queries/<query>.sql` on the file published right now, with its `$names` bound to `values`.

    Raises UnavailableError when the file is missing, cannot be read, or was written by another version.
    """
    try:
        rows = _rows(str(real_path()), query, values)
    except duckdb.ConnectionException:  # another session has just moved on to a newer file
        rows = _rows(str(real_path()), query, values)
    return Answer(rows, written_out(query, values))


def written_out(query: str, values: dict[str, Value]) -> str:
    """The query as a text that stands alone: the macros it uses, and literals in place of `$names`."""
    # in one pass: a value that looks like a name is not replaced again
    text = re.sub(r"\$([a-z_]+)", lambda match: _literal(values[str(match.group(1))]), _text(query))
    return f"{_text('macros')}\n{text}" if "wilson_" in text else text


def dictionary() -> dict[str, str]:
    """What the published columns mean, by name; empty for a file of before there was a dictionary."""
    return _pairs("dictionary")


def carriers() -> dict[str, str]:
    """Carriers' names by code; empty for a file that has none."""
    return _pairs("carriers")


def _pairs(query: str) -> dict[str, str]:
    try:
        return _known(str(real_path()), query)
    except LacksError:
        return {}


@st.cache_resource(max_entries=4, show_spinner=False)
def _known(real: str, query: str) -> dict[str, str]:
    return dict(_rows(real, query, {}).rows())


@st.cache_resource(max_entries=1, show_spinner=False, on_release=lambda connection: connection.close())
def _connection(real: str) -> duckdb.DuckDBPyConnection:
    _rows.clear()  # answers of the file before
    try:
        return duckdb.connect(real, read_only=True, config=_CONFIG)
    except (duckdb.IOException, duckdb.SerializationException) as error:
        reason = str(error).splitlines()[0].removeprefix("IO Error: ")
        raise UnavailableError(
            f"The published file `{real}` cannot be read ({_plain(reason)}). Run `wherehouse refresh` to publish a new "
            f"one, or point {ENVIRONMENT} to the right file."
        ) from None


@st.cache_data(max_entries=512, show_spinner=False)
def _rows(real: str, query: str, values: dict[str, Value]) -> pl.DataFrame:
    cursor = _connection(real).cursor()
    try:
        cursor.execute(_text("macros"))
        rows: pl.DataFrame = cursor.sql(_text(query), params=values).pl()
    except (duckdb.CatalogException, duckdb.BinderException) as error:
        raise LacksError(real, _lacking(str(error).splitlines()[0])) from None
    finally:
        cursor.close()
    return rows


@cache
def _text(query: str) -> str:
    return (QUERIES / f"{query}.sql").read_text(encoding="utf-8")


def _literal(value: Value) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case datetime():
            return f"timestamp '{value:%Y-%m-%d %H:%M:%S}'"
        case date():
            return f"date '{value:%Y-%m-%d}'"
        case list():
            return "[" + ", ".join(_literal(item) for item in value) + "]::varchar[]"
        case _:
            return "'" + value.replace("'", "''") + "'"


def _lacking(message: str) -> str:
    """What is not there, in words; the engine's own where it says something else."""
    found = re.search(r'Table with name "?([\w.]+)"? does not exist', message)
    if found:
        return f"table {found[1].split('.')[-1]}"
    found = re.search(r'column "?(\w+)"? not found|does not have a column named "(\w+)"', message)
    return f"column {found[1] or found[2]}" if found else _plain(message)


def _plain(reason: str) -> str:
    return reason.replace("`", "'").rstrip(".!")
