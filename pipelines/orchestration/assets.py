"""The assets of every stage, made by factories: landing from a source, models from the manifest, published.

What lives here: how steps and results look to Dagster. What the steps do is in `refresh.py` and `publishing.py`. Assets
talk to one another through the refresh, which is a resource: a refresh is one process.

Annotations are evaluated here: Dagster looks at those of its steps.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

import dagster as dg

from pipelines.orchestration import publishing, results
from pipelines.orchestration.models import Model
from pipelines.orchestration.refresh import Refresh
from pipelines.orchestration.registry import Source
from pipelines.orchestration.results import EXPECTATIONS, TESTS, landing_key, model_key
from pipelines.settings import Settings
from pipelines.warehouse.build import BuildFailedError

POOL: Final = "writer"  # one at a time: DuckDB has one writer
RESOURCE: Final = "refresh"
OWNERS: Final = ("team:operations",)
OUTLOOK: Final = "outlook"
SUITE: Final = "publication_suite"
PUBLISHED: Final = dg.AssetKey(["published"])
SCORECARD: Final = "carrier_scorecard"
AT_RISK: Final = "at_risk"
_LOOKED_AT: Final = timedelta(hours=36)
_RETRIES: Final = 2
_TRANSIENT: Final = (
    ConnectionError,
    TimeoutError,
)  # what a vendor's bad hour looks like; data failures are never retried
_RETRY_SECONDS: Final = 60


def landing_assets(source: Source) -> dg.AssetsDefinition:
    """All that one source lands: an asset per entity, with its checks."""
    specs = [
        dg.AssetSpec(
            landing_key(source.name, entity),
            group_name="landing",
            description=f"Batches of {entity} from {source.name}: immutable Parquet, personal data tokenised.",
            owners=OWNERS,
            kinds={"parquet", source.kind},
            freshness_policy=dg.FreshnessPolicy.time_window(fail_window=_LOOKED_AT),
        )
        for entity in source.entities
    ]
    checks = [
        dg.AssetCheckSpec(EXPECTATIONS, asset=spec.key, blocking=True, description="Great Expectations on a sample.")
        for spec in specs
    ]

    @dg.multi_asset(
        name=f"land_{source.name}",
        specs=specs,
        check_specs=checks,
        required_resource_keys={RESOURCE},
        can_subset=True,
        pool=POOL,
    )
    def land(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        refresh = _refresh(context)
        try:
            intake = refresh.land(source.name)
        except _TRANSIENT as error:
            raise dg.RetryRequested(max_retries=_RETRIES, seconds_to_wait=_RETRY_SECONDS) from error
        found = refresh.check_landed(source.name)
        chosen = context.selected_asset_keys
        for entity in source.entities:
            if landing_key(source.name, entity) in chosen:
                yield results.landed(refresh, intake, entity, found.get(entity))
        if any(finding.is_blocking for findings in found.values() for finding in findings):
            publishing.record_checks(refresh)
        refresh.require_landed_sound(source.name)

    return land


def warehouse_assets(models: Sequence[Model], sources: Sequence[Source]) -> dg.AssetsDefinition:
    """All dbt models and seeds as one step: one dbt invocation, one check a model."""
    models = [model for model in models if model.layer != OUTLOOK]
    keys = {model.unique_id: model_key(model) for model in models}
    specs = [
        dg.AssetSpec(
            keys[model.unique_id],
            deps=[*(keys[parent] for parent in model.parents), *_landed_parents(model, sources)],
            group_name=model.group,
            description=model.description,
            owners=OWNERS,
            kinds={"dbt", "duckdb", model.materialized},
        )
        for model in models
    ]
    tests = [
        dg.AssetCheckSpec(TESTS, asset=keys[model.unique_id], description="All dbt tests of this model, as one.")
        for model in models
        if model.has_tests
    ]
    suites = [
        dg.AssetCheckSpec(SUITE, asset=keys[model.unique_id], blocking=True, description="The marts before publishing.")
        for model in models
        if model.name == SCORECARD
    ]

    @dg.multi_asset(
        name="warehouse",
        specs=specs,
        check_specs=[*tests, *suites],
        required_resource_keys={RESOURCE},
        can_subset=True,
        pool=POOL,
    )
    def warehouse(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        refresh = _refresh(context)
        chosen = context.selected_asset_keys
        try:
            built = refresh.build()
        except BuildFailedError as error:
            refresh.fail(error.result)
            publishing.record_checks(refresh)
            yield from results.tested(models, error.result)
            raise
        if built is None:  # nothing to do: no events, and publishing is skipped with it
            return
        publishing.record_checks(refresh)
        for model in models:
            if keys[model.unique_id] in chosen:
                yield results.built(model, built)
        yield from results.tested(models, built.result)
        if suites:
            yield results.checked(suites[0].asset_key, SUITE, built.findings)
        refresh.require_sound()

    return warehouse


def outlook_assets(models: Sequence[Model]) -> dg.AssetsDefinition:
    """Predictions of what is open, and the models that stand on them: one step, between the marts and publishing."""
    keys = {model.unique_id: model_key(model) for model in models}
    own = [model for model in models if model.layer == OUTLOOK]
    marts = [keys[model.unique_id] for model in models if model.name == "int_open_snapshots"]
    specs = [
        dg.AssetSpec(
            keys[model.unique_id],
            deps=[*marts, *(keys[parent] for parent in model.parents)],
            group_name=OUTLOOK,
            description=model.description,
            owners=OWNERS,
            kinds={"dbt", "duckdb", "lightgbm"},
        )
        for model in own
    ]
    tests = [
        dg.AssetCheckSpec(TESTS, asset=keys[model.unique_id], description="All dbt tests of this model, as one.")
        for model in own
        if model.has_tests
    ]
    suites = [
        dg.AssetCheckSpec(SUITE, asset=keys[model.unique_id], blocking=True, description="What was predicted.")
        for model in own
        if model.name == AT_RISK
    ]

    @dg.multi_asset(
        name=OUTLOOK,
        specs=specs,
        check_specs=[*tests, *suites],
        required_resource_keys={RESOURCE},
        can_subset=True,
        pool=POOL,
    )
    def outlook(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        refresh = _refresh(context)
        if refresh.built is None:
            return
        done = refresh.predict()
        for model in own:
            if keys[model.unique_id] in context.selected_asset_keys:
                yield results.built(model, refresh.built)
        if done is not None:
            yield from results.tested(own, done)
            if suites:
                yield results.checked(suites[0].asset_key, SUITE, refresh.predicted_findings)

    return outlook


def published_asset(models: Sequence[Model], settings: Settings) -> dg.AssetsDefinition:
    """The published file: a copy of the marts that readers look at."""
    hour, minute = (int(part) for part in settings.schedule.publish_by.split(":"))

    @dg.multi_asset(
        name="publish",
        specs=[
            dg.AssetSpec(
                PUBLISHED,
                deps=[model_key(model) for model in models if model.layer in {"marts", "outlook"}],
                group_name="published",
                description="published/current.duckdb: marts, outlook and ops, swapped in with one rename.",
                owners=OWNERS,
                kinds={"duckdb"},
                freshness_policy=dg.FreshnessPolicy.cron(
                    deadline_cron=f"{minute} {hour} * * *",
                    lower_bound_delta=timedelta(hours=12),
                    timezone=settings.time_zone,
                ),
            )
        ],
        required_resource_keys={RESOURCE},
        pool=POOL,
    )
    def publish(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
        refresh = _refresh(context)
        published = publishing.publish(refresh)
        yield dg.MaterializeResult(
            metadata={
                "path": dg.MetadataValue.path(str(published.path)),
                "bytes": published.bytes,
                "as_of": refresh.as_of.isoformat(),
                "gaps": list(refresh.gaps),
                "restated_figures": refresh.restated,
                "wall_seconds": round(refresh.wall_seconds, 2),
            }
        )

    return publish


def _refresh(context: dg.AssetExecutionContext) -> Refresh:
    refresh: Refresh = getattr(context.resources, RESOURCE)
    return refresh


def _landed_parents(model: Model, sources: Sequence[Source]) -> Iterable[dg.AssetKey]:
    if model.reads is None:
        return
    connector, entity = model.reads
    for source in sources:
        if source.connector == connector and entity in source.entities:
            yield landing_key(source.name, entity)
