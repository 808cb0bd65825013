"""Everything Dagster loads, put together: assets, the job, schedule, sensors, and the refresh as their resource.

Annotations are evaluated here: Dagster looks at those of its steps.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, Final

import dagster as dg

from pipelines.orchestration import schedules
from pipelines.orchestration.assets import (
    POOL,
    RESOURCE,
    landing_assets,
    outlook_assets,
    published_asset,
    warehouse_assets,
)
from pipelines.orchestration.models import Model
from pipelines.orchestration.publishing import tidy
from pipelines.orchestration.refresh import Refresh, open_refresh
from pipelines.orchestration.registry import Source, sources_of
from pipelines.orchestration.training import sentence, train_models
from pipelines.orchestration.window import Window
from pipelines.settings import Settings, load

JOB: Final = "refresh"
_PATIENCE_SECONDS: Final = 1800  # a run of the daemon waits so long for another one to finish
_CONFIG: Final = {
    "full": dg.Field(bool, default_value=False, description="Rebuild everything from landing; pulls nothing."),
    "as_of": dg.Field(str, default_value="", description="The clock, ISO 8601; empty: the settings', else now."),
    "files_from": dg.Field(str, default_value="", description="Backfill: take files of this day and later only."),
    "files_to": dg.Field(str, default_value="", description="Backfill: take files of this day and earlier only."),
}


def build_definitions(
    settings: Settings, sources: Sequence[Source], models: Sequence[Model], refresh: Refresh | None = None
) -> dg.Definitions:
    """Definitions for one settings file; with `refresh` for the one run that it belongs to. Opens nothing."""
    own = dg.ResourceDefinition.hardcoded_resource(refresh) if refresh is not None else refresh_resource(settings)
    assets = [
        *(landing_assets(source) for source in sources),
        warehouse_assets(models, sources),
        outlook_assets(models),
        published_asset(models, settings),
    ]
    job = dg.define_asset_job(
        JOB,
        selection=dg.AssetSelection.all(),
        executor_def=dg.in_process_executor,
        description="Take in what arrived, build and check the marts, publish them.",
    )
    training = train_job(settings)
    return dg.Definitions(
        assets=assets,
        jobs=[job, training],
        schedules=[schedules.nightly(job, settings), schedules.weekly(training, settings)],
        sensors=schedules.sensors(job, settings, sources),
        resources={RESOURCE: own},
        executor=dg.in_process_executor,
    )


def train_job(settings: Settings) -> dg.JobDefinition:
    """Training on its own cadence; what is predicted changes with the next refresh."""

    @dg.op(name="train_models", pool=POOL, description="A challenger, in a child process with a memory limit.")
    def train(context: dg.OpExecutionContext) -> None:
        fresh = load(settings.file, data_dir=settings.data_dir)
        report = train_models(fresh, progress=context.log.info, wait_seconds=_PATIENCE_SECONDS)
        context.log.info(sentence(report))

    @dg.job(name="train", executor_def=dg.in_process_executor, description="Train delay predictions.")
    def job() -> None:
        train()

    return job


def refresh_resource(settings: Settings) -> dg.ResourceDefinition:
    """A refresh for runs that Dagster's daemon or web page starts: it owns the data folder until the run ends."""

    @dg.resource(config_schema=_CONFIG, description="Owns the data folder during a run.")
    def resource(context: dg.InitResourceContext) -> Iterator[Refresh]:
        given: dict[str, Any] = context.resource_config
        as_of = datetime.fromisoformat(given["as_of"]) if given["as_of"] else None
        fresh = load(settings.file, data_dir=settings.data_dir, as_of=as_of)
        window = Window(*(date.fromisoformat(given[key]) if given[key] else None for key in ("files_from", "files_to")))
        with open_refresh(
            str(context.run_id),
            fresh,
            sources_of(fresh),
            full=given["full"],
            window=window,
            wait_seconds=_PATIENCE_SECONDS,
        ) as refresh:
            yield refresh
            if refresh.is_published:
                tidy(refresh)

    return resource
