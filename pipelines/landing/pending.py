"""Pages that were pulled and have not landed yet, encrypted: a killed pull does not ask for them again.

Landing a page by itself costs ten times what it costs among others, so pages gather here, each on the disk before the
next is asked for. What gathers belongs to one place of one pull, which the first frame names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from pipelines.domain.errors import WherehouseError
from pipelines.domain.pages import Page
from pipelines.landing import sealed
from pipelines.landing.keys import Keys


class Pending:
    """The pages of one pull since its last commit."""

    def __init__(self, data_dir: Path, keys: Keys, source: str, pull: str) -> None:
        self._context = f"{source}/{pull}"
        name = hashlib.blake2b(pull.encode(), digest_size=8).hexdigest()
        self._path = data_dir / "pulled" / source / f"{name}{sealed.SUFFIX}"
        self._keys = keys
        self._file: sealed.Appender | None = None

    def after(self, place: Any) -> list[Page]:
        """The pages that were kept after that place of the pull, if any; everything else is let go."""
        try:
            frames = sealed.read_grown(self._path, self._context, self._keys) if self._path.exists() else iter(())
            if next(frames, None) == msgspec.json.encode(place):
                return [Page(*msgspec.msgpack.decode(frame)) for frame in frames]
        except WherehouseError:  # of another key, or damaged: the vendor has them still
            pass
        self.clear()
        return []

    def keep(self, place: Any, page: Page) -> None:
        """Put a page on the disk; `place` is that of the last commit. Raises StorageError."""
        if self._file is None:
            self._path.unlink(missing_ok=True)
            self._file = sealed.Appender(self._path, self._context, self._keys)
            self._file.append(msgspec.json.encode(place))
        records: Sequence[bytes] = page.records
        self._file.append(msgspec.msgpack.encode([records, page.cursor]))

    def clear(self) -> None:
        """Let go of all pages: they have landed."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._path.unlink(missing_ok=True)
