"""Content hashes of input files, and the cache that spares an unchanged file from being read again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.domain.drops import Drop, IncompleteError, UnreadableError
from pipelines.landing.files import written

_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds: its hash (hex), and its number of lines (an upper bound of its records)."""

    hash: str
    lines: int


class Seen:
    """The cache `landing/seen.json`: (path, size, modification time) -> content. Losing it costs time only."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / "landing" / "seen.json"
        self._entries: dict[str, list[int | str]] = self._load()
        self._is_changed = False

    def content(self, drop: Drop) -> Content:
        """The content of a file as it was found. Raises IncompleteError if it is changing, or gone."""
        entry = self._entries.get(str(drop.path))
        if entry is not None and entry[:2] == [drop.size, drop.modified_ns]:
            return Content(str(entry[2]), int(entry[3]))
        try:
            content = _hash(drop.path)
        except FileNotFoundError:
            raise IncompleteError("went away while being read") from None
        except OSError as error:
            raise UnreadableError(f"cannot be read ({error.strerror})") from None
        require_unchanged(drop)
        self._entries[str(drop.path)] = [drop.size, drop.modified_ns, content.hash, content.lines]
        self._is_changed = True
        return content

    def of_path(self, path: Path) -> Content:
        """The content of a file that was not found as a drop, a lookup. Raises as `content`, and UnreadableError."""
        try:
            status = path.stat()
        except OSError as error:
            raise UnreadableError(f"needs {path}, which cannot be read ({error.strerror})") from None
        return self.content(Drop(path, status.st_size, status.st_mtime_ns))

    def save(self) -> None:
        """Write the cache if it has changed. Raises StorageError."""
        if not self._is_changed:
            return
        with written(self._file, is_durable=False) as partial:
            partial.write_text(json.dumps(self._entries))
        self._is_changed = False

    def _load(self) -> dict[str, list[int | str]]:
        try:
            entries = json.loads(self._file.read_text())
        except (OSError, ValueError):  # a cache: start afresh
            return {}
        return entries if isinstance(entries, dict) else {}


def require_unchanged(drop: Drop) -> None:
    """Raise IncompleteError if the file is not any more as it was found."""
    try:
        status = drop.path.stat()
    except FileNotFoundError:
        raise IncompleteError("went away while being read") from None
    if (status.st_size, status.st_mtime_ns) != (drop.size, drop.modified_ns):
        raise IncompleteError("is changing")


def _hash(path: Path) -> Content:
    digest = hashlib.blake2b(digest_size=20)
    lines, last = 0, 10
    buffer = bytearray(_CHUNK)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            digest.update(view[:count])
            lines += buffer.count(b"\n", 0, count)
            last = buffer[count - 1]
    return Content(digest.hexdigest(), lines + (last != 10))
