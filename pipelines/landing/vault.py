"""The vault: free text and raw malformed lines, encrypted, kept for a limited time.

What lives here: which files there are, writing and reading them, retention and erasure. What does not: the file
format (`sealed`), who may be stored at all (`erasure`), what the text says (`topics`).

    vault/<source>/<entity>/day=YYYY-MM-DD/<batch_id>.sealed      records' free text
    vault/<source>/_lines/day=YYYY-MM-DD/<batch_id>.sealed        lines that could not be read
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

from pipelines.domain.errors import StorageError
from pipelines.landing import sealed, tokens
from pipelines.landing.keys import Keys

_LINES: Final = "_lines"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_DAY: Final = re.compile(r"day=([0-9]{4}-[0-9]{2}-[0-9]{2})")
# What may be an e-mail address or a telephone number in a text: taken broadly, the token decides. In a rejected line
# any cell may be a customer id as well.
_PART: Final = r"[^\s@<>()\[\]{},;:\"'|\\]"
_IDENTIFIERS: Final = {
    "email": re.compile(rf"{_PART}+@{_PART}*[^\s@<>()\[\]{{}},;:\"'|\\.!?]"),
    "phone": re.compile(r"[(+]*[0-9][0-9 ()./-]{5,24}[0-9]"),
    "customer": re.compile(r"[^,;|\t\"'{}\[\]:]+"),
}
_SEARCHED_AT_ONCE: Final = 1_000  # rows


@dataclass(frozen=True, slots=True)
class VaultRecord:
    """The free text of one record: field name -> text. `record_key` is the entity's key as landing writes it."""

    record_key: str
    customer_token: str | None
    fields: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A line that could not be read as a record, with its place in the input file where that is known."""

    file: str
    byte_offset: int | None
    line: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure removed from the vault."""

    records: int = 0
    lines: int = 0
    files: int = 0


