"""The spool: webhook deliveries that were acknowledged and have not landed yet, encrypted, in the order they came.

    spool/<time>-<random>.sealed    deliveries, a frame a group; one receiver appends to the newest
    spool/<time>-<random>.ids       which deliveries of it have landed: 16 bytes each, kept for days

A delivery is landed when its batches are in the manifest; its segment is removed after that. A receiver killed in
between lands the segment again, under the same batch ids, which the manifest knows.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import msgspec

from pipelines.domain.deliveries import Delivery
from pipelines.domain.errors import LockedError, StorageError
from pipelines.landing import sealed
from pipelines.landing.keys import Keys

ID_BYTES: Final = 16
SEGMENT_BYTES: Final = 8 << 20  # a segment lands as a whole, in memory
REMEMBERED_SECONDS: Final = 7 * 86_400  # vendors give up repeating a delivery after two or three days
_IDS: Final = ".ids"

_Row = tuple[str, str, str, int, bytes]  # source, topic, id, received (microseconds), body


class Spool:
    """The spool of one data folder. One receiver at a time, whose threads may share it; close it when done."""

    def __init__(self, data_dir: Path, keys: Keys) -> None:
        """Take the folder. Raises LockedError where another receiver has it, StorageError where it cannot be used."""
        self._folder = data_dir / "spool"
        self._keys = keys
        self._open: sealed.Appender | None = None
        self._turn = threading.RLock()
        self._lock = _locked(self._folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the folder back. What is in it stays."""
        self.rotate()
        os.close(self._lock)

    def append(self, deliveries: Sequence[Delivery]) -> None:
        """Keep deliveries; they are on disk when this returns. Raises StorageError; then none of them counts."""
        rows: list[_Row] = [(one.source, one.topic, one.id, _stamp(one.received_at), one.body) for one in deliveries]
        frame = msgspec.msgpack.encode(rows)
        with self._turn:
            if self._open is None:
                name = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
                self._open = sealed.Appender(self._folder / f"{name}{sealed.SUFFIX}", name, self._keys)
            try:
                self._open.append(frame)
            except StorageError:
                self.rotate()  # what is half written ends the segment
                raise
            if self._open.size >= SEGMENT_BYTES:
                self.rotate()

    def rotate(self) -> None:
        """End the segment that is appended to, so that it can land."""
        with self._turn:
            if self._open is not None:
                self._open.close()
                self._open = None

    def waiting(self) -> list[Path]:
        """Segments that have ended and not landed, oldest first."""
        with self._turn:
            current = self._open.path if self._open is not None else None
            return [path for path in sorted(self._folder.glob(f"*{sealed.SUFFIX}")) if path != current]

    def size(self) -> int:
        """Bytes that have not landed yet, as far as segments have ended."""
        return sum(_size(path) for path in self._folder.glob(f"*{sealed.SUFFIX}"))

    def read(self, segment: Path) -> list[Delivery]:
        """Its deliveries in order. Raises SettingsError for another key, StorageError for a damaged file."""
        decoder = msgspec.msgpack.Decoder(list[_Row])
        frames = sealed.read_grown(segment, segment.stem, self._keys)
        return [
            Delivery(source, topic, id_, datetime.fromtimestamp(received / 1e6, UTC), body)
            for frame in frames
            for source, topic, id_, received, body in decoder.decode(frame)
        ]

    def forget(self, segment: Path, deliveries: Sequence[Delivery]) -> None:
        """Remove a segment that has landed; its deliveries are remembered, so that a repeat is one."""
        ids = segment.with_suffix(_IDS)
        draft = ids.with_suffix(".tmp")
        try:
            draft.write_bytes(b"".join(key_of(one.source, one.id) for one in deliveries))
            draft.replace(ids)
            segment.unlink()
        except OSError as error:
            raise StorageError(f"{self._folder}: cannot be written ({error.strerror})") from None

    def known(self) -> set[bytes]:
        """Keys (`key_of`) of all deliveries here and of those that landed lately. Older memories are let go."""
        found: set[bytes] = set()
        for path in self._folder.glob(f"*{_IDS}"):
            if path.stat().st_mtime < time.time() - REMEMBERED_SECONDS:
                path.unlink()
            else:
                found.update(_split(path.read_bytes()))
        for segment in self.waiting():
            found.update(key_of(one.source, one.id) for one in self.read(segment))
        return found


def key_of(source: str, id_: str) -> bytes:
    """What a delivery is known by: 16 bytes of a hash of its source and id."""
    return hashlib.blake2b(f"{source}\n{id_}".encode(), digest_size=ID_BYTES).digest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # it has landed meanwhile
        return 0


def _split(ids: bytes) -> Iterator[bytes]:
    return (ids[start : start + ID_BYTES] for start in range(0, len(ids), ID_BYTES))


def _stamp(moment: datetime) -> int:
    return round(moment.timestamp() * 1e6)


def _locked(folder: Path) -> int:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be written ({error.strerror})") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise LockedError(f"{folder}: another `wherehouse listen` is receiving for this data folder") from None
    return lock
