"""What the commands `refresh`, `ingest` and `publish` do, from the lock to the summary."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from pipelines.domain.errors import LockedError, WherehouseError
from pipelines.orchestration import alerts, publishing
from pipelines.orchestration.instance import run_job
from pipelines.orchestration.refresh import Refresh, open_refresh
from pipelines.orchestration.registry import Found, Source
from pipelines.orchestration.summary import write_summary
from pipelines.orchestration.window import Window
from pipelines.settings import Settings

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended: its exit code, and what people read."""

    exit_code: int
    summary: str


def refresh(
    settings: Settings,
    sources: tuple[Source, ...],
    *,
    full: bool = False,
    window: Window | None = None,
    progress: Progress = lambda line: None,
    wait_seconds: float = 0,
) -> Done:
    """A whole refresh, recorded in Dagster's instance. Failures are announced (settings.alerts), then raised.

    Raises WherehouseError; then nothing was published, and what was published is as it was.
    """
    run_id = str(uuid.uuid4())
    try:
        with open_refresh(
            run_id, settings, sources, full=full, window=window, progress=progress, wait_seconds=wait_seconds
        ) as one:
            try:
                run_job(one)
            except BaseException as error:
                _record_failure(one, error)
                raise
            if one.is_published:
                publishing.tidy(one)
            else:
                one.history.add(one, "unchanged", exit_code=one.exit_code)
            return Done(one.exit_code, write_summary(one, time.process_time()))
    except LockedError:  # the other refresh speaks for itself
        raise
    except WherehouseError as error:
        for problem in alerts.announce(settings.alerts, alerts.failed(settings.shop, run_id, str(error))):
            progress(problem)
        raise


def publish(settings: Settings, sources: tuple[Source, ...], *, progress: Progress = lambda line: None) -> Done:
    """A refresh that looks for no files: builds from what has landed, checks, publishes."""
    return refresh(
        settings, tuple(replace(source, find=_nothing, streams=tuple) for source in sources), progress=progress
    )


def ingest(settings: Settings, sources: Sequence[Source], *, progress: Progress = lambda line: None) -> Done:
    """Land what arrived, and nothing else. Raises WherehouseError."""
    with open_refresh(str(uuid.uuid4()), settings, tuple(sources), progress=progress) as one:
        for source in sources:
            one.land(source.name)
        return Done(one.exit_code, write_summary(one, time.process_time()))


def _nothing() -> Found:
    return Found(())


def _record_failure(one: Refresh, error: BaseException) -> None:
    with suppress(WherehouseError):  # a full disk refuses this line as well
        code = error.exit_code if isinstance(error, WherehouseError) else 1
        one.history.add(one, "failed", exit_code=code, message=str(error))
