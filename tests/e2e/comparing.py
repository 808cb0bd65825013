"""Are two published files the same? Every table, every column, every row, repetitions too (EXCEPT ALL both ways)."""

from __future__ import annotations

from pathlib import Path

import duckdb

SCHEMAS = ("marts", "outlook")


def differences(one: Path, other: Path, schemas: tuple[str, ...] = SCHEMAS) -> dict[str, str]:
    """What differs: table -> sentence with the first rows that only one side has. Empty where all is equal."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        for name, path in (("one", one), ("other", other)):
            connection.execute(f"attach '{path}' as {name} (read_only)")
        found = {}
        tables = {name: _tables(connection, name, schemas) for name in ("one", "other")}
        for table in sorted(tables["one"].keys() | tables["other"].keys()):
            sentence = _difference(connection, table, tables["one"].get(table), tables["other"].get(table))
            if sentence:
                found[table] = sentence
        assert tables["one"], f"{one} holds no table of {schemas}"
        return found


def row_counts(path: Path, schemas: tuple[str, ...] = SCHEMAS) -> dict[str, int]:
    """Rows of every table."""
    with duckdb.connect(str(path), read_only=True) as connection:
        return {
            table: connection.execute(f"select count(*) from {table}").fetchone()[0]
            for table in sorted(_tables(connection, path.stem.replace("-", "_"), schemas, any_database=True))
        }


def _tables(
    connection: duckdb.DuckDBPyConnection, database: str, schemas: tuple[str, ...], *, any_database: bool = False
) -> dict[str, dict[str, str]]:
    columns: dict[str, dict[str, str]] = {}
    for schema, table, column, kind in connection.execute(
        "select schema_name, table_name, column_name, data_type from duckdb_columns() "
        "where (database_name = $1 or $2) and schema_name in (select unnest($3)) order by column_index",
        [database, any_database, list(schemas)],
    ).fetchall():
        columns.setdefault(f"{schema}.{table}", {})[column] = kind
    return columns


def _difference(
    connection: duckdb.DuckDBPyConnection, table: str, one: dict[str, str] | None, other: dict[str, str] | None
) -> str:
    if one is None or other is None:
        return "is missing on one side"
    if one != other:
        return f"has other columns: {sorted(set(one.items()) ^ set(other.items()))}"
    names = ", ".join(f'"{name}"' for name in one)
    only = []
    for left, right in (("one", "other"), ("other", "one")):
        minus = f"(select {names} from {left}.{table} except all select {names} from {right}.{table})"
        count = connection.execute(f"select count(*) from {minus}").fetchone()[0]
        if count:
            example = connection.execute(f"select * from {minus} order by all limit 1").fetchone()
            only.append(f"{count} rows only in {left}, first {dict(zip(one, example, strict=True))}")
    return "; ".join(only)
