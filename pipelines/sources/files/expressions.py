"""SQL expressions of a mapping: is it one expression, which columns does it name, of which type is it.

DuckDB's own parser answers, on a private in-memory connection.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import duckdb

from pipelines.domain.drops import UnreadableError
from pipelines.domain.sql import quote_identifier

_NO_EXTENSIONS: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "threads": 1,
}


def connect() -> duckdb.DuckDBPyConnection:
    """A private connection for questions of syntax and schema. Times are UTC; nothing is fetched from anywhere."""
    con = duckdb.connect(":memory:", config=_NO_EXTENSIONS)
    con.execute("SET TimeZone = 'UTC'")
    return con


def columns_of(con: duckdb.DuckDBPyConnection, expression: str) -> frozenset[str]:
    """Names of the columns that an expression uses. Raises ValueError where it is not one expression."""
    selected = _selected(con, f"SELECT ({expression}\n)")
    if len(_selected(con, f"SELECT {expression}\n")) != 1:  # in parentheses `a, b` is one value, a row
        raise ValueError("is not one SQL expression")
    names: set[str] = set()
    _collect(selected[0], names, frozenset())
    return frozenset(names)


def types_of(
    con: duckdb.DuckDBPyConnection, expressions: Mapping[str, str], columns: Mapping[str, str]
) -> dict[str, str]:
    """DuckDB types of named expressions over columns of the given types.

    Raises UnreadableError naming the expression that does not fit the columns.
    """
    given = ", ".join(f"CAST(NULL AS {type_}) AS {quote_identifier(name)}" for name, type_ in columns.items())
    types: dict[str, str] = {}
    for name, expression in expressions.items():
        try:
            rows = con.execute(f"DESCRIBE SELECT ({expression}\n) AS x FROM (SELECT {given})").fetchall()  # noqa: S608
            types[name] = str(rows[0][1])
        except duckdb.Error as error:
            reason = str(error).splitlines()[0]
            raise UnreadableError(f"does not fit the expression of {name} ({expression}): {reason}") from None
    return types


def _selected(con: duckdb.DuckDBPyConnection, query: str) -> list[Any]:
    row = con.execute("SELECT json_serialize_sql($1)", [query]).fetchone()
    tree = json.loads(row[0]) if row else {"error": True}
    if tree["error"]:
        raise ValueError(f"is not an SQL expression: {tree.get('error_message', 'empty')}")
    if len(tree["statements"]) != 1:
        raise ValueError("is not one SQL expression")
    return list(tree["statements"][0]["node"].get("select_list", []))


def _collect(node: Any, names: set[str], bound: frozenset[str]) -> None:
    if isinstance(node, list):
        for item in node:
            _collect(item, names, bound)
    if not isinstance(node, dict):
        return
    if node.get("class") == "LAMBDA":  # its parameters look like columns
        parameters: set[str] = set()
        _collect(node.get("lhs"), parameters, frozenset())
        _collect(node.get("expr"), names, bound | parameters)
        return
    if node.get("class") == "COLUMN_REF" and node["column_names"][0] not in bound:
        names.add(node["column_names"][0])
    for value in node.values():
        if isinstance(value, (dict, list)):
            _collect(value, names, bound)
