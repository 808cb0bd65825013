"""The mapping compiler: from where a field comes from to the SQL of its typed value.

Every value is read exactly or not at all: text never becomes a decimal by way of a double, an offset is never
ignored (DuckDB's own cast to TIMESTAMP does), 12.7 is not 13 pieces. What cannot be read is null with `present_sql`
true, which landing turns into a reason.

The session's TimeZone must be UTC, as landing sets it: then a TIMESTAMPTZ cast to TIMESTAMP is the UTC time.
"""

from __future__ import annotations

from typing import Final

from pipelines.domain.drops import Column, UnreadableError
from pipelines.domain.entities import COUNT, DATE, FLAG, MONEY, REAL, TEXT, TIME, Field
from pipelines.domain.sql import quote_literal
from pipelines.sources.files.settings import ColumnSettings

_INTEGERS: Final = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"}
)
_FLOATS: Final = frozenset({"FLOAT", "DOUBLE"})
_LOCAL_TIMES: Final = frozenset({"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"})
_ZONED: Final = frozenset({"TIMESTAMP WITH TIME ZONE"})
_GRAMS: Final = {"g": "1", "kg": "1000", "oz": "28.349523125", "lb": "453.59237"}
_PROBLEMS: Final = {
    TIME: "not a time",
    DATE: "not a date",
    MONEY: "not an amount",
    COUNT: "not a whole number",
    REAL: "not a number",
    FLAG: "neither true nor false",
    TEXT: "not readable",
}
# Year, month and day, perhaps a time of day, and nothing after it: no offset.
_NAIVE: Final = "^[0-9]+[-/][0-9]+[-/][0-9]+([T ]+[0-9:.]+)?$"


class TypeMismatchError(UnreadableError):
    """A typed column (Parquet) holds another kind of thing than the field."""


def compile_value(field: Field, settings: ColumnSettings, ref: str, type_: str, zone: str) -> Column:
    """The SQL of one field.

    `ref` is the SQL of the source column or expression, `type_` its DuckDB type, `zone` the time zone of times that
    carry none. Raises TypeMismatchError where that type cannot become the field's.
    """
    if settings.value is not None:
        return _constant(field, settings)
    if type_ in ('"NULL"', "NULL"):
        return Column(field.name, f"CAST(NULL AS {field.type})")
    zone = settings.time_zone or zone
    if type_ == "JSON" or type_.startswith("ENUM"):
        ref, type_ = f"CAST({ref} AS VARCHAR)", TEXT
    problem = _PROBLEMS[field.type]
    if settings.sql is not None:  # an expression may raise: TRY makes that null, and the record present
        nothing = f"coalesce(trim({ref}), '') = ''" if type_ == TEXT else f"({ref}) IS NULL"
        return Column(
            field.name, _value(field, settings, f"TRY({ref})", type_, zone), f"TRY({nothing}) IS NOT TRUE", problem
        )
    value = _value(field, settings, ref, type_, zone)
    if type_ == TEXT:
        return Column(field.name, value, None if field.type == TEXT else _not_blank(ref), problem, settings.column)
    return Column(field.name, value, None if value == ref else f"{ref} IS NOT NULL", problem, settings.column)


def _value(field: Field, settings: ColumnSettings, ref: str, type_: str, zone: str) -> str:
    if type_ == TEXT:
        return _from_text(field, settings, ref, zone)
    return _from_native(field, settings, ref, type_, zone)


def _constant(field: Field, settings: ColumnSettings) -> Column:
    given = settings.value
    text = str(given).lower() if isinstance(given, bool) else str(given)
    return Column(field.name, f"CAST({quote_literal(text)} AS {field.type})")


def _from_text(field: Field, settings: ColumnSettings, ref: str, zone: str) -> str:
    match field.type:
        case "TIMESTAMP":
            return _epoch(ref, settings.unit) if settings.unit else _time(ref, settings.format, zone)
        case "DATE":
            return _date(ref, settings.format, zone)
        case "INTEGER":
            return _whole(f"TRY_CAST({ref} AS DECIMAL(18, 4))")
        case "BOOLEAN":
            return _flag(f"trim({ref})", settings)
        case "DOUBLE":
            number = _plain_number(ref) if settings.decimal_comma else ref
            return _finite(f"TRY_CAST({number} AS DOUBLE)", settings.unit)
        case "VARCHAR":
            return text_sql(ref)
        case _:
            number = _plain_number(ref) if settings.decimal_comma else ref
            return _money(number, settings.unit)


