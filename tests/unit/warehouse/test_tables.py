from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest

from pipelines.warehouse.tables import append_rows, columns_of, replace_table


@dataclass(frozen=True)
class Row:
    name: str
    at: datetime | None
    day: date
    count: int
    share: float
    is_good: bool
    path: Path


ROW = Row(
    'it\'s "ü"\n',
    datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))),
    date(2026, 1, 2),
    3,
    0.5,
    True,
    Path("/x"),
)


def test_values_arrive_typed_and_moments_in_utc() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema s")
        assert replace_table(connection, "s.rows", Row, [ROW]) == 1
        types = dict(connection.execute("select column_name, column_type from (describe s.rows)").fetchall())
        assert types == dict(columns_of(Row))
        assert connection.table("s.rows").fetchall() == [
            ('it\'s "ü"\n', datetime(2026, 1, 1), date(2026, 1, 2), 3, 0.5, True, "/x")
        ]


def test_no_rows_make_an_empty_table_with_the_same_columns() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema s")
        replace_table(connection, "s.rows", Row, [])
        assert connection.table("s.rows").columns == list(columns_of(Row))
        append_rows(connection, "s.rows", Row, [ROW, ROW])
        assert len(connection.table("s.rows")) == 2


def test_a_field_without_a_column_type_is_refused() -> None:
    @dataclass(frozen=True)
    class Odd:
        value: object

    with pytest.raises(TypeError, match="no column type"):
        columns_of(Odd)