class Vault:
    """The vault of one data folder. One writer at a time: the caller holds the warehouse's lock."""

    def __init__(self, data_dir: Path, keys: Keys, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._root = data_dir / "vault"
        self._keys = keys
        self._clock = clock

    def store_records(self, source: str, entity: str, batch_id: str, records: Iterable[VaultRecord]) -> int:
        """Keep the free text of a batch; returns how many records. A second call for the batch replaces the first.

        Blank fields are left out, and records without any text.

        Raises StorageError when the folder refuses the write; then nothing of this call remains.
        """
        rows = (
            [record.record_key, record.customer_token, fields]
            for record in records
            if (fields := {name: text for name, text in record.fields.items() if text and text.strip()})
        )
        return self._store(source, _checked(entity), batch_id, rows)

    def store_lines(self, source: str, batch_id: str, lines: Iterable[RejectedLine]) -> int:
        """Keep the raw malformed lines of a batch; returns how many. Replaces, raises as `store_records`."""
        return self._store(source, _LINES, batch_id, ([line.file, line.byte_offset, line.line] for line in lines))

    def read_records(self, source: str, entity: str) -> Iterator[tuple[str, VaultRecord]]:
        """Every kept record with its batch id, by day, then batch.

        Raises SettingsError when the key is another one, StorageError when a file is damaged or was altered.
        """
        for path in self._files(source, _checked(entity)):
            for key, customer, fields in self._rows(path):
                yield path.stem, VaultRecord(key, customer, fields)

    def read_lines(self, source: str) -> Iterator[tuple[str, RejectedLine]]:
        """Every kept line with its batch id, by day, then batch. Raises as `read_records`."""
        for path in self._files(source, _LINES):
            for file, offset, line in self._rows(path):
                yield path.stem, RejectedLine(file, offset, line)

    def expire(self, before: datetime) -> int:
        """Delete the days that lie wholly before that moment (timezone-aware); returns the number of files."""
        last = before.astimezone(UTC).date() - timedelta(days=1)
        deleted = 0
        for folder in self._root.glob("*/*/day=*"):
            if _day_of(folder) <= last:
                deleted += sum(path.suffix == sealed.SUFFIX for path in folder.iterdir())
                sealed.remove_folder(folder)
        return deleted

    def erase(self, erased: Collection[str]) -> Erased:
        """Remove what belongs to these tokens; files without any of it are not touched.

        A record goes when its customer token is among them, and so does any record or rejected line whose text holds
        an e-mail address, a telephone number or (lines) a customer id with such a token.

        Raises as `read_records` and `store_records`; a repeated call takes up where it stopped.
        """
        wanted = frozenset(erased)
        removed = {False: 0, True: 0}
        files = 0
        for path in sorted(self._root.glob(f"*/*/day=*/*{sealed.SUFFIX}")):
            hits = sum(hit for _, hit in self._searched(path, wanted))
            if hits:
                files += 1
                removed[_kind_of(path) == _LINES] += hits
                if not self._write(path, (row for row, hit in self._searched(path, wanted) if not hit)):
                    sealed.remove(path)
        return Erased(records=removed[False], lines=removed[True], files=files)

    def erase_source(self, source: str) -> int:
        """Remove everything of a source; returns the number of files."""
        folder = self._root / _checked(source)
        files = sum(1 for _ in folder.rglob(f"*{sealed.SUFFIX}"))
        if folder.exists():
            sealed.remove_folder(folder)
        return files

    def count(self, wanted: Collection[str]) -> int:
        """How many records and lines belong to these tokens, by the rules of `erase`."""
        paths = sorted(self._root.glob(f"*/*/day=*/*{sealed.SUFFIX}"))
        return sum(hit for path in paths for _, hit in self._searched(path, frozenset(wanted)))

    def _searched(self, path: Path, wanted: frozenset[str]) -> Iterator[tuple[list[Any], bool]]:
        rows = self._rows(path)
        while chunk := list(islice(rows, _SEARCHED_AT_ONCE)):
            hits = {number for number, row in enumerate(chunk) if row[1] in wanted}
            for kind in _IDENTIFIERS:
                found = [(number, value) for number, row in enumerate(chunk) for value in _identifiers(row[2], kind)]
                tokens_found = tokens.token_list([value for _, value in found], kind, self._keys)
                hits.update(number for (number, _), token in zip(found, tokens_found, strict=True) if token in wanted)
            yield from ((row, number in hits) for number, row in enumerate(chunk))

    def _store(self, source: str, kind: str, batch_id: str, rows: Iterable[list[Any]]) -> int:
        self._open_root()
        folder = self._root / _checked(source) / kind
        known = sorted(folder.glob(f"day=*/{_checked(batch_id)}{sealed.SUFFIX}"))
        today = folder / f"day={self._clock().astimezone(UTC).date().isoformat()}"
        # A repeated batch keeps its day: running a refresh again does not prolong the retention.
        path = known[0] if known else today / f"{batch_id}{sealed.SUFFIX}"
        stored = self._write(path, rows)
        if not stored:
            sealed.remove(path)
        return stored

    def _open_root(self) -> None:
        try:
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"{self._root}: the vault cannot be written ({error.strerror})") from None

    def _write(self, path: Path, rows: Iterable[list[Any]]) -> int:
        lines = (json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") for row in rows)
        return sealed.write(path, self._context(path), self._keys, lines)

    def _rows(self, path: Path) -> Iterator[list[Any]]:
        return (json.loads(line) for line in sealed.read(path, self._context(path), self._keys))

    def _context(self, path: Path) -> str:
        return "/".join((path.parent.parent.parent.name, _kind_of(path), path.stem))

    def _files(self, source: str, kind: str) -> list[Path]:
        return sorted((self._root / _checked(source) / kind).glob(f"day=*/*{sealed.SUFFIX}"))


def _identifiers(content: str | dict[str, str], kind: str) -> list[str]:
    if isinstance(content, dict):
        if kind == "customer":
            return []
        content = "\n".join(content.values())
    return _IDENTIFIERS[kind].findall(content)


def _kind_of(path: Path) -> str:
    return path.parent.parent.name


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be part of a vault path")
    return name


def _day_of(folder: Path) -> date:
    match = _DAY.fullmatch(folder.name)
    return date.fromisoformat(match.group(1)) if match else date.max
