"""What steps did, as Dagster shows it: materialisations with their metadata, and check results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import dagster as dg

from pipelines.landing import Outcome
from pipelines.orchestration.intake import Intake
from pipelines.orchestration.models import Model
from pipelines.orchestration.refresh import Built, Refresh
from pipelines.quality.expectations import WARN, Finding
from pipelines.warehouse.build import BuildResult, NodeResult

EXPECTATIONS: Final = "expectations"
TESTS: Final = "tests"
_NAMED: Final = 5


def landing_key(source: str, entity: str) -> dg.AssetKey:
    """Key of what a source lands of one entity."""
    return dg.AssetKey(["landing", source, entity])


def model_key(model: Model) -> dg.AssetKey:
    """Key of a dbt model or seed."""
    return dg.AssetKey([model.layer, model.name])


def landed(
    refresh: Refresh, intake: Intake, entity: str, findings: tuple[Finding, ...] | None
) -> dg.MaterializeResult[Any]:
    """What a source landed of an entity. The data version changes only when a batch was added."""
    new = [one for one in intake.new if one.entity == entity]
    refused = [one for one in intake.outcomes if one.entity == entity and one.is_gap]
    batches = refresh.landing.manifest.accepted(intake.source, entity)
    key = landing_key(intake.source, entity)
    return dg.MaterializeResult(
        asset_key=key,
        data_version=dg.DataVersion(f"{len(batches)}-{batches[-1].batch_id if batches else 'none'}"),
        metadata=_landing_metadata(new, refused, intake) | {"dagster/row_count": sum(one.rows for one in batches)},
        check_results=[checked(key, EXPECTATIONS, findings)] if findings is not None else [],
    )


def _landing_metadata(new: list[Outcome], refused: list[Outcome], intake: Intake) -> dict[str, Any]:
    sums = {
        name: sum(getattr(one, name) for one in new)
        for name in ("read", "landed", "quarantined", "duplicate", "not_applicable", "retired")
    }
    starts, ends = [one.min_at for one in new if one.min_at], [one.max_at for one in new if one.max_at]
    found: dict[str, Any] = {"new_batches": len(new), **(sums if new else {})}
    if starts and ends:
        found |= {"first_record_at": min(starts), "last_record_at": max(ends)}
    if refused:
        found["not_taken"] = [one.message for one in refused[:_NAMED]]
    if intake.problem:
        found["problem"] = intake.problem
    return found | {"seconds": round(sum(one.seconds for one in new), 3)}


def checked(key: dg.AssetKey, name: str, findings: tuple[Finding, ...]) -> dg.AssetCheckResult:
    """Several findings as one result, failing examples in its metadata."""
    failed = [finding for finding in findings if not finding.passed]
    severity = dg.AssetCheckSeverity.WARN
    if any(finding.is_blocking for finding in failed):
        severity = dg.AssetCheckSeverity.ERROR
    examples = {finding.name: [finding.message, *finding.examples] for finding in failed}
    return dg.AssetCheckResult(
        passed=not failed,
        asset_key=key,
        check_name=name,
        severity=severity,
        metadata={
            "expectations": len(findings),
            "failed": [f"{finding.name} ({finding.severity})" for finding in failed],
            "examples": dg.MetadataValue.json(examples),
        },
    )


def built(model: Model, done: Built) -> dg.MaterializeResult[Any]:
    """What came of a model; one that did not have to run is unchanged."""
    node = next((one for one in done.result.nodes if one.unique_id == model.unique_id), None)
    if node is None:
        return dg.MaterializeResult(asset_key=model_key(model), metadata={"unchanged": True})
    metadata: dict[str, Any] = {"seconds": round(node.seconds, 3), "as_of": done.given.as_of.isoformat()}
    if node.rows is not None:
        metadata["dagster/row_count"] = node.rows
    return dg.MaterializeResult(asset_key=model_key(model), metadata=metadata)


def tested(models: Sequence[Model], result: BuildResult) -> Iterator[dg.AssetCheckResult]:
    """One result a model whose tests ran."""
    by_model: dict[str, list[NodeResult]] = {}
    for node in result.nodes:
        if node.resource_type == "test" and node.attached_to:
            by_model.setdefault(node.attached_to, []).append(node)
    for model in models:
        if model.has_tests and (tests := by_model.get(model.name)):
            yield checked(model_key(model), TESTS, tuple(_as_finding(test) for test in tests))


def _as_finding(test: NodeResult) -> Finding:
    return Finding(
        name=test.name,
        passed=test.status in {"pass", "success"},
        severity=test.severity if test.severity == WARN else "error",
        failures=test.failures,
        examples=tuple(str(dict(example)) for example in test.examples),
        message="" if test.status in {"pass", "success"} else test.message,
    )
