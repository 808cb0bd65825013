"""What a refresh knows, as rows of the ops tables: loads, rejected rows, checks, freshness."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pipelines.domain.sql import quote_literal
from pipelines.landing import Batch, Outcome
from pipelines.landing.files import landed_path
from pipelines.landing.outcomes import ACCEPTED, HELD
from pipelines.orchestration.refresh import Refresh, moment_of, newest_record
from pipelines.quality.expectations import Finding
from pipelines.warehouse.build import NodeResult
from pipelines.warehouse.ops import Check, Freshness, Load, QuarantineReason
from pipelines.warehouse.tables import plain

MOST_LOADS: Final = 50_000  # newest batches that the table shows; the manifest keeps all
_SAMPLES: Final = 5
_PASSED: Final = frozenset({"pass", "success"})


def loads(refresh: Refresh) -> list[Load]:
    """Every batch, newest last, and what this refresh could not take."""
    outcomes = {one.batch_id: one for intake in refresh.intakes.values() for one in intake.new}
    batches = list(refresh.landing.manifest.batches())[-MOST_LOADS:]
    rows = [_load(batch, outcomes.get(batch.batch_id)) for batch in batches if not batch.replaces]
    now = refresh.started_at
    for intake in refresh.intakes.values():
        rows += [_refused(one, now) for one in intake.outcomes if not one.batch_id]
        if intake.problem:
            rows.append(_unreachable(intake.source, intake.problem, now))
    return rows


def quarantine(refresh: Refresh) -> list[QuarantineReason]:
    """Rejected rows by source, entity and reason, with the newest samples. Reads the outcome files of such batches."""
    data_dir = refresh.settings.data_dir
    rows: Counter[tuple[str, str, str]] = Counter()
    batches: Counter[tuple[str, str, str]] = Counter()
    newest: dict[tuple[str, str, str], str] = {}
    for batch in refresh.landing.manifest.batches():
        outcome = _outcome_of(data_dir, batch) if batch.quarantined else None
        for reason, number in (outcome.reasons if outcome else {}).items():
            key = (batch.source, batch.entity, reason)
            rows[key] += number
            batches[key] += 1
            if outcome is not None and outcome.quarantine_path:
                newest[key] = outcome.quarantine_path
    samples = _samples(data_dir, newest)
    return [
        QuarantineReason(source, entity, reason, number, batches[key], json.dumps(samples.get(key, [])))
        for key, number in rows.most_common()
        for source, entity, reason in [key]
    ]


def freshness(refresh: Refresh) -> list[Freshness]:
    """One row per source and entity that it maps: how old the newest record is, as of this refresh."""
    manifest = refresh.landing.manifest
    rows = []
    for source in refresh.sources:
        intake = refresh.intakes.get(source.name)
        is_behind = bool(intake and (intake.problem or any(one.is_gap for one in intake.outcomes)))
        is_behind = is_behind or bool(manifest.held(source.name)) or refresh.is_silent(source)
        for entity in source.entities:
            landed = manifest.accepted(source.name, entity)
            rows.append(
                Freshness(
                    source=source.name,
                    entity=entity,
                    newest_record_at=newest_record(manifest, source.name, entity),
                    last_batch_at=max((moment_of(batch.landed_at) for batch in landed), default=None),
                    policy_hours=source.policy_hours,
                    is_stale=is_behind,
                )
            )
    return rows


def checks(refresh: Refresh) -> list[Check]:
    """Everything that was checked in this refresh."""
    now = datetime.now(UTC)
    rows = [
        _check(refresh.run_id, now, f"landing/{source}/{entity}", finding)
        for (source, entity), findings in refresh.landed_findings.items()
        for finding in findings
    ]
    if refresh.built is not None:
        rows += [
            _test(refresh.run_id, now, node) for node in refresh.built.result.nodes if node.resource_type == "test"
        ]
        rows += [_check(refresh.run_id, now, "published", finding) for finding in refresh.built.findings]
    return rows


def _load(batch: Batch, outcome: Outcome | None) -> Load:
    return Load(
        source=batch.source,
        entity=batch.entity,
        label=batch.label,
        file=batch.file,
        batch_id=batch.batch_id,
        seq=batch.seq,
        read=batch.read,
        landed=batch.landed,
        quarantined=batch.quarantined,
        duplicate=batch.duplicate,
        not_applicable=batch.not_applicable,
        retired=batch.retired,
        outcome=ACCEPTED if batch.outcome == "compacted" else batch.outcome,
        message=outcome.message if outcome else _reminder(batch),
        min_at=moment_of(batch.min_at) if batch.min_at else None,
        max_at=moment_of(batch.max_at) if batch.max_at else None,
        landed_at=moment_of(batch.landed_at) if batch.landed_at else None,
        seconds=outcome.seconds if outcome else 0.0,
    )


def _reminder(batch: Batch) -> str:
    return "held: look at the quarantine, then release or retire it" if batch.outcome == HELD else ""


def _refused(outcome: Outcome, now: datetime) -> Load:
    return Load(
        source=outcome.source,
        entity=outcome.entity,
        label=outcome.label,
        file=outcome.file,
        batch_id="",
        seq=0,
        read=0,
        landed=0,
        quarantined=0,
        duplicate=0,
        not_applicable=0,
        retired=0,
        outcome=outcome.outcome,
        message=outcome.message,
        landed_at=now,
        seconds=outcome.seconds,
    )


def _unreachable(source: str, problem: str, now: datetime) -> Load:
    nothing = Outcome(source, "", "", "", "", "failed", problem)
    return _refused(nothing, now)


def _outcome_of(data_dir: Path, batch: Batch) -> Outcome | None:
    day = Path(batch.path).parent.name.removeprefix("load_date=") if batch.path else batch.landed_at[:10]
    path = (data_dir / landed_path(batch.source, batch.entity, day, batch.batch_id)).with_suffix(".json")
    try:
        return Outcome.from_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:  # lost by hand: the counts are in the manifest, only the reasons are gone
        return None


def _samples(data_dir: Path, newest: dict[tuple[str, str, str], str]) -> dict[tuple[str, str, str], list[Any]]:
    """The first rejected rows of the newest batch with that reason: file, place and typed values (tokens, no text)."""
    by_file: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for key, path in newest.items():
        if (data_dir / path).exists():
            by_file[path].append(key)
    if not by_file:
        return {}
    import duckdb

    found: dict[tuple[str, str, str], list[Any]] = {}
    with duckdb.connect() as connection:
        for path, keys in by_file.items():
            for key in keys:
                cursor = connection.execute(
                    f"from read_parquet({quote_literal(str(data_dir / path))}, hive_partitioning = false) "
                    f"where list_contains(reasons, ?) limit {_SAMPLES}",
                    [key[2]],
                )
                names = [column[0] for column in cursor.description or ()]
                found[key] = [dict(_filled(names, row)) for row in cursor.fetchall()]
    return found


def _filled(names: Iterable[str], row: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    return ((name, plain(value)) for name, value in zip(names, row, strict=True) if value is not None)


def _check(run_id: str, now: datetime, asset: str, finding: Finding) -> Check:
    return Check(
        run_id=run_id,
        checked_at=now,
        asset=asset,
        check_name=finding.name,
        passed=finding.passed,
        severity=finding.severity,
        failures=finding.failures,
        examples_json=json.dumps(list(finding.examples)),
    )


def _test(run_id: str, now: datetime, node: NodeResult) -> Check:
    return Check(
        run_id=run_id,
        checked_at=now,
        asset=f"marts/{node.attached_to}" if node.attached_to else "marts",
        check_name=node.name,
        passed=node.status in _PASSED,
        severity=node.severity or "error",
        failures=node.failures,
        examples_json=json.dumps([plain(example) for example in node.examples]),
    )
