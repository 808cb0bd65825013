"""What the records of a stream were when they landed last: an index by key, so that looking costs what is looked for.

A cache: it may be lost, and is then made again from the batches. It never knows more than the manifest does: what a
killed process had committed and not yet noted here is read from its batches when the index is opened.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from pipelines.domain.pages import Cut

_WAIT_SECONDS: Final = 60.0  # for another process that writes: a receiver lands while a refresh runs
_AT_ONCE: Final = 500
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS known (id INTEGER PRIMARY KEY, hash INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS covered (batch_id TEXT PRIMARY KEY) WITHOUT ROWID;
"""

State = tuple[int, int]  # of a record: hash of its key, hash of its content


class Known:
    """The index of one stream under one mapping. Several processes may have it open."""

    def __init__(self, path: Path) -> None:
        """Open it, or begin a new one in the place of one that is damaged."""
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._con = self._opened()
        except sqlite3.DatabaseError:
            self._remove()
            self._con = self._opened()

    def follow(self, batches: Mapping[str, bool], states_of: Callable[[list[str]], Iterable[State]]) -> None:
        """Take in batches (id -> whether it stands) that are not covered; forget all and begin anew where one fell."""
        covered = {row[0] for row in self._con.execute("SELECT batch_id FROM covered")}
        if any(not batches.get(one, True) for one in covered):
            with self._con:
                self._con.execute("DELETE FROM known")
                self._con.execute("DELETE FROM covered")
            covered = set()
        missing = [one for one, stands in batches.items() if stands and one not in covered]
        if missing:
            self.add(states_of(missing), missing)

    def latest(self, keys: Sequence[int]) -> dict[int, int]:
        """Key -> content, of those that are known."""
        found: dict[int, int] = {}
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(part))
            found.update(self._con.execute(f"SELECT id, hash FROM known WHERE id IN ({marks})", part))  # noqa: S608
        return found

    def add(self, states: Iterable[State], batch_ids: Iterable[str]) -> None:
        """Note what landed last, with the batches that it is in."""
        with self._con:
            self._con.executemany("INSERT OR REPLACE INTO known VALUES (?, ?)", states)
            self._con.executemany("INSERT OR IGNORE INTO covered VALUES (?)", ((one,) for one in batch_ids))

    def _opened(self) -> sqlite3.Connection:
        con = sqlite3.connect(self._path, timeout=_WAIT_SECONDS, check_same_thread=False)
        con.execute("PRAGMA journal_mode = WAL")
        con.execute("PRAGMA synchronous = OFF")  # a cache; what it notes is in the manifest already
        con.executescript(_TABLES)
        return con

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


class Reader:
    """Tells records apart: by hashes of key and content. Keyed: nobody can look for guessed personal data."""

    def __init__(self, cut: Cut, secret: bytes) -> None:
        """`cut` is the record's own. Raises ValueError for a key that is not plain members of the record."""
        paths = [cut.paths.get(name, name) for name in cut.entity.key]
        if any(not path.replace("_", "a").isalnum() for path in paths):
            raise ValueError(f"{cut.entity.name}: the key of a record has to be among its own members, not {paths}")
        fields = [(f"key{number}", Any, msgspec.field(default=None, name=path)) for number, path in enumerate(paths)]
        self._decode = msgspec.json.Decoder(msgspec.defstruct("Key", fields)).decode
        self._names = [name for name, *_ in fields]
        self._secret = secret

    def states(self, records: Iterable[bytes]) -> list[State]:
        """The state of each record."""
        return [self._state(record) for record in records]

    def key(self, values: Iterable[object]) -> int:
        """The hash of a record's key, by its values as they land."""
        return self._hash("\x1f".join(map(str, values)).encode("utf-8", "replace"))

    def _state(self, record: bytes) -> State:
        content = self._hash(record)
        try:
            found = self._decode(record)
        except ValueError:  # no Unicode, or no object: known by its content
            return content, content
        values = [getattr(found, name) for name in self._names]
        return content if None in values else self.key(values), content

    def _hash(self, content: bytes) -> int:
        return int.from_bytes(hashlib.blake2b(content, digest_size=8, key=self._secret).digest(), "big", signed=True)
