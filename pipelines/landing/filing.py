"""Putting one file's batches where they belong: files, vault, outcome, manifest line. Held ones as well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import duckdb

from pipelines.landing import files, outcomes
from pipelines.landing.duplicates import drop_duplicates
from pipelines.landing.jobs import Job
from pipelines.landing.malformed import Malformed
from pipelines.landing.manifest import Batch, Manifest, Pulled
from pipelines.landing.outcomes import Outcome
from pipelines.landing.rows import Rows
from pipelines.landing.snapshots import add_tombstones
from pipelines.landing.staging import Counts, Staging
from pipelines.landing.vault import Vault, VaultRecord

_VAULT_ROWS: Final = 5_000


class Filing:
    """Files away what one input file becomes."""

    def __init__(
        self,
        data_dir: Path,
        con: duckdb.DuckDBPyConnection,
        manifest: Manifest,
        vault: Vault,
        *,
        quarantine_rate: float,
        landed_at: datetime,
        judged_from: int = 1,
    ) -> None:
        """`judged_from`: batches of fewer rows are not held, whatever share of them was rejected."""
        self._data_dir = data_dir
        self._con = con
        self._manifest = manifest
        self._vault = vault
        self._quarantine_rate = quarantine_rate
        self._landed_at = landed_at
        self._judged_from = judged_from

    def stage(self, batch: Batch, rows: Rows, staging: Staging, malformed: Malformed, partials: ExitStack) -> Outcome:
        """Write one batch's files, under names that `partials` makes real at its end. Raises UnreadableError."""
        day = f"{self._landed_at:%Y-%m-%d}"
        path = files.landed_path(batch.source, batch.entity, day, batch.batch_id)
        quarantine = files.quarantine_path(batch.source, batch.entity, day, batch.batch_id)
        landed_file = partials.enter_context(files.written(self._data_dir / path))
        quarantine_file = partials.enter_context(files.written(self._data_dir / quarantine))
        counts = staging.write(rows, batch.seq, landed_file, malformed)
        staging.name_malformed_json(malformed)
        staging.explain(counts, rows, malformed, quarantine_file, Path(batch.file))
        drop_duplicates(self._con, rows, landed_file, counts)
        notes: list[str] = []
        is_held = self._is_over(counts)
        if is_held:
            share = counts.quarantined / (counts.read - counts.not_applicable)
            notes.append(f"{share:.1%} of the rows were rejected, more than {self._quarantine_rate:.1%}")
        elif batch.mode == "snapshot":
            is_held = self._follow(batch, rows, landed_file, counts, quarantine_file, notes)
        if rows.texts and counts.landed:
            self._vault.store_records(batch.source, batch.entity, batch.batch_id, self._texts(rows, staging.relation))
        if not counts.landed + counts.retired:
            landed_file.unlink(missing_ok=True)
            path = ""
        counts.require_identity()
        return Outcome(
            source=batch.source,
            connector=batch.connector,
            entity=batch.entity,
            label=batch.label,
            file=batch.file,
            outcome=outcomes.HELD if is_held else outcomes.ACCEPTED,
            message=_message(batch, counts, is_held, notes),
            notes=tuple(notes),
            batch_id=batch.batch_id,
            seq=batch.seq,
            path=path,
            quarantine_path=quarantine if counts.quarantined else "",
            read=counts.read,
            landed=counts.landed,
            quarantined=counts.quarantined,
            duplicate=counts.duplicate,
            not_applicable=counts.not_applicable,
            retired=counts.retired,
            reasons=dict(counts.reasons),
            min_at=counts.min_at,
            max_at=counts.max_at,
            bytes=counts.bytes if path else 0,
            landed_at=self._landed_at.isoformat(timespec="milliseconds"),
        )

    def commit(self, done: list[tuple[Job, Outcome]], seconds: float, pulled: Pulled | None = None) -> list[Outcome]:
        """Write the outcomes beside the batches, then the manifest's lines. Raises StorageError."""
        batches: list[Batch] = []
        superseded: list[str] = []
        result: list[Outcome] = []
        for job, staged in done:
            outcome = replace(staged, seconds=round(seconds / len(done), 4))
            beside = files.landed_path(outcome.source, outcome.entity, f"{self._landed_at:%Y-%m-%d}", outcome.batch_id)
            with files.written((self._data_dir / beside).with_suffix(".json"), is_durable=False) as partial:
                partial.write_text(outcome.as_json(), encoding="utf-8")
            known = {name: getattr(outcome, name) for name in Batch.__dataclass_fields__ if hasattr(outcome, name)}
            batches.append(replace(job.batch, **known))
            if outcome.outcome == outcomes.ACCEPTED:
                superseded += job.superseded
            result.append(outcome)
        self._manifest.commit(batches, superseded, pulled)
        return result

    def _is_over(self, counts: Counts) -> bool:
        applicable = counts.read - counts.not_applicable
        return applicable >= self._judged_from and counts.quarantined / applicable > self._quarantine_rate

    def _follow(self, batch: Batch, rows: Rows, file: Path, counts: Counts, quarantine: Path, notes: list[str]) -> bool:
        """Retire what the previous snapshot had and this one lacks. True if this one should rather be held."""
        previous = self._manifest.latest_snapshot(batch, before=batch.seq)
        previous_file = self._manifest.file_of(previous) if previous else None
        if previous is None or previous_file is None:
            return False
        if not counts.landed:
            notes.append("a snapshot without a row would retire everything")
            return True
        add_tombstones(
            self._con,
            rows,
            file,
            counts,
            previous=previous_file,
            previous_seq=previous.seq,
            seq=batch.seq,
            quarantine=quarantine if counts.quarantined else None,
        )
        return False

    def _texts(self, rows: Rows, relation: str) -> Iterator[VaultRecord]:
        where = f"({rows.acceptable}) AND {rows.vault_condition()}"
        result = self._con.execute(f"SELECT {rows.vault_select()} FROM ({rows.values(relation)}) WHERE {where}")  # noqa: S608
        names = [field.name for field in rows.texts]
        while found := result.fetchmany(_VAULT_ROWS):
            for key, customer, *texts in found:
                yield VaultRecord(key, customer, {name: text for name, text in zip(names, texts, strict=True) if text})


def _message(batch: Batch, counts: Counts, is_held: bool, notes: list[str]) -> str:
    if is_held:
        why = "; ".join(notes)
        return f"{batch.file}: {batch.entity} held: {why}; look at the quarantine, then release or retire it"
    if not counts.read:
        return f"{batch.file}: holds no records"
    return ""
