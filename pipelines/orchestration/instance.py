"""Dagster's own storage, and running the refresh job in this process so that it shows in the web page.

DAGSTER_HOME is the folder of dagster.yaml (the repository's root) unless it is set; what Dagster stores goes to
DAGSTER_STORAGE_DIR, by default the folder `dagster` of the data folder.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pipelines.domain.errors import BuildError, StorageError, WherehouseError
from pipelines.orchestration.refresh import Refresh
from pipelines.settings import Settings
from pipelines.warehouse.connection import Engine, storage_errors
from pipelines.warehouse.publish import current_file

HOME: Final = "DAGSTER_HOME"
STORAGE: Final = "DAGSTER_STORAGE_DIR"
_QUIET: Final = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_FULL: Final = ("disk is full", "readonly database", "unable to open database", "disk I/O error")


def environment(settings: Settings) -> dict[str, str]:
    """The variables that Dagster and the dashboards read, for one settings file."""
    return {
        HOME: os.environ.get(HOME) or str(Path(__file__).resolve().parents[2]),
        STORAGE: os.environ.get(STORAGE) or str(settings.data_dir / "dagster"),
        "WHEREHOUSE_SETTINGS": str(settings.file),
        "WHEREHOUSE_DATA_DIR": str(settings.data_dir),
        "WHEREHOUSE_PUBLISHED": str(current_file(Engine(settings.data_dir))),
    }


def run_job(refresh: Refresh) -> None:
    """Run the refresh job in this process, recorded in the instance. Raises what the steps raise."""
    own = environment(refresh.settings)
    storage = Path(own[STORAGE])
    with storage_errors(storage):
        storage.mkdir(parents=True, exist_ok=True)
    import dagster as dg  # here: commands that do not run the job need not wait for it

    from pipelines.orchestration.job import JOB, build_definitions
    from pipelines.orchestration.models import load_models
    from pipelines.orchestration.schedules import BY_COMMAND

    for name in ("dagster", "dagster._core.execution.plan.active"):  # people read the progress and the summary instead
        logging.getLogger(name).setLevel(logging.ERROR)
    models = load_models(refresh.engine)
    job = build_definitions(refresh.settings, refresh.sources, models, refresh).resolve_job_def(JOB)
    try:
        with _set({HOME: own[HOME], STORAGE: own[STORAGE]}), dg.DagsterInstance.get() as instance:
            tags = {BY_COMMAND: "command"}
            job.execute_in_process(instance=instance, run_id=refresh.run_id, run_config=_QUIET, tags=tags)
    except WherehouseError:
        raise
    except Exception as error:
        raise _translated(error, storage) from error


@contextmanager
def _set(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def _translated(error: Exception, storage: Path) -> Exception:
    """The sentence for people somewhere in the chain of causes; the error itself where there is none."""
    for one in _chain(error):
        if isinstance(one, WherehouseError):
            return one
        if any(text in str(one) for text in _FULL) and "sqlite" in repr(one).lower():
            why = "free space or point data_dir elsewhere, then run again"
            return StorageError(f"{storage}: the disk is full, or refuses writes; {why}")
    if isinstance(error, OSError):
        return StorageError(f"{error.filename or storage}: {error.strerror or error}")
    first = next(iter(str(error).splitlines()), "")
    return BuildError(
        f"the refresh failed: {type(error).__name__}: {first}; nothing was published "
        "(WHEREHOUSE_TRACEBACK=1 shows where)"
    )


def _chain(error: BaseException) -> list[BaseException]:
    """The error and what led to it. Dagster raises errors again within one another, so the chain may be a ring."""
    found: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in found:
        found.append(one)
        one = one.__cause__ or one.__context__
    return found
