"""The manifest: an append-only log of which batches there are, and the view of it that everybody reads.

A line in it is the commit point of a batch; a file without one does not exist. Several processes may append: each
line is written under a lock on the log itself, after reading what others wrote meanwhile.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pipelines.domain.errors import SettingsError, StorageError
from pipelines.landing.outcomes import ACCEPTED, HELD

RETIRED: Final = "retired"
COMPACTED: Final = "compacted"
_ADDED: Final = ("batch", COMPACTED)
_PULLED: Final = "pulled"


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch as the log has it, with the state that later lines gave it (accepted, held, retired, compacted)."""

    batch_id: str
    seq: int
    source: str
    connector: str
    entity: str
    path: str  # relative to the data folder; empty where no row landed
    outcome: str
    label: str = ""
    file: str = ""  # input file
    series: str = ""
    content_hash: str = ""
    mapping_id: str = ""
    mode: str = "append"
    read: int = 0
    landed: int = 0
    quarantined: int = 0
    duplicate: int = 0
    not_applicable: int = 0
    retired: int = 0
    landed_at: str = ""
    bytes: int = 0
    min_at: str | None = None
    max_at: str | None = None
    replaces: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Rows in the Parquet file, tombstones among them."""
        return self.landed + self.retired


@dataclass(frozen=True, slots=True)
class Pulled:
    """How far a pull of one stream got, committed with the batches of the pages before. Times are ISO 8601, UTC."""

    source: str
    stream: str
    started_at: str  # when, by the vendor's clock, the pull began: where the next one starts, less its look-back
    since: str | None = None
    until: str | None = None
    cursor: Any = None
    is_done: bool = False
    pages: int = 0
    records: int = 0
    pulled_at: str = ""


class Manifest:
    """The log of one data folder. Opening reads it; `refresh` reads what others have appended since."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._log = data_dir / "landing" / "manifest.jsonl"
        self._counter = data_dir / "landing" / "seq"
        self._batches: dict[str, Batch] = {}
        self._holders: dict[str, str] = {}  # batch id -> id of the batch that it was compacted into
        self._ids_by: dict[tuple[str, ...], list[str]] = {}
        self._pulled: dict[tuple[str, str], Pulled] = {}
        self._position = 0
        self.refresh()

    def refresh(self) -> None:
        """Read what the log has gained. A torn last line is not there yet. Raises StorageError for a damaged log."""
        try:
            with self._log.open("rb") as file:
                file.seek(self._position)
                data = file.read()
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(f"{self._log}: cannot be read ({error.strerror})") from None
        whole = data[: data.rfind(b"\n") + 1]
        for line in whole.splitlines():
            self._apply(line)
        self._position += len(whole)

    def get(self, batch_id: str) -> Batch | None:
        """The batch of that id in whatever state, or None."""
        return self._batches.get(batch_id)

    def pulled(self, source: str, stream: str) -> Pulled | None:
        """How far the last pull of a stream got, or None before the first."""
        return self._pulled.get((source, stream))

    def batches(self) -> Iterator[Batch]:
        """Every batch ever committed, by seq, in whatever state; compacted files themselves included."""
        return iter(sorted(self._batches.values(), key=lambda batch: (batch.seq, batch.batch_id)))

    def accepted(self, source: str | None = None, entity: str | None = None) -> list[Batch]:
        """Batches that downstream may read, by seq: those with rows, neither held nor retired."""
        return [batch for batch in self._of(ACCEPTED, source, entity) if batch.path]

    def held(self, source: str | None = None, entity: str | None = None) -> list[Batch]:
        """Batches that wait to be released or retired, by seq."""
        return self._of(HELD, source, entity)

    def file_of(self, batch: Batch) -> Path | None:
        """Absolute path of the file that holds the batch's rows (with others of other seq once compacted)."""
        holder = self._batches[self._holders.get(batch.batch_id, batch.batch_id)]
        return self.data_dir / holder.path if holder.path else None

    def reserve(self, count: int) -> int:
        """Set aside `count` numbers for `seq`; returns the first. Numbers may stay unused."""
        with self._locked():
            try:
                last = int(self._counter.read_text())
            except (FileNotFoundError, ValueError):
                last = 0
            first = max(last, max((batch.seq for batch in self._batches.values()), default=0)) + 1
            partial = self._counter.with_suffix(".tmp")
            partial.write_text(str(first + count - 1))
            partial.replace(self._counter)
            return first

    def commit(
        self, batches: Iterable[Batch], superseded: Iterable[str] = (), pulled: Pulled | None = None
    ) -> list[Batch]:
        """Append batches, in one write; those whose id is there already are left out. Returns the appended ones.

        `superseded` are ids of batches that these replace: they are retired in the same write. `pulled` is how far
        the pull is with them.
        """
        with self._locked():
            new = [batch for batch in batches if batch.batch_id not in self._batches]
            lines = [{"kind": "batch", **asdict(batch)} for batch in new]
            if new:
                lines += [self._retirement(one, "superseded") for one in superseded if self._is_live(one)]
            if pulled is not None:
                lines.append({"kind": _PULLED, **asdict(pulled), "pulled_at": now_text()})
            self._append(lines)
        return new

    def release(self, batch_id: str) -> Batch:
        """Make a held batch visible. Raises SettingsError where there is no such held batch, or a later snapshot."""
        with self._locked():
            batch = self._held(batch_id)
            if batch.mode == "snapshot" and self.latest_snapshot(batch, after=batch.seq) is not None:
                raise SettingsError(f"batch {batch_id}: a later snapshot has landed; retire this one instead")
            released = {"kind": "released", "batch_id": batch_id, "released_at": now_text()}
            earlier = [one.batch_id for one in self.same_content(batch) if one.mapping_id != batch.mapping_id]
            self._append([released, *(self._retirement(one, "superseded") for one in earlier if self._is_live(one))])
        return self._batches[batch_id]

    def retire(self, batch_id: str, reason: str) -> None:
        """Take a batch out of sight for good; its content does not land again. Raises SettingsError for no such one."""
        with self._locked():
            if not self._is_live(batch_id):
                raise SettingsError(f"batch {batch_id}: there is no such batch")
            self._append([self._retirement(batch_id, reason)])

    def compact(self, batch: Batch) -> bool:
        """Put one batch in the place of `batch.replaces`. False where one of those is not accepted any more."""
        with self._locked():
            if any(self._batches[one].outcome != ACCEPTED for one in batch.replaces):
                return False
            self._append([{"kind": COMPACTED, **asdict(batch)}])
        return True

    def same_content(self, batch: Batch) -> list[Batch]:
        """Live batches of the same content, source, entity and label, whatever their mapping; by seq."""
        return [
            one
            for one in self._indexed(_content_key(batch))
            if one.batch_id != batch.batch_id and one.outcome in (ACCEPTED, HELD, COMPACTED)
        ]

    def latest_of_file(self, batch: Batch) -> Batch | None:
        """The batch that the same input file, by name, last became for the same source, entity and label, or None."""
        return next(iter(self._indexed(_file_key(batch))[::-1]), None)

    def latest_snapshot(self, like: Batch, *, before: int | None = None, after: int | None = None) -> Batch | None:
        """The last visible snapshot of a series before (or any after) that seq, or None."""
        series = [
            one
            for one in self._indexed(_series_key(like))
            if one.outcome in (ACCEPTED, COMPACTED)
            and (before is None or one.seq < before)
            and (after is None or one.seq > after)
        ]
        return series[-1] if series else None

    def _indexed(self, key: tuple[str, ...]) -> list[Batch]:
        found = [self._batches[one] for one in self._ids_by.get(key, ())]
        return sorted(found, key=lambda batch: batch.seq)

    def _of(self, outcome: str, source: str | None, entity: str | None) -> list[Batch]:
        return [
            batch
            for batch in self.batches()
            if batch.outcome == outcome and source in (None, batch.source) and entity in (None, batch.entity)
        ]

    def _held(self, batch_id: str) -> Batch:
        batch = self._batches.get(batch_id)
        if batch is None or batch.outcome != HELD:
            raise SettingsError(
                f"batch {batch_id}: is not held" if batch else f"batch {batch_id}: there is no such batch"
            )
        return batch

    def _is_live(self, batch_id: str) -> bool:
        batch = self._batches.get(batch_id)
        return batch is not None and batch.outcome in (ACCEPTED, HELD, COMPACTED)

    @staticmethod
    def _retirement(batch_id: str, reason: str) -> dict[str, Any]:
        return {"kind": RETIRED, "batch_id": batch_id, "reason": reason, "retired_at": now_text()}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the log against other writers, having read all of it and cut off what a killed writer left."""
        try:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                self.refresh()
                if file.seek(0, os.SEEK_END) > self._position:
                    file.truncate(self._position)
                yield
        except OSError as error:
            raise StorageError(f"{self._log}: cannot be written ({error.strerror})") from None

    def _append(self, lines: list[dict[str, Any]]) -> None:
        if not lines:
            return
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        with self._log.open("ab") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        self.refresh()

    def _apply(self, line: bytes) -> None:
        try:
            values = json.loads(line)
            kind = values["kind"]
            if kind == _PULLED:
                self._pulled[values["source"], values["stream"]] = Pulled(**_known(values, Pulled))
                return
            batch_id = values["batch_id"]
            if kind in _ADDED:
                self._add(values)
            else:
                state = {"released": ACCEPTED, RETIRED: RETIRED}[kind]
                self._batches[batch_id] = replace(self._batches[batch_id], outcome=state)
                self._retire_holder(batch_id)
        except (ValueError, KeyError, TypeError):
            raise StorageError(f"{self._log}: damaged at byte {self._position} or later: {line[:80]!r}") from None

    def _retire_holder(self, batch_id: str) -> None:
        """A compacted batch is gone when all that went into it are."""
        holder = self._holders.get(batch_id)
        if holder is not None and all(self._batches[one].outcome == RETIRED for one in self._members(holder)):
            self._batches[holder] = replace(self._batches[holder], outcome=RETIRED)

    def _members(self, holder: str) -> list[str]:
        return [one for one, to in self._holders.items() if to == holder and not self._batches[one].replaces]

    def _add(self, values: Mapping[str, Any]) -> None:
        known = _known(values, Batch)
        batch = Batch(**known | {"replaces": tuple(known.get("replaces", ()))})
        self._batches[batch.batch_id] = batch
        if not batch.replaces:
            for key in (_content_key(batch), _file_key(batch), *((_series_key(batch),) if batch.series else ())):
                self._ids_by.setdefault(key, []).append(batch.batch_id)
        for one in batch.replaces:
            self._batches[one] = replace(self._batches[one], outcome=COMPACTED)
            self._holders = {id_: batch.batch_id if to == one else to for id_, to in self._holders.items()}
            self._holders[one] = batch.batch_id


def _known(values: Mapping[str, Any], kind: type[Any]) -> dict[str, Any]:
    """Without what a later version may have added."""
    return {name: value for name, value in values.items() if name in kind.__dataclass_fields__}


def _content_key(batch: Batch) -> tuple[str, ...]:
    return ("content", batch.content_hash, batch.source, batch.entity, batch.label)


def _file_key(batch: Batch) -> tuple[str, ...]:
    return ("file", batch.file, batch.source, batch.entity, batch.label)


def _series_key(batch: Batch) -> tuple[str, ...]:
    return (batch.mode, batch.series, batch.source, batch.entity, batch.label)


def now_text() -> str:
    """The moment, UTC, as the log writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
