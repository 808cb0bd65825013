"""Tokens and postcode prefixes: SQL and Python agree, one person has one token, nothing is lost or invented."""

from __future__ import annotations

import hashlib
import hmac
import re
import string

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.landing import keys, tokens

KEYS = keys.Keys(bytes(range(32)), bytes(range(32, 64)), "test0000")
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
PHONES = st.text("0123456789+()-. /x", max_size=24)


def connection() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(config={"threads": 1})
    tokens.install(con, KEYS)
    return con


CON = connection()


def in_sql(expression: str, value: str | None) -> str | None:
    row = CON.execute(f"SELECT {expression} FROM (SELECT $1::VARCHAR AS value)", [value]).fetchone()
    assert row is not None
    return row[0]


def expected(normal: str) -> str:
    return hmac.new(KEYS.token_key, normal.encode(), hashlib.sha256).hexdigest()[:32]


@pytest.mark.parametrize("kind", tokens.KINDS)
@given(value=TEXT | PHONES)
@settings(deadline=None, derandomize=True, database=None, max_examples=60)
def test_sql_and_python_give_the_same_token(kind: str, value: str) -> None:
    token = tokens.token(value, kind, KEYS)
    assert in_sql(tokens.token_sql("value", kind), value) == token
    (normal,) = tokens.normalised([value], kind)
    assert token == (None if normal is None else expected(normal))
    assert normal is None or normal.strip() == normal != ""


@given(value=st.text(string.printable, max_size=40))
@settings(deadline=None, derandomize=True, database=None, max_examples=150)
def test_normalisation_of_ascii_is_what_it_says(value: str) -> None:
    spaces = "\t\n\v\f\r\x1c\x1d\x1e\x1f "
    trimmed = value.strip(spaces)
    assert tokens.normalised([value], "email") == [trimmed.lower() or None]
    assert tokens.normalised([value], "street") == [re.sub(f"[{spaces}]+", " ", trimmed).lower() or None]
    (customer,) = tokens.normalised([value], "customer")
    assert (customer or "").lower() == trimmed.lower()


@given(value=PHONES)
@settings(deadline=None, derandomize=True, database=None, max_examples=300)
def test_phone_normalisation_of_both_ways(value: str) -> None:
    signed = re.sub(r"^[^0-9+]*(?:\+|00)[^0-9]*", "+", value)
    signed = re.sub(r"^(\+[0-9 .-]*)\(0\)", r"\1", signed)
    digits = re.sub(r"[^0-9]", "", signed)
    assert tokens.normalised([value], "phone") == [(("+" if signed[:1] == "+" else "") + digits) if digits else None]


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("email", "Ada@Example.com", "  ada@example.COM\u00a0"),
        ("email", "jos\u00e9@example.com", "JOSE\u0301@example.com"),
        ("phone", "+44 (0)20 7946 0000", "0044 20-7946.0000"),
        ("phone", "(415) 555-0100", "415 555 0100"),
        ("person_name", "Ada  Lovelace", "ada lovelace"),
        ("street", " 12 Main\tSt", "12 main st"),
        ("signed_by", "A. LOVELACE", "a. lovelace"),
        ("customer", " 42", "42"),
    ],
)
def test_spellings_of_one_person_agree(kind: str, one: str, other: str) -> None:
    assert tokens.token(one, kind, KEYS) == tokens.token(other, kind, KEYS) is not None


def test_customer_known_by_address_has_the_token_of_the_address() -> None:
    assert tokens.token(" Ada@Example.com", "customer", KEYS) == tokens.token("ada@example.com", "email", KEYS)
    assert tokens.token("AbC", "customer", KEYS) != tokens.token("abc", "customer", KEYS)


@pytest.mark.parametrize("kind", tokens.KINDS)
@pytest.mark.parametrize("value", [None, "", "  ", "\t\u00a0\u200b"])
def test_nothing_has_no_token(kind: str, value: str | None) -> None:
    assert tokens.token(value, kind, KEYS) is None
    assert in_sql(tokens.token_sql("value", kind), value) is None


def test_phone_without_digits_has_no_token() -> None:
    assert tokens.token("unknown", "phone", KEYS) is None


def test_another_key_gives_other_tokens() -> None:
    other = keys.generate()
    assert tokens.token("ada@example.com", "email", KEYS) != tokens.token("ada@example.com", "email", other)


def test_lists_keep_their_order() -> None:
    values = [f"user{number}@example.com" for number in range(5000)] + ["", " "]
    found = tokens.token_list(values, "email", KEYS)
    assert found[:2] == [expected("user0@example.com"), expected("user1@example.com")]
    assert found[4999:] == [expected("user4999@example.com"), None, None]


def test_connection_without_the_key_fails_instead_of_losing_people() -> None:
    bare = duckdb.connect()
    with pytest.raises(duckdb.CatalogException, match="wherehouse_token"):
        bare.execute("SELECT " + tokens.token_sql("'a@example.com'", "email"))


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(KeyError):
        tokens.token_sql("value", "postcode")


def test_halves_of_surrogate_pairs_do_not_stop_a_load() -> None:
    assert tokens.token("a\ud800b", "person_name", KEYS) == expected("a?b")


@pytest.mark.parametrize(
    ("value", "length", "region"),
    [
        ("SW1A 1AA", 3, "SW1"),
        ("sw1a1aa", 6, "SW1A"),
        ("M1 1AE", 5, "M1"),
        ("M11AE", 6, "M1"),
        ("SW1A 1", 6, "SW1A"),
        ("D02 AF30", 6, "D02"),
        ("90210", 3, "902"),
        ("90210-1234", 6, "90210"),
        ("K1A 0B1", 3, "K1A"),
        ("01310-100", 3, "013"),
        (" 1012 ab ", 4, "1012"),
        ("75008", 6, "75008"),
        ("", 3, None),
        ("--", 3, None),
        (None, 3, None),
    ],
)
def test_postcodes_are_cut_to_a_region(value: str | None, length: int, region: str | None) -> None:
    assert tokens.prefix(value, length) == region
    assert in_sql(tokens.prefix_sql("value", length), value) == region


@given(value=TEXT, length=st.integers(1, 6))
@settings(deadline=None, derandomize=True, database=None, max_examples=100)
def test_prefix_is_short_and_plain(value: str, length: int) -> None:
    region = tokens.prefix(value, length)
    assert region is None or re.fullmatch(f"[A-Z0-9]{{1,{length}}}", region)
    assert (region is None) == (re.search("[A-Za-z0-9]", value) is None)
