"""Landing groups of a vendor's records: one batch per entity that is cut from them.

A group's JSON lives in memory and is read by DuckDB from there: nothing of it touches the disk before personal data
have become tokens. Records that are as they landed last (`known`) are left out.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from pipelines.domain.drops import Reading, TextShape
from pipelines.domain.pages import Cut, Stream
from pipelines.domain.sql import literal_list, quote_literal
from pipelines.landing import cuts
from pipelines.landing.files import quarantine_path
from pipelines.landing.filing import Filing
from pipelines.landing.jobs import Job, digest
from pipelines.landing.keys import Keys
from pipelines.landing.known import Known, Reader, State
from pipelines.landing.malformed import Malformed
from pipelines.landing.manifest import RETIRED, Batch, Manifest, Pulled
from pipelines.landing.outcomes import Outcome
from pipelines.landing.rows import Constants, Rows
from pipelines.landing.staging import Staging
from pipelines.landing.vault import Vault

JUDGED_FROM: Final = 20  # rows of a batch: of a handful, one bad record would hold all
_RECORDS: Final = "records"  # temporary table
_ROWS_AT_ONCE: Final = 10_000
_OBJECT_BYTES: Final = 16 << 20  # DuckDB's own bound of one JSON value


@dataclass(frozen=True, slots=True)
class Means:
    """What landing lends: connection, manifest, vault, keys, and what is the same for all rows."""

    data_dir: Path
    con: duckdb.DuckDBPyConnection
    manifest: Manifest
    vault: Vault
    keys: Keys
    constants: Constants
    quarantine_rate: float
    landed_at: datetime


class Groups:
    """Lands the records of one stream, group after group."""

    def __init__(self, means: Means, stream: Stream) -> None:
        self._means = means
        self._stream = stream
        self._shape = cuts.shape_of(stream.cuts)
        self._plans = [cuts.plan(cut) for cut in stream.cuts]
        constants = means.constants
        form = [means.keys.key_id, constants.shop, constants.postal_prefix_length]
        self._mapping_ids = [digest([repr(cut), *form]) for cut in stream.cuts]
        own = [batch for batch in means.manifest.batches() if batch.source == stream.source]
        self._chain = [batch.batch_id for batch in own[-1:]]
        self._reader = Reader(stream.cuts[0], means.keys.token_key)
        self._known = self._open_known(own)
        self._is_outrun = self._pushed_lately(own)

    def land(self, records: Sequence[bytes], pulled: Pulled | None = None) -> list[Outcome]:
        """Land a group, and commit with it how far the pull is. One outcome per entity; none where nothing is new."""
        started = time.perf_counter()
        states = self._reader.states(records)
        fresh = self._fresh(states)
        if not fresh:
            self._means.manifest.commit((), (), pulled)
            return []
        done = self._land([(states[place][1], records[place]) for place in fresh], len(records) - len(fresh))
        landed = self._filing.commit(done, time.perf_counter() - started, pulled)
        self._known.add((states[place] for place in fresh), [landed[0].batch_id])
        self._chain = [landed[0].batch_id]
        return landed

    def _land(self, records: list[tuple[int, bytes]], known: int) -> list[tuple[Job, Outcome]]:
        content = hashlib.blake2b(b"".join(record for _, record in records), digest_size=16).hexdigest()
        first = self._means.manifest.reserve(len(self._plans))
        done: list[tuple[Job, Outcome]] = []
        with ExitStack() as partials:
            self._read(records)
            partials.callback(self._means.con.execute, f"DROP TABLE IF EXISTS {_RECORDS}")
            for number, (cut, plan) in enumerate(zip(self._stream.cuts, self._plans, strict=True)):
                batch = self._batch(cut, self._mapping_ids[number], content, first + number)
                relation = cuts.relation(cut, _RECORDS)
                total = len(records) if not cut.each else self._count(relation)
                staging = Staging(self._means.con, Reading("", (plan,), (), records=total), relation, None)
                malformed = Malformed(self._means.con, Path(batch.file), TextShape())
                outcome = self._filing.stage(batch, Rows(plan, self._means.constants), staging, malformed, partials)
                if not cut.each:
                    outcome = replace(outcome, read=outcome.read + known, duplicate=outcome.duplicate + known)
                done.append((Job(batch), outcome))
        return done

    def _batch(self, cut: Cut, mapping_id: str, content: str, seq: int) -> Batch:
        stream, entity = self._stream, cut.entity.name
        return Batch(
            # what was there before is part of the id: a record may become again what it once was
            batch_id=digest([content, mapping_id, stream.source, entity, *self._chain]),
            seq=seq,
            source=stream.source,
            connector=stream.connector,
            entity=entity,
            path="",
            outcome="",
            file=f"{stream.connector}:{stream.name}",
            content_hash=content,
            mapping_id=mapping_id,
        )

    @property
    def _filing(self) -> Filing:
        means = self._means
        return Filing(
            means.data_dir,
            means.con,
            means.manifest,
            means.vault,
            quarantine_rate=means.quarantine_rate,
            landed_at=means.landed_at,
            judged_from=JUDGED_FROM,
        )

    def _read(self, records: list[tuple[int, bytes]]) -> None:
        lines = [_line(number, own, record) for number, (own, record) in enumerate(records, start=1)]
        try:
            self._create(lines)
        except duckdb.InvalidInputException:  # a part has another shape, or text that is no Unicode: look at each
            self._create([self._fitted(number, own, record) for number, (own, record) in enumerate(records, start=1)])

    def _create(self, lines: list[bytes]) -> None:
        types = {"_row": "BIGINT", "_hash": "BIGINT", "_problem": "VARCHAR", "r": self._shape.sql_type}
        columns = ", ".join(f"{quote_literal(name)}: {quote_literal(type_)}" for name, type_ in types.items())
        most = max(_OBJECT_BYTES, max(map(len, lines)) + 1)
        with _in_memory(lines) as path:
            self._means.con.execute(
                f"CREATE OR REPLACE TEMP TABLE {_RECORDS} AS SELECT * FROM read_json({quote_literal(path)}, "  # noqa: S608
                f"format = 'newline_delimited', maximum_object_size = {most}, columns = {{{columns}}})"
            )

    def _fitted(self, number: int, own: int, record: bytes) -> bytes:
        """The line of a record with nothing in it that DuckDB would refuse; what was left out is a `_problem`."""
        problems: list[str] = []
        value = self._shape.fitted(json.loads(record.decode("utf-8", "replace")), problems)
        line: dict[str, Any] = {"_row": number, "_hash": own, "r": value}
        if problems:
            line["_problem"] = "; ".join(problems)
        text = json.dumps(line, ensure_ascii=False).replace("\\u0000", "")
        return text.encode("utf-8", "replace") + b"\n"

    def _count(self, relation: str) -> int:
        row = self._means.con.execute(f"SELECT count(*) FROM {relation}").fetchone()  # noqa: S608
        return int(row[0]) if row else 0

    def _open_known(self, batches: Sequence[Batch]) -> Known:
        """What the records were when they landed last, under this mapping."""
        entity = self._stream.cuts[0].entity.name
        folder = self._means.data_dir / "landing" / "known" / self._stream.source / self._stream.name
        path = folder / f"{self._mapping_ids[0]}.sqlite"
        for old in folder.glob("*"):
            if not old.name.startswith(path.name):  # of another mapping: never asked again
                old.unlink(missing_ok=True)
        known = Known(path)
        own = {one.batch_id: one for one in batches if (one.entity, one.mapping_id) == (entity, self._mapping_ids[0])}
        known.follow({id_: one.outcome != RETIRED for id_, one in own.items()}, lambda ids: self._states(own, ids))
        return known

    def _pushed_lately(self, batches: Sequence[Batch]) -> bool:
        """Whether webhooks have brought these records in other words since the last pull began.

        What they brought may be older than what had been read, or say less: so what is read now lands again.
        """
        names = {f"{self._stream.connector}:{name}" for name in self._stream.pushed_as}
        before = self._means.manifest.pulled(self._stream.source, self._stream.name)
        since = before.started_at if before is not None and before.is_done else ""
        return any(one.file in names and one.landed_at >= since for one in batches)

    def _states(self, batches: Mapping[str, Batch], ids: Iterable[str]) -> Iterator[State]:
        """What is in the files of batches, in order of arrival."""
        wanted = [batches[one] for one in ids]
        files = sorted({str(path) for one in wanted for path in self._files_of(one)})
        if not files:
            return
        key = ", ".join(f'CAST("{name}" AS VARCHAR)' for name in self._stream.cuts[0].entity.key)
        result = self._means.con.execute(
            f"SELECT {cuts.RECORD_HASH}, {key} FROM read_parquet({literal_list(files)}, union_by_name = true, "  # noqa: S608
            f"hive_partitioning = false) WHERE {cuts.RECORD_HASH} IS NOT NULL "
            "AND list_contains($1, _seq) ORDER BY _seq, _row",
            [[one.seq for one in wanted]],
        )
        while rows := result.fetchmany(_ROWS_AT_ONCE):
            yield from ((content if None in values else self._reader.key(values), content) for content, *values in rows)

    def _files_of(self, batch: Batch) -> Iterator[Path]:
        landed = self._means.manifest.file_of(batch)
        if landed is not None and landed.exists():
            yield landed
        if batch.quarantined:
            day = batch.landed_at[:10]
            rejected = self._means.data_dir / quarantine_path(batch.source, batch.entity, day, batch.batch_id)
            if rejected.exists():
                yield rejected

    def _fresh(self, states: Sequence[State]) -> list[int]:
        """Places of the records that are not as their key was last, in the group or before it."""
        latest = {} if self._is_outrun else self._known.latest(list({key for key, _ in states}))
        fresh = []
        for place, (key, content) in enumerate(states):
            if latest.get(key) != content:
                latest[key] = content
                fresh.append(place)
        return fresh


def _line(number: int, own: int, record: bytes) -> bytes:
    if b"\n" in record or b"\r" in record:  # between the tokens of JSON: within a text they would be escaped
        record = record.replace(b"\n", b" ").replace(b"\r", b" ")
    return b'{"_row":%d,"_hash":%d,"r":%b}\n' % (number, own, record)


@contextmanager
def _in_memory(lines: list[bytes]) -> Iterator[str]:
    """A file that is nowhere on the disk, by a path that DuckDB can open."""
    descriptor = os.memfd_create("records")
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as out:
            out.writelines(lines)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
