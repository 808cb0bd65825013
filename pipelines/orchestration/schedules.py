"""When a refresh starts by itself, and who hears about one that failed or is late.

Annotations are evaluated here: Dagster looks at those of its steps.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import dagster as dg

from pipelines.domain.errors import WherehouseError
from pipelines.orchestration import alerts, lateness
from pipelines.orchestration.registry import Source
from pipelines.settings import Settings

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

BY_COMMAND: Final = "wherehouse/by"  # run tag: the command announces its own failures
_LOOK_SECONDS: Final = 60
_LATE_SECONDS: Final = 300


def nightly(job: "UnresolvedAssetJobDefinition", settings: Settings) -> dg.ScheduleDefinition:
    """The nightly refresh, in the reporting time zone."""
    return dg.ScheduleDefinition(
        name="nightly",
        job=job,
        cron_schedule=settings.schedule.cron,
        execution_timezone=settings.time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Pulls every source, builds, checks and publishes.",
    )


def weekly(job: dg.JobDefinition, settings: Settings) -> dg.ScheduleDefinition:
    """Training, where predictions are switched on."""
    on = settings.predictions.enabled
    return dg.ScheduleDefinition(
        name="training",
        job=job,
        cron_schedule=settings.predictions.cron,
        execution_timezone=settings.time_zone,
        default_status=dg.DefaultScheduleStatus.RUNNING if on else dg.DefaultScheduleStatus.STOPPED,
        description="Trains delay predictions.",
    )


def sensors(
    job: "UnresolvedAssetJobDefinition", settings: Settings, sources: Sequence[Source]
) -> list[dg.SensorDefinition]:
    """File drops, failures, lateness."""

    @dg.sensor(
        name="file_drops",
        job=job,
        minimum_interval_seconds=_LOOK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Refreshes when files arrived or changed, and have kept still since the last look.",
    )
    def file_drops(context: dg.SensorEvaluationContext) -> Any:
        seen = fingerprint(sources)
        launched, _, pending = (context.cursor or "").partition("|")
        if not context.cursor or seen == launched:  # the first look only takes note: the nightly run takes them in
            context.update_cursor(f"{seen}|")
            return dg.SkipReason("no new files")
        context.update_cursor(f"{seen}|" if seen == pending else f"{launched}|{seen}")
        if seen == pending:
            return dg.RunRequest(run_key=seen)
        return dg.SkipReason("files are arriving")

    @dg.run_failure_sensor(
        name="failed_refresh",
        monitored_jobs=[job],
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Announces a refresh that failed (webhook or e-mail, settings).",
    )
    def failed_refresh(context: dg.RunFailureSensorContext) -> None:
        if context.dagster_run.tags.get(BY_COMMAND) != "command":
            alerts.announce(settings.alerts, alerts.failed(settings.shop, context.dagster_run.run_id, _why(context)))

    @dg.sensor(
        name="late_refresh",
        minimum_interval_seconds=_LATE_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Announces, once a day, that nothing was published by its hour.",
    )
    def late_refresh(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        late = lateness.announce_if_late(settings, datetime.now(UTC))
        return dg.SkipReason(late.sentence if late else "published in time")

    return [file_drops, failed_refresh, late_refresh]


def fingerprint(sources: Sequence[Source]) -> str:
    """Of all files there are: path, size, time of change. Opens none; a source out of reach counts as empty."""
    digest = hashlib.blake2b(digest_size=10)
    for source in sources:
        with suppress(WherehouseError):
            for plan in source.find().plans:
                digest.update(f"{plan.drop.path}\0{plan.drop.size}\0{plan.drop.modified_ns}\n".encode())
    return digest.hexdigest()


def _why(context: dg.RunFailureSensorContext) -> str:
    """The innermost message of the first failing step, which is the sentence meant for people."""
    for event in context.get_step_failure_events():
        error = event.step_failure_data.error
        while error is not None and error.cause is not None:
            error = error.cause
        if error is not None:
            return " ".join(error.message.split())
    return context.failure_event.message or "the run failed"
