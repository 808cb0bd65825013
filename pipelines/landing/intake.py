"""Landing files: what is new is read once, typed, tokenised and written; the manifest line is the commit."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import duckdb

from pipelines.domain.deliveries import Delivery
from pipelines.domain.drops import DropPlan, EmptyError, EntityPlan, IncompleteError, Reading, UnreadableError
from pipelines.domain.errors import SourceError, StorageError
from pipelines.domain.pages import Budget, Stream, Window
from pipelines.domain.sql import quote_literal
from pipelines.landing import engine, outcomes
from pipelines.landing.erasure import suppressed_tokens
from pipelines.landing.filing import Filing
from pipelines.landing.foresight import Foresight
from pipelines.landing.groups import Groups, Means
from pipelines.landing.jobs import Job, jobs_of
from pipelines.landing.keys import Keys
from pipelines.landing.malformed import Malformed
from pipelines.landing.manifest import Batch, Manifest, Pulled
from pipelines.landing.outcomes import Outcome
from pipelines.landing.pending import Pending
from pipelines.landing.pulling import pull
from pipelines.landing.recoding import recoded
from pipelines.landing.rows import SUPPRESSED, Constants, Rows
from pipelines.landing.seen import Content, Seen, require_unchanged
from pipelines.landing.staging import Staging, Text
from pipelines.landing.vault import RejectedLine, Vault

_RECORDS: Final = "records"  # temporary table
_PUSHED: Final = "pushed"  # marks how far webhooks have landed, beside how far a pull is
_REMEMBERED: Final = 20  # segments; they land one after the other
_NO_ROOM: Final = ("No space left", "Disk quota", "Permission denied", "Read-only file system", "failed to offload")


class Landing:
    """Takes files into one data folder. One at a time per process; close it, or use it as a context manager."""

    def __init__(
        self,
        data_dir: Path,
        keys: Keys,
        *,
        shop: str,
        quarantine_rate: float = 0.05,
        postal_prefix_length: int = 3,
        memory_limit: str = "4GB",
        threads: int = 0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Open the landing of a data folder. Raises StorageError where it cannot be read or written."""
        self.data_dir = data_dir
        self.manifest = Manifest(data_dir)
        self._keys = keys
        self._shop = shop
        self._quarantine_rate = quarantine_rate
        self._postal_prefix_length = postal_prefix_length
        self._limits = (memory_limit, threads)
        self._clock = clock
        self._seen = Seen(data_dir)
        self._vault = Vault(data_dir, keys, clock)
        self._suppressed = suppressed_tokens(data_dir)
        self._opened: tuple[duckdb.DuckDBPyConnection, Path] | None = None
        self._foresight = Foresight()
        self._lookups: dict[str, tuple[str, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Save what is known of unchanged files, and let go of memory and spill files."""
        self._seen.save()
        if self._opened is not None:
            con, folder = self._opened
            con.close()
            shutil.rmtree(folder, ignore_errors=True)
            self._opened = None

    def foresee(self, plans: Sequence[DropPlan]) -> None:
        """Say which files will be taken, in this order. Not needed, but it spares time where they hold tickets."""
        self._foresight.expect(plans)

    def take(self, plan: DropPlan) -> list[Outcome]:
        """Land one file: one outcome per mapping. What has landed before is recognised without opening the file.

        A file that cannot be taken is an outcome, so that others go on. Raises StorageError when the data folder
        refuses a write.
        """
        started = time.perf_counter()
        try:
            content, jobs, batches = self._jobs(plan)
            known = [_known(batch, plan.drop.path) for batch in batches]
            return known + (self._land(plan, content, jobs, started) if jobs else [])
        except EmptyError as error:
            return _all(plan, outcomes.EMPTY, f"{plan.drop.path} {error}")
        except IncompleteError as error:
            return _all(plan, outcomes.INCOMPLETE, f"{plan.drop.path} {error}; left for the next time")
        except UnreadableError as error:
            joint = ": " if str(error).startswith("column ") else " "
            return _all(plan, outcomes.FAILED, f"{plan.drop.path}{joint}{error}")
        except FileNotFoundError:
            return _all(plan, outcomes.INCOMPLETE, f"{plan.drop.path} went away; left for the next time")
        except OSError as error:
            return _all(plan, outcomes.FAILED, f"{plan.drop.path} cannot be read ({error.strerror})")
        except duckdb.Error as error:
            return self._explained(plan, error)

    def pull(
        self,
        stream: Stream,
        *,
        now: datetime,
        window: Window | None = None,
        budget: Budget | None = None,
        progress: Callable[[str], None] = lambda line: None,
    ) -> Iterator[Outcome]:
        """Pull a vendor's stream from where the last pull got to, or a window: one outcome per group and entity.

        Raises SourceError once what came before the error has landed; StorageError.
        """
        groups = self.groups(stream)
        pending = partial(Pending, self.data_dir, self._keys, stream.source)
        with self._storage_errors():
            yield from pull(
                stream, self.manifest, groups, pending, now=now, window=window, budget=budget, progress=progress
            )

    def post(self, segment: str, stream: Stream, records: Sequence[bytes]) -> list[Outcome]:
        """Land what webhooks brought of a stream, once for each segment of the spool. Raises StorageError."""
        name = f"{stream.name} {_PUSHED}"
        before = self.manifest.pulled(stream.source, name)
        landed = before.cursor if before else []
        if segment in landed:  # a receiver was killed before it could let go of the segment
            return []
        now = self._clock().astimezone(UTC).isoformat()
        state = Pulled(stream.source, name, now, cursor=[*landed[1 - _REMEMBERED :], segment], is_done=True)
        with self._storage_errors():
            return self.groups(stream).land(records, replace(state, records=len(records)))

    def keep_unreadable(self, segment: str, source: str, deliveries: Sequence[Delivery]) -> None:
        """Put deliveries that cannot be read into the vault, once for each segment. Raises StorageError."""
        lines = [RejectedLine(one.topic, None, one.body.decode("utf-8", "replace")) for one in deliveries]
        self._vault.store_lines(source, segment, lines)

    def reread_suppressed(self) -> None:
        """Leave out whoever was erased since this landing was opened. Raises StorageError."""
        found = suppressed_tokens(self.data_dir)
        if found != self._suppressed:
            self._suppressed = found
            self.con.execute(f"SET VARIABLE {SUPPRESSED} = $1", [sorted(found)])

    def groups(self, stream: Stream) -> Groups:
        """What lands groups of a stream's records, for whoever has them: a pull, or a receiver of webhooks."""
        means = Means(
            self.data_dir,
            self.con,
            self.manifest,
            self._vault,
            self._keys,
            self._constants(stream.source),
            self._quarantine_rate,
            self._clock().astimezone(UTC),
        )
        return Groups(means, stream)

    @contextmanager
    def _storage_errors(self) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            text = str(error).splitlines()[0]
            if any(one in text for one in _NO_ROOM):
                raise StorageError(f"{self.data_dir}: cannot be written ({text})") from None
            raise

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The connection, opened when first needed: a night with nothing new needs none."""
        if self._opened is None:
            self._opened = engine.connect(self.data_dir, self._keys, *self._limits)
            if self._suppressed:
                self.con.execute(f"SET VARIABLE {SUPPRESSED} = $1", [sorted(self._suppressed)])
        return self._opened[0]

    def _jobs(self, plan: DropPlan) -> tuple[Content, list[Job], list[Batch]]:
        content = self._seen.content(plan.drop)
        lookups = [self._seen.of_path(path).hash for path in plan.lookup_paths]
        form = [lookups, self._keys.key_id, self._shop, self._postal_prefix_length]
        return content, *jobs_of(plan, content.hash, form, self.manifest)

    def _is_new(self, plan: DropPlan) -> bool:
        try:
            return bool(self._jobs(plan)[1])
        except SourceError:
            return False

    def _constants(self, source: str) -> Constants:
        """What is the same for all rows of a source."""
        return Constants(self._shop, source, self._postal_prefix_length, bool(self._suppressed))

    def _relation(self, plan: DropPlan, reading: Reading, entities: Sequence[EntityPlan]) -> str:
        """What to select the records from: the file, or a table where text would have to be parsed several times."""
        for lookup in reading.lookups:
            wanted = (lookup.rows_sql, self._seen.of_path(lookup.path).hash)
            if self._lookups.get(lookup.name) != wanted:
                self.con.execute(f"CREATE OR REPLACE TEMP TABLE {lookup.name} AS {lookup.rows_sql}")
                self._lookups[lookup.name] = wanted
        again = len(entities) > 1 or any(one.when_sql or one.once_per_sql for one in entities)
        if plan.format == "parquet" or not again:
            return f"({reading.records_sql})"
        self.con.execute(f"CREATE OR REPLACE TEMP TABLE {_RECORDS} AS {reading.records_sql}")
        return _RECORDS

    def _land(self, plan: DropPlan, content: Content, jobs: list[Job], started: float) -> list[Outcome]:
        reading = plan.read()
        wanted = {(job.batch.entity, job.batch.label) for job in jobs}
        entities = [one for one in reading.entities if (one.entity, one.label) in wanted]
        first = self.manifest.reserve(len(jobs))
        filing = Filing(
            self.data_dir,
            self.con,
            self.manifest,
            self._vault,
            quarantine_rate=self._quarantine_rate,
            landed_at=self._clock().astimezone(UTC),
        )
        done: list[tuple[Job, Outcome]] = []
        blank_columns = reading.columns if plan.format == "jsonl" else ()
        has_decisions = self._foresight.covers(self.con, plan, self._is_new)
        with ExitStack() as partials:
            engine.share_subexpressions(self.con, not any(_has_try(one) for one in entities))
            if reading.shape.is_recoded:
                utf8 = partials.enter_context(recoded(plan.drop.path, reading.shape))
                name = quote_literal(str(plan.drop.path))
                reading = replace(reading, records_sql=reading.records_sql.replace(name, quote_literal(utf8)))
            malformed = Malformed(self.con, plan.drop.path, reading.shape)
            relation = self._relation(plan, reading, entities)
            if relation == _RECORDS:
                partials.callback(self.con.execute, f"DROP TABLE {_RECORDS}")
                if plan.format == "csv":
                    malformed.collect_csv()
            staging = Staging(self.con, reading, relation, _text(plan, reading, content))
            for number, (job, entity) in enumerate(zip(jobs, _in_order(jobs, entities), strict=True)):
                batch = replace(job.batch, seq=job.batch.seq or first + number)
                rows = Rows(entity, self._constants(plan.source), blank_columns, has_decisions=has_decisions)
                outcome = filing.stage(batch, rows, staging, malformed, partials)
                done.append((replace(job, batch=batch), replace(outcome, notes=(*reading.notes, *outcome.notes))))
            if malformed.count:
                self._vault.store_lines(plan.source, done[0][0].batch.batch_id, malformed.for_vault())
            require_unchanged(plan.drop)
        return filing.commit(done, time.perf_counter() - started)

    def _explained(self, plan: DropPlan, error: duckdb.Error) -> list[Outcome]:
        """An error of the engine as an outcome of the file; the data folder's own errors are raised."""
        text = str(error).splitlines()[0]
        if any(one in text for one in _NO_ROOM):
            raise StorageError(f"{self.data_dir}: cannot be written ({text})") from None
        if isinstance(error, duckdb.OutOfMemoryException):
            limit = f"needs more memory than warehouse.memory_limit = {self._limits[0]!r}; raise it"
            return _all(plan, outcomes.FAILED, f"{plan.drop.path} {limit}")
        name = str(plan.drop.path)
        if isinstance(error, duckdb.IOException) and name.endswith((".gz", ".gzip", ".zst", ".zstd")):
            return _all(plan, outcomes.INCOMPLETE, f"{name} does not decode to its end; left for the next time")
        if "state machine" in text:
            return _all(
                plan, outcomes.FAILED, f"{name} has line ends of two kinds (LF and CRLF); have it written with one"
            )
        # The engine quotes values in its messages; what is in a file is nobody's business in a log.
        unquoted = re.sub(r"(['\"]).*\1", "...", text.replace(name, "the file"))
        return _all(plan, outcomes.FAILED, f"{name} cannot be read: {unquoted}")


def _text(plan: DropPlan, reading: Reading, content: Content) -> Text | None:
    if plan.format == "parquet":
        return None
    shape = reading.shape
    if shape.compression or shape.is_recoded or shape.encoding == "utf-16":
        return Text(plan.format == "jsonl", None)
    above = 0 if plan.format == "jsonl" else shape.skip_lines + shape.header
    return Text(plan.format == "jsonl", max(0, content.lines - above))


def _in_order(jobs: list[Job], entities: list[EntityPlan]) -> list[EntityPlan]:
    by_name = {(one.entity, one.label): one for one in entities}
    return [by_name[job.batch.entity, job.batch.label] for job in jobs]


def _has_try(plan: EntityPlan) -> bool:
    return any("TRY(" in column.value_sql for column in plan.columns)


def _all(plan: DropPlan, outcome: str, message: str) -> list[Outcome]:
    return [
        Outcome(
            source=plan.source,
            connector=plan.connector,
            entity=target.entity,
            label=target.label,
            file=str(plan.drop.path),
            outcome=outcome,
            message=message,
        )
        for target in plan.targets
    ]


def _known(batch: Batch, file: Path) -> Outcome:
    shared = {name: getattr(batch, name) for name in Outcome.__dataclass_fields__ if hasattr(batch, name)}
    return Outcome(**shared | {"outcome": outcomes.KNOWN, "file": str(file)})
