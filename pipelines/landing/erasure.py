"""Erasing a customer: the vault forgets the person, and the next pull does not bring the person back.

Landing holds tokens only and is not rewritten. `landing/suppressed.jsonl` holds tokens only as well; landing leaves
these people out of every batch that it takes in later. Where text is kept is `vault`'s business.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import duckdb

from pipelines.domain.entities import ENTITIES, Entity, Kind
from pipelines.domain.errors import SettingsError, StorageError
from pipelines.domain.sql import literal_list, quote_identifier
from pipelines.landing import tokens
from pipelines.landing.keys import Keys
from pipelines.landing.vault import Erased, Vault

MAX_LINKED: Final = 20  # a customer id with more addresses than this is not one person ("guest", "marketplace")
_LINKING: Final = ("customer", "email")


@dataclass(frozen=True, slots=True)
class Erasure:
    """Outcome of one request. `shared` are given identifiers that many people use: their links were not followed."""

    tokens: frozenset[str]
    shared: tuple[str, ...]  # names of kinds, not values
    vault: Erased


def erase_customer(
    data_dir: Path,
    keys: Keys,
    *,
    customer: str | None = None,
    email: str | None = None,
    phone: str | None = None,
    vendors: Iterable[Entity] = (),
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Erasure:
    """Erase one person, known by the shop's customer id, e-mail address or telephone number (any of them).

    The customer ids and e-mail addresses that landing has beside the given ones count as the same person, in files and
    in what `vendors` have landed as their own entities. Names and streets do not: other people have them too. The
    suppression list is written first, so that a killed erasure is simply repeated. The caller holds the warehouse's
    lock.

    Raises SettingsError when nothing was given, or the key is not the vault's; StorageError when a file refuses.
    """
    given = {"customer": customer, "email": email, "phone": phone}
    found = {kind: token for kind, value in given.items() if (token := tokens.token(value, kind, keys)) is not None}
    if not found:
        raise SettingsError("erase: give a customer id, an e-mail address or a telephone number")
    with standing_still(data_dir, is_erasing=True):
        told = _persons([*ENTITIES.values(), *vendors])
        linked = {kind: _linked(data_dir, told, token) for kind, token in found.items() if kind != "phone"}
        shared = tuple(kind for kind, others in linked.items() if len(others) > MAX_LINKED)
        person = frozenset(found.values()).union(*(others for kind, others in linked.items() if kind not in shared))
        _suppress(data_dir, keys, person, clock())
        return Erasure(person, shared, Vault(data_dir, keys, clock).erase(person))


@contextmanager
def standing_still(data_dir: Path, *, is_erasing: bool = False) -> Iterator[None]:
    """Hold off erasures, or for an erasure whatever lands without the warehouse's lock. Raises StorageError."""
    path = data_dir / "landing" / ".erasing"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("ab")
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror})") from None
    with file:
        fcntl.flock(file, fcntl.LOCK_EX if is_erasing else fcntl.LOCK_SH)
        yield


def suppressed_tokens(data_dir: Path) -> frozenset[str]:
    """Tokens that landing has to leave out; empty when nobody was erased. Raises StorageError."""
    try:
        text = _list(data_dir).read_text(encoding="utf-8")
    except FileNotFoundError:
        return frozenset()
    except OSError as error:
        raise StorageError(f"{_list(data_dir)}: cannot be read ({error.strerror})") from None
    return frozenset(_token(line) for line in text.splitlines()) - {""}


def _list(data_dir: Path) -> Path:
    return data_dir / "landing" / "suppressed.jsonl"


def _token(line: str) -> str:
    try:
        entry = json.loads(line)
    except ValueError:
        return ""  # torn by a kill while it was written: that erasure was not finished and is repeated
    return str(entry.get("token", "")) if isinstance(entry, dict) else ""


def _suppress(data_dir: Path, keys: Keys, person: Iterable[str], now: datetime) -> None:
    path = _list(data_dir)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            known = suppressed_tokens(data_dir)
            file.seek(0)
            content = file.read()
            entries = [
                {"token": token, "erased_at": now.astimezone(UTC).isoformat(timespec="seconds"), "key_id": keys.key_id}
                for token in sorted(set(person) - known)
            ]
            file.write(b"\n" if content and not content.endswith(b"\n") else b"")
            file.writelines(json.dumps(entry).encode() + b"\n" for entry in entries)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror})") from None


def _persons(entities: Iterable[Entity]) -> dict[str, set[str]]:
    """Name of an entity -> columns with tokens of customer ids and e-mail addresses, whoever lands it."""
    found: dict[str, set[str]] = {}
    for entity in entities:
        own = (one for one in entity.fields if one.kind is Kind.TOKEN and (one.token or one.name) in _LINKING)
        found.setdefault(entity.name, set()).update(one.column for one in own if one.column)
    return found


def _linked(data_dir: Path, told: Mapping[str, set[str]], token: str) -> frozenset[str]:
    """Customer and e-mail tokens that stand beside this one in a landed row."""
    linked: set[str] = set()
    with duckdb.connect() as con:
        for name, columns in told.items():
            files = sorted(map(str, (data_dir / "landing").glob(f"*/{name}/load_date=*/*.parquet")))
            if len(columns) > 1 and files:
                linked |= _beside(con, files, columns, token)
    return frozenset(linked)


def _beside(con: duckdb.DuckDBPyConnection, files: list[str], columns: set[str], token: str) -> set[str]:
    landed = f"read_parquet({literal_list(files)}, union_by_name = true)"
    there = {row[0] for row in con.execute(f"DESCRIBE SELECT * FROM {landed}").fetchall()}  # noqa: S608
    listed = ", ".join(quote_identifier(one) for one in sorted(columns & there))
    if not listed:
        return set()
    rows = con.execute(f"SELECT DISTINCT {listed} FROM {landed} WHERE $1 IN ({listed})", [token])  # noqa: S608
    return {value for row in rows.fetchall() for value in row if value is not None}