def _from_native(field: Field, settings: ColumnSettings, ref: str, type_: str, zone: str) -> str:
    is_number = type_ in _INTEGERS or type_ in _FLOATS or type_.startswith("DECIMAL")
    if field.type == TEXT:
        return _as_text(field, ref, type_)
    if field.type == TIME and is_number and settings.unit:
        return _epoch(ref, settings.unit)
    if field.type in (TIME, DATE) and (type_ == "DATE" or type_ in _LOCAL_TIMES or type_ in _ZONED):
        return _moment(field, ref, type_, zone)
    if field.type == FLAG and (type_ == "BOOLEAN" or type_ in _INTEGERS):
        if settings.true_values or settings.false_values:
            return _flag(f"CAST({ref} AS VARCHAR)", settings)
        return ref if type_ == "BOOLEAN" else f"CASE {ref} WHEN 1 THEN TRUE WHEN 0 THEN FALSE END"
    if field.type == COUNT and is_number:
        if type_ in ("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT"):
            return ref if type_ == "INTEGER" else f"CAST({ref} AS INTEGER)"
        return f"TRY_CAST({ref} AS INTEGER)" if type_ in _INTEGERS else _whole(ref)
    if field.type == MONEY and is_number:
        return _money(ref, settings.unit)
    if field.type == REAL and is_number:
        return _finite(f"CAST({ref} AS DOUBLE)", settings.unit)
    hint = "; say unit = 's' or 'ms'" if field.type == TIME and is_number else ""
    raise TypeMismatchError(f"holds {type_}, which cannot be read as {field.name} ({field.type}){hint}")


def text_sql(ref: str) -> str:
    """Text without blanks around it, null where nothing is left. The cheap test first: few values have any."""
    return (
        f"CASE WHEN {ref} = '' OR prefix({ref}, ' ') OR suffix({ref}, ' ') THEN nullif(trim({ref}), '') ELSE {ref} END"
    )


def _not_blank(ref: str) -> str:
    return f"({ref} <> '' AND NOT (prefix({ref}, ' ') AND trim({ref}) = ''))"


def _as_text(field: Field, ref: str, type_: str) -> str:
    if type_ in _FLOATS:  # a numeric id that a data frame turned into a double: 17850.0 is 17850
        return (
            f"CASE WHEN {ref} = trunc({ref}) AND abs({ref}) < 1e15 THEN CAST(CAST({ref} AS BIGINT) AS VARCHAR) "
            f"ELSE CAST({ref} AS VARCHAR) END"
        )
    if type_.startswith(("STRUCT", "MAP", "UNION")) or type_ == "BLOB":
        raise TypeMismatchError(f"holds {type_}, which cannot be read as {field.name} (text)")
    return f"CAST(to_json({ref}) AS VARCHAR)" if type_.endswith("]") else f"CAST({ref} AS VARCHAR)"


def _money(ref: str, unit: str | None) -> str:
    if unit == "cents":
        return f"TRY_CAST(TRY_CAST({ref} AS DECIMAL(16, 2)) * CAST('0.01' AS DECIMAL(3, 2)) AS {MONEY})"
    return f"TRY_CAST({ref} AS {MONEY})"


def _whole(number: str) -> str:
    return f"CASE WHEN {number} = trunc({number}) THEN TRY_CAST({number} AS INTEGER) END"


def _finite(number: str, unit: str | None) -> str:
    scaled = number if unit in (None, "g") else f"{number} * {_GRAMS[unit or 'g']}"
    return f"CASE WHEN isfinite({number}) THEN {scaled} END"


def _plain_number(ref: str) -> str:
    """`1.234,50` as `1234.50`; null for anything that is not clearly written that way."""
    well_formed = r"^\s*[+-]?([0-9]{1,3}([.][0-9]{3})+|[0-9]+)(,[0-9]+)?\s*$"
    return f"CASE WHEN regexp_matches({ref}, '{well_formed}') THEN replace(replace({ref}, '.', ''), ',', '.') END"


