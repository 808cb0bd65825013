"""Tokens: what stands in landing instead of a person. And postcodes, cut to a region.

A token is the first 32 hex digits of HMAC-SHA-256 over the normalised value. The SQL and the Python form give the
same string for every input; normalisation has one home, the SQL. Which fields are tokenised is said in
`pipelines.domain.entities`, the keys come from `keys`.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Sequence
from typing import Final

import duckdb

from pipelines.landing.keys import Keys

TOKEN_LENGTH: Final = 32
KINDS: Final = ("customer", "email", "phone", "person_name", "street", "signed_by")

_BLOCK: Final = 64  # bytes of a SHA-256 block
_MACRO: Final = "wherehouse_token"
_INNER: Final = "wherehouse_token_inner"
_OUTER: Final = "wherehouse_token_outer"
# Unicode's white space, and the invisible characters that copying from web pages and spreadsheets leaves behind.
_SPACES: Final = (
    r"[\t-\r\x{1c}-\x{20}\x{85}\x{a0}\x{1680}\x{2000}-\x{200d}\x{2028}\x{2029}"
    r"\x{202f}\x{205f}\x{2060}\x{3000}\x{feff}]+"
)
_EDGES: Final = f"^{_SPACES}|{_SPACES}$"
_UK_OUTWARD: Final = "([A-Z]{1,2}[0-9][A-Z0-9]?)(?: [0-9][A-Z]{0,2}|[0-9][A-Z]{2})"
_IRISH_ROUTING: Final = "([AC-FHKNPRTV-Y][0-9]{2}|D6W) ?[0-9AC-FHKNPRTV-Y]{4}"
_US_FIVE: Final = "([0-9]{5}) ?[0-9]{4}"


def install(con: duckdb.DuckDBPyConnection, keys: Keys) -> None:
    """Give a connection the token key. Needed once per connection: a cursor is a connection of its own.

    DuckDB folds the key into query plans, so plans of queries with tokens (EXPLAIN, profiling) must not be logged.
    """
    padded = keys.token_key.ljust(_BLOCK, b"\0")
    con.execute(f"SET VARIABLE {_INNER} = $1", [bytes(byte ^ 0x36 for byte in padded)])
    con.execute(f"SET VARIABLE {_OUTER} = $1", [bytes(byte ^ 0x5C for byte in padded)])
    # A macro rather than the bare expression: without `install` a query fails instead of giving nulls.
    con.execute(
        f"CREATE OR REPLACE TEMP MACRO {_MACRO}(value) AS left(sha256(getvariable('{_OUTER}') || "
        f"unhex(sha256(getvariable('{_INNER}') || encode(value)))), {TOKEN_LENGTH})"
    )


def token_sql(expr: str, kind: str) -> str:
    """SQL of the token of the value that `expr` gives; null for null, blank and (phones) a value without a digit.

    Raises KeyError for an unknown kind. A query on a connection without `install` fails: no function
    `wherehouse_token`.
    """
    return f"{_MACRO}({normalised_sql(expr, kind)})"


def token(value: str | None, kind: str, keys: Keys) -> str | None:
    """The token of one value: 32 lower-case hex digits, or None. Raises KeyError for an unknown kind."""
    return None if value is None else token_list([value], kind, keys)[0]


def token_list(values: Sequence[str], kind: str, keys: Keys) -> list[str | None]:
    """The tokens of many values, in their order; some 2 microseconds each where `token` takes 500."""
    return [
        None if normal is None else hmac.digest(keys.token_key, normal.encode(), "sha256").hex()[:TOKEN_LENGTH]
        for normal in normalised(values, kind)
    ]


def normalised_sql(expr: str, kind: str) -> str:
    """SQL of the value as it is tokenised; null where there is nothing to tokenise."""
    return {
        "customer": _customer_sql,
        "email": _email_sql,
        "phone": _phone_sql,
        "person_name": _words_sql,
        "street": _words_sql,
        "signed_by": _words_sql,
    }[kind](f"({expr})::VARCHAR")


def normalised(values: Sequence[str], kind: str) -> list[str | None]:
    """Values as they are tokenised, by the SQL above. Halves of surrogate pairs, which no file holds, become `?`."""
    return _evaluate(normalised_sql("value", kind), values)


def prefix_sql(expr: str, length: int) -> str:
    """SQL of a postcode's region: its first `length` letters and digits, upper case; null for none.

    Where the last part of a code singles out a few addresses, only the part before it is taken whatever the length:
    the British outward code, the Irish routing key, the five digits of a ZIP+4.
    """
    spaced = f"upper(trim(regexp_replace(({expr})::VARCHAR, '[^A-Za-z0-9]+', ' ', 'g')))"
    small = f"^(?:{_UK_OUTWARD}|{_IRISH_ROUTING}|{_US_FIVE})$"
    region = f"regexp_replace({spaced}, '{small}', '\\1\\2\\3')"
    return f"nullif(left(replace({region}, ' ', ''), {int(length)}), '')"


def prefix(value: str | None, length: int) -> str | None:
    """The region of one postcode, by the SQL above."""
    return None if value is None else _evaluate(prefix_sql("value", length), [value])[0]


def _unless_clean(value: str, clean: str, simple: str, full: str) -> str:
    # Nearly all values are plain ASCII without stray spaces: one match saves them the dearer expressions.
    return f"CASE WHEN regexp_full_match({value}, '{clean}') THEN {simple} ELSE nullif({full}, '') END"


def _email_sql(value: str) -> str:
    trimmed = f"regexp_replace({value}, '{_EDGES}', '', 'g')"
    return _unless_clean(value, "[!-~]+", f"lower({value})", f"nfc_normalize(lower({trimmed}))")


def _customer_sql(value: str) -> str:
    # A shop without customer ids uses the e-mail address: both tokens of that person have to agree.
    plain = _unless_clean(value, "[!-~]+", value, f"regexp_replace({value}, '{_EDGES}', '', 'g')")
    return f"CASE WHEN {value} LIKE '%_@_%' THEN {_email_sql(value)} ELSE {plain} END"


def _words_sql(value: str) -> str:
    squeezed = f"trim(regexp_replace({value}, '{_SPACES}', ' ', 'g'))"
    return _unless_clean(value, "[!-~]+(?: [!-~]+)*", f"lower({value})", f"nfc_normalize(lower({squeezed}))")


def _phone_sql(value: str) -> str:
    international = r"^[^0-9+]*(?:\+|00)[^0-9]*"
    signed = f"regexp_replace({value}, '{international}', '+')"
    without_trunk = f"regexp_replace({signed}, '^(\\+[0-9 .-]*)\\(0\\)', '\\1')"  # +44 (0)20 ... is +44 20 ...
    digits = f"nullif(regexp_replace({without_trunk}, '[^0-9]+', '', 'g'), '')"
    sign = f"if(regexp_matches({value}, '{international}'), '+', '')"
    # The usual punctuation goes by a character table, at a quarter of the cost of the general way, to the same end.
    clean = f"regexp_full_match({value}, '\\+?[1-9][0-9]*')"
    usual = r"\(?\+?[ (]*(?:0[ ().-]*)?[1-9][0-9 ()./-]*"
    is_usual = f"regexp_full_match({value}, '{usual}') AND NOT contains({value}, '(0)')"
    bare = f"translate({value}, ' ()./-', '')"
    return f"CASE WHEN {clean} THEN {value} WHEN {is_usual} THEN {bare} ELSE {sign} || {digits} END"


class _Local(threading.local):
    connection: duckdb.DuckDBPyConnection | None = None


_LOCAL: Final = _Local()


def _evaluate(sql: str, values: Sequence[str]) -> list[str | None]:
    if _LOCAL.connection is None:
        # one thread keeps the order of the values
        _LOCAL.connection = duckdb.connect(
            config={"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False}
        )
    texts = [value.encode("utf-8", "replace").decode() for value in values]
    query = f"SELECT {sql} FROM (SELECT unnest($1::VARCHAR[]) AS value)"  # noqa: S608  sql is ours, values are bound
    return [row[0] for row in _LOCAL.connection.execute(query, [texts]).fetchall()]
