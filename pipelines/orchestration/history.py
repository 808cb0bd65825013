"""What refreshes leave for the ones after them, besides what is published: which batches passed their checks, which
build is still waiting to be published, and what the last publication said about gaps and settings.

Two append-only files under data_dir/ops. Losing them costs one more check and one more publication, nothing else.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.warehouse.connection import Engine
from pipelines.warehouse.ledger import append, read

if TYPE_CHECKING:
    from pipelines.orchestration.refresh import Refresh


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One step of one refresh. `event`: build (began), published, unchanged, failed. CPU seconds of the process."""

    run_id: str
    at: datetime
    event: str
    as_of: datetime
    exit_code: int | None = None
    message: str = ""
    facts: str = ""
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Passed:
    """Batches that passed their checks."""

    at: datetime
    batch_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class History:
    """The files of one data folder."""

    folder: Path

    @classmethod
    def of(cls, engine: Engine) -> History:
        """The history of the engine's data folder."""
        return cls(engine.data_dir / "ops")

    def checked_batches(self) -> frozenset[str]:
        """Ids of batches that passed their checks."""
        return frozenset(one for line in read(self.folder / "checked.jsonl") for one in line.get("batch_ids", ()))

    def add_checked(self, batch_ids: Iterable[str]) -> None:
        """Record batches that passed. Raises StorageError."""
        append(self.folder / "checked.jsonl", [Passed(datetime.now(UTC), tuple(batch_ids))])

    def add(self, refresh: Refresh, event: str, *, exit_code: int | None = None, message: str = "") -> None:
        """Record a step of a refresh. Raises StorageError."""
        row = RunEvent(
            run_id=refresh.run_id,
            at=datetime.now(UTC),
            event=event,
            as_of=refresh.as_of,
            exit_code=exit_code,
            message=message,
            facts=refresh.facts() if event == "published" else "",
            cpu_seconds=round(time.process_time(), 2),
            wall_seconds=round(refresh.wall_seconds, 2),
        )
        append(self.folder / "runs.jsonl", [row])

    def is_publication_pending(self) -> bool:
        """Whether a build was begun after the last publication."""
        events = [line.get("event") for line in self._events() if line.get("event") in {"build", "published"}]
        return bool(events) and events[-1] == "build"

    def last_facts(self) -> str:
        """What the last publication recorded as its facts; empty without one."""
        facts = [str(line.get("facts", "")) for line in self._events() if line.get("event") == "published"]
        return facts[-1] if facts else ""

    def _events(self) -> list[dict[str, object]]:
        return read(self.folder / "runs.jsonl", tail_bytes=256 * 1024)

    @staticmethod
    def digest(parts: Iterable[str]) -> str:
        """A short fingerprint of texts."""
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()
