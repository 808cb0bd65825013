"""Commands without the seconds that their imports cost: one process imports what a refresh needs and forks for each.

`python -m tests.e2e.forked` reads requests from stdin, a JSON object a line. A keeper per command waits for it and
leaves its status and CPU seconds in a file.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from pathlib import Path

MODULES = (
    *("dagster", "dagster_dbt", "dbt.cli.main", "dbt.adapters.duckdb", "duckdb", "great_expectations", "polars"),
    # what these load once a refresh runs, half as much again
    *("dagster._core.storage.event_log", "dagster._core.storage.runs", "dagster._core.storage.schedules"),
    *(
        "dagster._core.storage.legacy_storage",
        "dagster._core.storage.root",
        "dagster._core.execution.execute_in_process",
    ),
    *("dagster._core.instance.runs.run_domain", "dagster._core.executor.in_process", "alembic.command", "babel.dates"),
    *("dbt.task.build", "dbt.adapters.duckdb.environments.local", "pyarrow.dataset", "pyarrow.pandas_compat"),
    *("pipelines.definitions", "pipelines.orchestration.command", "pipelines.landing.dry_run"),
)


def main() -> None:
    """Import, then serve until stdin ends."""
    import pipelines.cli

    for module in MODULES:
        importlib.import_module(module)
    for line in sys.stdin:
        if os.fork() == 0:
            _keep(pipelines.cli.main, **json.loads(line))


def _keep(command, arguments: list[str], environment: dict[str, str], out: str, err: str, ended: str) -> None:
    """Run one command in a session of its own, which says its process id; then say how it ended."""
    child = os.fork()
    if child == 0:
        os.setsid()
        print(os.getpid(), flush=True)
        for path, number, flags in (
            (os.devnull, 0, os.O_RDONLY),
            (out, 1, os.O_WRONLY | os.O_CREAT),
            (err, 2, os.O_WRONLY | os.O_CREAT),
        ):
            os.dup2(os.open(path, flags), number)
        os.environ.clear()
        os.environ.update(environment)
        sys.argv = arguments
        try:
            command()
        except BaseException:  # as the interpreter would
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    _, status, usage = os.wait4(child, 0)
    aside = Path(ended + ".new")
    aside.write_text(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime]))
    aside.rename(ended)
    os._exit(0)


if __name__ == "__main__":
    main()