def _flag(text: str, settings: ColumnSettings) -> str:
    true, false = settings.true_values, settings.false_values
    if not true and not false:
        return f"TRY_CAST({text} AS BOOLEAN)"
    arms = ""
    if true:
        arms += f" WHEN {text} IN ({', '.join(map(quote_literal, true))}) THEN TRUE"
    if false:
        arms += f" WHEN {text} IN ({', '.join(map(quote_literal, false))}) THEN FALSE"
    rest = "" if true and false else f" WHEN {text} IS NOT NULL AND {text} <> '' THEN {'FALSE' if true else 'TRUE'}"
    return f"CASE{arms}{rest} END"


def _epoch(ref: str, unit: str | None) -> str:
    """Seconds or milliseconds since 1970 with up to microseconds. Both fit DECIMAL(18, 6) for the next 30,000 years."""
    micros = 1_000_000 if unit == "s" else 1_000
    return f"TRY(make_timestamp(CAST(TRY_CAST({ref} AS DECIMAL(21, 6)) * {micros} AS BIGINT)))"


def _utc(local: str, zone: str) -> str:
    return local if zone == "UTC" else f"timezone('UTC', timezone({quote_literal(zone)}, {local}))"


def _local_date(instant: str, zone: str) -> str:
    return f"CAST(timezone({quote_literal(zone)}, {instant}) AS DATE)"


def _time(ref: str, formats: list[str], zone: str) -> str:
    if formats:
        return _coalesce([_utc_of_format(f"trim({ref})", one, zone) for one in formats])
    clean = f"trim({ref})"
    naive = _utc(f"TRY_CAST({ref} AS TIMESTAMP)", zone)
    return (
        f"CASE WHEN strlen({ref}) = 19 AND {ref}[17] = ':' THEN {naive} "
        f"WHEN regexp_matches({ref}, '{_NAIVE}') THEN {naive} "
        f"WHEN regexp_matches({clean}, '{_NAIVE}') THEN {_utc(f'TRY_CAST({clean} AS TIMESTAMP)', zone)} "
        f"ELSE CAST(TRY_CAST({clean} AS TIMESTAMPTZ) AS TIMESTAMP) END"
    )


def _utc_of_format(text: str, one: str, zone: str) -> str:
    parsed = f"try_strptime({text}, {quote_literal(one)})"
    # With %z the result is an instant, which in a UTC session casts to the UTC time.
    return f"CAST({parsed} AS TIMESTAMP)" if _has_zone(one) else _utc(parsed, zone)


def _date(ref: str, formats: list[str], zone: str) -> str:
    if formats:
        parsed = [(one, f"try_strptime(trim({ref}), {quote_literal(one)})") for one in formats]
        return _coalesce([_local_date(sql, zone) if _has_zone(one) else f"CAST({sql} AS DATE)" for one, sql in parsed])
    clean = f"trim({ref})"
    return (
        f"CASE WHEN strlen({clean}) <= 10 THEN TRY_CAST({clean} AS DATE) "
        f"WHEN regexp_matches({clean}, '{_NAIVE}') THEN CAST(TRY_CAST({clean} AS TIMESTAMP) AS DATE) "
        f"ELSE {_local_date(f'TRY_CAST({clean} AS TIMESTAMPTZ)', zone)} END"
    )


def _moment(field: Field, ref: str, type_: str, zone: str) -> str:
    if field.type == DATE:
        if type_ == "DATE":
            return ref
        return _local_date(ref, zone) if type_ in _ZONED else f"CAST({ref} AS DATE)"
    if type_ in _ZONED or (zone == "UTC" and type_ != "TIMESTAMP"):
        return f"CAST({ref} AS TIMESTAMP)"
    return _utc(ref if type_ == "TIMESTAMP" else f"CAST({ref} AS TIMESTAMP)", zone)


def _has_zone(one: str) -> bool:
    return "%z" in one or "%Z" in one


def _coalesce(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"coalesce({', '.join(parts)})"
