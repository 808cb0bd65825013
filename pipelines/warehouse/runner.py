"""dbt in this process: parsing once per version of the project, invoking, and letting go of the database files.

What is selected and what results mean is in `build.py`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipelines.domain.errors import BuildError
from pipelines.warehouse.connection import Engine, storage_errors
from pipelines.warehouse.project import (
    keep_parsed,
    parsed_dir,
    parsed_file,
    parsed_key,
    project_dir,
    scratch_dir,
)

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

_QUIET: Final = (
    "--no-send-anonymous-usage-stats",
    "--no-version-check",
    "--no-use-colors",
    "--no-use-colors-file",
    "--no-print",
    "--log-level=none",
    "--log-level-file=info",  # debug writes every statement, with its thousands of batch paths, twice
)
# Parsing opens no database. A constant folder, because dbt hashes the profile's paths and would parse everything again
# for every data folder.
_PARSE_ENVIRONMENT: Final = Engine(Path("data"), threads=1).environment()


def prepare(engine: Engine, project: Path | None = None) -> Path:
    """Parse the project unless this version of it was parsed before; returns the file of the parsed project.

    Beside it stands manifest.json for tools that read dbt's artifacts. About 0.02 s when there is nothing to do.
    Raises BuildError when the project does not parse, StorageError.
    """
    project = project or project_dir()
    with storage_errors(engine.data_dir):
        key = parsed_key(project)
        kept = parsed_dir(project, engine.temp_dir)
        parsed = parsed_file(kept, key)
        if not parsed.exists():
            scratch = scratch_dir(kept)
            try:
                _parse(engine, project, scratch, before=_newest(kept, parsed.name))
                keep_parsed(kept, key, scratch)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
    return parsed


def invoke(engine: Engine, arguments: list[str], project: Path | None = None) -> dbtRunnerResult:
    """Run one dbt command with the engine's files; when it returns, no connection to them is left open.

    The parsed project is handed to dbt as an object: dbt's own partial parse takes 0.4 s more, and would start over for
    each data folder, whose path its check includes. Raises BuildError when the project does not parse.
    """
    project = project or project_dir()
    manifest = _load(prepare(engine, project))
    target = engine.temp_dir / "dbt"
    flags = ["--target-path", str(target), "--no-write-json"]
    return _invoke(engine, project, [*arguments, *flags], engine.environment(), manifest)


def _parse(engine: Engine, project: Path, target: Path, before: Path | None) -> None:
    if before is not None:
        shutil.copyfile(before, target / before.name)
    result = _invoke(engine, project, ["parse", "--target-path", str(target)], _PARSE_ENVIRONMENT, None)
    if not result.success:
        problem = " ".join(str(result.exception or "unknown error").split())
        raise BuildError(f"{project}: the dbt project does not parse: {problem}")


def _newest(kept: Path, name: str) -> Path | None:
    return max(kept.glob(f"*/{name}"), key=lambda path: path.stat().st_mtime, default=None)


def _load(parsed: Path) -> Manifest:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    return Manifest.from_msgpack(parsed.read_bytes(), decoder=extended_mashumuro_decoder)


def _invoke(
    engine: Engine, project: Path, arguments: list[str], environment: Mapping[str, str], manifest: Any
) -> dbtRunnerResult:
    from dbt.cli.main import dbtRunner

    folders = ["--project-dir", str(project), "--profiles-dir", str(project)]
    logs = ["--log-path", str(engine.data_dir / "logs")]
    command = [*arguments, *folders, *logs, *_QUIET]
    # dbt changes into the project's folder and leaves the process there
    with _environment(environment), chdir(Path.cwd()):
        try:
            return dbtRunner(manifest=manifest).invoke(command)
        finally:
            _close_connections()


def _close_connections() -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import reset_adapters

    reset_adapters()  # type: ignore[no-untyped-call]
    # the adapter keeps its environment, and with it the files' lock, until the next command or the end of the process
    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
    DuckDBConnectionManager.close_all_connections()  # type: ignore[no-untyped-call]


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
