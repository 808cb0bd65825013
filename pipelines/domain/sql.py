"""Quoting: the only way a name, path or constant from settings gets into SQL text. Values from data never do."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime


def quote_identifier(name: str) -> str:
    """A name as a double-quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_literal(value: str | int | float | bool | datetime) -> str:
    """A value as SQL literal, moments as UTC timestamps. Raises ValueError for text with a NUL byte."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        return f"timestamp '{moment:%Y-%m-%d %H:%M:%S.%f}'"
    if "\x00" in value:
        raise ValueError("a NUL byte cannot stand in SQL")
    return "'" + value.replace("'", "''") + "'"


def literal_list(texts: Iterable[str]) -> str:
    """Strings as a bracketed SQL list of literals."""
    return "[" + ", ".join(quote_literal(text) for text in texts) + "]"
