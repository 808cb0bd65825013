"""Values: read exactly or not at all."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from pipelines.domain.entities import ORDER_LINES, ORDERS, TICKETS, Entity
from pipelines.sources.files.expressions import connect
from pipelines.sources.files.settings import ColumnSettings
from pipelines.sources.files.values import TypeMismatchError, compile_value

UNREADABLE = "unreadable"
MISSING = "missing"


@pytest.fixture(scope="module")
def con() -> duckdb.DuckDBPyConnection:
    return connect()


def value_of(
    con: duckdb.DuckDBPyConnection,
    entity: Entity,
    field: str,
    raw: Any,
    type_: str = "VARCHAR",
    zone: str = "UTC",
    **settings: Any,
) -> Any:
    """The value, or whether it is unreadable or missing."""
    origin = {} if "sql" in settings or "value" in settings else {"column": "x"}
    column = ColumnSettings(**origin, **settings)
    ref = f"({column.sql})" if column.sql else '"x"'
    compiled = compile_value(entity.field(field), column, ref, type_, zone)
    present = compiled.present_sql or "FALSE"
    row = con.execute(
        f"SELECT {compiled.value_sql} AS v, ({present}) IS TRUE AS p, typeof(v) FROM (SELECT CAST($1 AS {type_}) AS x)",
        [raw],
    ).fetchone()
    assert row is not None
    if row[0] is None:
        return UNREADABLE if row[1] else MISSING
    assert row[2] == entity.field(field).type
    return row[0]


TIMES = [
    ("2024-05-01T10:00:00", "UTC", datetime(2024, 5, 1, 10)),
    ("2024-05-01T10:00:00Z", "UTC", datetime(2024, 5, 1, 10)),
    ("2024-05-01T10:00:00Z", "Europe/London", datetime(2024, 5, 1, 10)),
    ("2024-05-01T10:00:00+05:30", "Europe/London", datetime(2024, 5, 1, 4, 30)),
    ("2024-05-01T10:00:00-0300", "UTC", datetime(2024, 5, 1, 13)),
    ("2024-05-01 10:00+02", "UTC", datetime(2024, 5, 1, 8)),
    ("2024-05-01T10:00Z", "UTC", datetime(2024, 5, 1, 10)),
    ("2024-05-01 10:00:00.123456", "UTC", datetime(2024, 5, 1, 10, 0, 0, 123456)),
    ("2024-05-01T10:00:00.123+02", "UTC", datetime(2024, 5, 1, 8, 0, 0, 123000)),
    ("2024-05-01 10:00:00", "Europe/London", datetime(2024, 5, 1, 9)),
    ("2024-05-01 10:00:00.5", "Europe/London", datetime(2024, 5, 1, 9, 0, 0, 500000)),
    ("  2024-05-01 10:00:00 ", "Europe/London", datetime(2024, 5, 1, 9)),
    ("2024-01-01 10:00:00", "Europe/London", datetime(2024, 1, 1, 10)),
    ("2024-05-01", "America/New_York", datetime(2024, 5, 1, 4)),
    # A local time that does not exist (clocks go forward) is what the clock before the change would have said.
    ("2024-03-31 01:30:00", "Europe/London", datetime(2024, 3, 31, 1, 30)),
    # One that happens twice is the second: standard time.
    ("2024-10-27 01:30:00", "Europe/London", datetime(2024, 10, 27, 1, 30)),
    ("2025-13-45T99:00:00", "UTC", UNREADABLE),
    ("2024-02-30 10:00:00", "UTC", UNREADABLE),
    ("N/A", "UTC", UNREADABLE),
    ("1714557600", "UTC", UNREADABLE),
    ("", "UTC", MISSING),
    ("   ", "UTC", MISSING),
    (None, "UTC", MISSING),
]


@pytest.mark.parametrize(("raw", "zone", "expected"), TIMES)
def test_times_are_utc(con: duckdb.DuckDBPyConnection, raw: str, zone: str, expected: Any) -> None:
    assert value_of(con, ORDERS, "ordered_at", raw, zone=zone) == expected


@pytest.mark.parametrize(
    ("raw", "formats", "zone", "expected"),
    [
        ("31/01/2024 10:00", "%d/%m/%Y %H:%M", "UTC", datetime(2024, 1, 31, 10)),
        ("31/07/2024 10:00", "%d/%m/%Y %H:%M", "Europe/London", datetime(2024, 7, 31, 9)),
        ("31/02/2024 10:00", "%d/%m/%Y %H:%M", "UTC", UNREADABLE),
        ("07/31/2024 3:05 PM", ["%d/%m/%Y %H:%M", "%m/%d/%Y %I:%M %p"], "UTC", datetime(2024, 7, 31, 15, 5)),
        ("31/07/2024 10:00 +0200", ["%d/%m/%Y %H:%M %z", "%d/%m/%Y"], "Asia/Tokyo", datetime(2024, 7, 31, 8)),
        ("31/07/2024", ["%d/%m/%Y %H:%M %z", "%d/%m/%Y"], "Asia/Tokyo", datetime(2024, 7, 30, 15)),
    ],
)
def test_formats(con: duckdb.DuckDBPyConnection, raw: str, formats: Any, zone: str, expected: Any) -> None:
    assert value_of(con, ORDERS, "ordered_at", raw, zone=zone, format=formats) == expected


@pytest.mark.parametrize(
    ("raw", "type_", "unit", "expected"),
    [
        ("1714557600", "VARCHAR", "s", datetime(2024, 5, 1, 10)),
        ("1714557600.25", "VARCHAR", "s", datetime(2024, 5, 1, 10, 0, 0, 250000)),
        ("1714557600123", "VARCHAR", "ms", datetime(2024, 5, 1, 10, 0, 0, 123000)),
        (1714557600123, "BIGINT", "ms", datetime(2024, 5, 1, 10, 0, 0, 123000)),
        ("99999999999999999999", "VARCHAR", "s", UNREADABLE),
        ("soon", "VARCHAR", "s", UNREADABLE),
    ],
)
def test_epochs(con: duckdb.DuckDBPyConnection, raw: Any, type_: str, unit: str, expected: Any) -> None:
    assert value_of(con, ORDERS, "ordered_at", raw, type_, unit=unit) == expected


@pytest.mark.parametrize(
    ("raw", "type_", "zone", "expected"),
    [
        ("2024-05-01", "VARCHAR", "UTC", date(2024, 5, 1)),
        ("2024-05-01 23:30:00", "VARCHAR", "America/New_York", date(2024, 5, 1)),
        ("2024-05-01T02:30:00Z", "VARCHAR", "America/New_York", date(2024, 4, 30)),
        ("2024-05-01T23:30:00+02:00", "VARCHAR", "UTC", date(2024, 5, 1)),
        ("2024-05-01 77:30:00", "VARCHAR", "UTC", UNREADABLE),
        ("2024-02-30", "VARCHAR", "UTC", UNREADABLE),
        ("TBD", "VARCHAR", "UTC", UNREADABLE),
        (date(2024, 5, 1), "DATE", "Asia/Tokyo", date(2024, 5, 1)),
        (datetime(2024, 5, 1, 23), "TIMESTAMP", "Asia/Tokyo", date(2024, 5, 1)),
        ("2024-05-01 20:00:00+00", "TIMESTAMP WITH TIME ZONE", "Asia/Tokyo", date(2024, 5, 2)),
    ],
)
def test_dates_are_local(con: duckdb.DuckDBPyConnection, raw: Any, type_: str, zone: str, expected: Any) -> None:
    assert value_of(con, ORDERS, "promised_date", raw, type_, zone) == expected


@pytest.mark.parametrize(
    ("raw", "settings", "expected"),
    [
        ("19.99", {}, Decimal("19.9900")),
        ("12345678901234.5678", {}, Decimal("12345678901234.5678")),  # a double would lose the end
        (" 7 ", {}, Decimal("7.0000")),
        ("1999", {"unit": "cents"}, Decimal("19.9900")),
        ("-5", {"unit": "cents"}, Decimal("-0.0500")),
        ("1.234,50", {"decimal_comma": True}, Decimal("1234.5000")),
        ("12,5", {"decimal_comma": True}, Decimal("12.5000")),
        ("12.50", {"decimal_comma": True}, UNREADABLE),  # would be 1,250 if the point were simply dropped
        ("12,5", {}, UNREADABLE),
        ("$12", {}, UNREADABLE),
        ("", {}, MISSING),
    ],
)
def test_money_is_exact(con: duckdb.DuckDBPyConnection, raw: str, settings: Any, expected: Any) -> None:
    assert value_of(con, ORDERS, "order_amount", raw, **settings) == expected


@pytest.mark.parametrize(
    ("raw", "type_", "expected"),
    [
        ("3", "VARCHAR", 3),
        ("3.0", "VARCHAR", 3),
        ("2.7", "VARCHAR", UNREADABLE),
        ("99999999999", "VARCHAR", UNREADABLE),
        (2.7, "DOUBLE", UNREADABLE),
        (2.0, "DOUBLE", 2),
        (5_000_000_000, "BIGINT", UNREADABLE),
        (5, "BIGINT", 5),
    ],
)
def test_counts_are_whole(con: duckdb.DuckDBPyConnection, raw: Any, type_: str, expected: Any) -> None:
    assert value_of(con, ORDER_LINES, "quantity", raw, type_) == expected


@pytest.mark.parametrize(
    ("raw", "settings", "expected"),
    [
        ("yes", {}, True),
        ("0", {}, False),
        ("maybe", {}, UNREADABLE),
        ("canceled", {"true_values": ["canceled", "unavailable"]}, True),
        ("delivered", {"true_values": ["canceled", "unavailable"]}, False),
        ("X", {"true_values": ["J"], "false_values": ["N"]}, UNREADABLE),
        ("", {"true_values": ["canceled"]}, MISSING),
        (None, {"true_values": ["canceled"]}, MISSING),
    ],
)
def test_flags(con: duckdb.DuckDBPyConnection, raw: Any, settings: Any, expected: Any) -> None:
    assert value_of(con, ORDERS, "is_cancelled", raw, **settings) == expected


@pytest.mark.parametrize(
    ("raw", "unit", "expected"),
    [("0.35", "kg", 350.0), ("16", "oz", 453.592370), ("2", "lb", 907.18474), ("120", None, 120.0), ("nan", None, "u")],
)
def test_weights_are_grams(con: duckdb.DuckDBPyConnection, raw: str, unit: str | None, expected: Any) -> None:
    found = value_of(con, ORDER_LINES, "weight_grams", raw, unit=unit)
    assert found == (UNREADABLE if expected == "u" else pytest.approx(expected))


@pytest.mark.parametrize(
    ("raw", "type_", "expected"),
    [
        ("UPS  ", "VARCHAR", "UPS"),
        ("", "VARCHAR", MISSING),
        ("   ", "VARCHAR", MISSING),
        (17850.0, "DOUBLE", "17850"),
        (17850.5, "DOUBLE", "17850.5"),
        (9007199254740993, "BIGINT", "9007199254740993"),
    ],
)
def test_text(con: duckdb.DuckDBPyConnection, raw: Any, type_: str, expected: str) -> None:
    assert value_of(con, ORDERS, "order_id", raw, type_) == expected


def test_lists_become_json_text(con: duckdb.DuckDBPyConnection) -> None:
    assert value_of(con, TICKETS, "tags", ["a", "b"], "VARCHAR[]") == '["a","b"]'


def test_an_expression_that_raises_is_unreadable_not_null(con: duckdb.DuckDBPyConnection) -> None:
    expression = "CAST(x AS INTEGER) + 1"
    assert value_of(con, ORDER_LINES, "quantity", "two", sql="x") == UNREADABLE
    column = ColumnSettings(sql=expression)
    compiled = compile_value(ORDER_LINES.field("quantity"), column, f"({expression})", "INTEGER", "UTC")
    con.execute("SET disabled_optimizers = 'common_subexpressions'")  # as landing does for expressions with TRY
    sql = f"SELECT {compiled.value_sql}, {compiled.present_sql} FROM (VALUES ('two'), ('1'), (NULL)) t(x)"
    assert con.execute(sql).fetchall() == [(None, True), (2, True), (None, False)]


@pytest.mark.parametrize(
    ("field", "type_"), [("ordered_at", "BIGINT"), ("order_id", "STRUCT(a INTEGER)"), ("order_amount", "TIMESTAMP")]
)
def test_a_type_that_cannot_be_the_field_is_refused(field: str, type_: str) -> None:
    with pytest.raises(TypeMismatchError, match=type_.split("(")[0]):
        compile_value(ORDERS.field(field), ColumnSettings(column="x"), '"x"', type_, "UTC")
