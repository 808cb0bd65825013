"""Erasing a customer: forgotten by the vault, kept out for good, and nobody else with them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.domain.errors import SettingsError
from pipelines.landing import erasure, keys, tokens
from pipelines.landing.vault import Vault, VaultRecord

KEYS = keys.Keys(bytes(range(32)), bytes(range(32, 64)), "test0000")


def token(value: str, kind: str) -> str:
    found = tokens.token(value, kind, KEYS)
    assert found is not None
    return found


def clock() -> datetime:
    return datetime(2026, 1, 31, tzinfo=UTC)


def land_orders(data_dir: Path, people: list[tuple[str, str]]) -> None:
    path = data_dir / "landing" / "shop" / "orders" / "load_date=2026-01-30" / "b1.parquet"
    path.parent.mkdir(parents=True)
    rows = ", ".join(f"('{token(customer, 'customer')}', '{token(email, 'email')}')" for customer, email in people)
    duckdb.connect().execute(
        f"COPY (SELECT * FROM (VALUES {rows}) t(customer_token, email_token)) TO '{path}' (FORMAT parquet)"
    )


def test_nobody_is_suppressed_at_first(tmp_path: Path) -> None:
    assert erasure.suppressed_tokens(tmp_path) == frozenset()


def test_the_person_is_suppressed_and_forgotten(tmp_path: Path) -> None:
    vault = Vault(tmp_path, KEYS, clock)
    people = [token("Ada@example.com", "customer"), token("ben@example.com", "customer")]
    vault.store_records("desk", "tickets", "b1", [VaultRecord(str(one), one, {"body": "hello"}) for one in people])

    outcome = erasure.erase_customer(tmp_path, KEYS, email="ada@example.com ", clock=clock)

    assert outcome.tokens == erasure.suppressed_tokens(tmp_path) == {people[0]}
    assert outcome.vault.records == 1
    assert [one.customer_token for _, one in vault.read_records("desk", "tickets")] == [people[1]]


def test_the_list_holds_tokens_only(tmp_path: Path) -> None:
    erasure.erase_customer(
        tmp_path, KEYS, customer="C-42", email="ada@example.com", phone="+1 415 5550100", clock=clock
    )
    text = (tmp_path / "landing" / "suppressed.jsonl").read_text()
    assert len(text.splitlines()) == 3
    assert not any(secret in text for secret in ("C-42", "ada", "415", KEYS.token_key.hex()))


def test_ids_and_addresses_that_belong_together_go_together(tmp_path: Path) -> None:
    land_orders(tmp_path, [("C-1", "ada@example.com"), ("C-1", "ada@work.example"), ("C-2", "ben@example.com")])
    outcome = erasure.erase_customer(tmp_path, KEYS, customer="C-1", clock=clock)
    assert outcome.tokens == {
        token("C-1", "customer"),
        token("ada@example.com", "email"),
        token("ada@work.example", "email"),
    }


def test_an_id_that_many_share_does_not_take_them_along(tmp_path: Path) -> None:
    land_orders(tmp_path, [("guest", f"user{number}@example.com") for number in range(30)])
    outcome = erasure.erase_customer(tmp_path, KEYS, customer="guest", clock=clock)
    assert outcome.tokens == {token("guest", "customer")}
    assert outcome.shared == ("customer",)


def test_twice_is_once_and_a_torn_line_is_repeated(tmp_path: Path) -> None:
    erasure.erase_customer(tmp_path, KEYS, email="ada@example.com", clock=clock)
    path = tmp_path / "landing" / "suppressed.jsonl"
    whole = path.read_text()
    path.write_text(whole + '{"token": "12')
    assert erasure.suppressed_tokens(tmp_path) == {token("ada@example.com", "email")}
    erasure.erase_customer(tmp_path, KEYS, email="ada@example.com", clock=clock)
    erasure.erase_customer(tmp_path, KEYS, email="ben@example.com", clock=clock)
    assert erasure.suppressed_tokens(tmp_path) == {token(f"{who}@example.com", "email") for who in ("ada", "ben")}


def test_something_has_to_be_given(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="customer id, an e-mail address or a telephone number"):
        erasure.erase_customer(tmp_path, KEYS, email="  ", clock=clock)
