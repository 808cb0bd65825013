"""Building the warehouse: which models a night runs, and what came of each of them, as plain data.

How dbt is started is in `runner.py`; what the build starts from in `control.py`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipelines.domain.errors import BuildError
from pipelines.warehouse.connection import Engine, from_engine_message, open_warehouse, storage_errors
from pipelines.warehouse.plan import BuildPlan
from pipelines.warehouse.runner import invoke

if TYPE_CHECKING:
    import duckdb

EVERYTHING: Final = ("*",)
FILES: Final = "files"  # the connector whose landed entities are the canonical ones
ARRIVED: Final = "path:models/intermediate/arrived"
OUTLOOK: Final = "path:models/outlook"
_EXAMPLES: Final = 5
_TABLES: Final = ("table", "incremental", "seed")


@dataclass(frozen=True, slots=True)
class NodeResult:
    """What came of one model, seed or test. `rows` of the whole table after the build; `failures` of a test."""

    unique_id: str
    name: str
    resource_type: str  # model, seed, test
    status: str  # success, pass, warn, fail, error, skipped
    seconds: float
    message: str = ""
    rows: int | None = None
    failures: int | None = None
    severity: str = ""  # of tests: error, warn
    attached_to: str = ""  # of tests: the model they are about
    depends_on: tuple[str, ...] = ()  # unique ids
    schema: str = ""
    examples: tuple[Mapping[str, Any], ...] = ()  # of tests that fail: some of the rows

    @property
    def is_bad(self) -> bool:
        """Whether this result stops publishing."""
        return self.status in {"error", "fail", "runtime error"}


@dataclass(frozen=True, slots=True)
class BuildResult:
    """All results of one build. CPU seconds of this process."""

    nodes: tuple[NodeResult, ...] = ()
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0

    def joined(self, later: BuildResult) -> BuildResult:
        """This build and a later one of the same refresh, as one."""
        wall, cpu = self.wall_seconds + later.wall_seconds, self.cpu_seconds + later.cpu_seconds
        return BuildResult((*self.nodes, *later.nodes), wall, cpu)

    @property
    def rows(self) -> dict[str, int]:
        """Rows by table, `schema.name`."""
        return {f"{node.schema}.{node.name}": node.rows for node in self.nodes if node.rows is not None}


class BuildFailedError(BuildError):
    """A build that must not be published. `result` holds what did succeed, and every failing node."""

    def __init__(self, message: str, result: BuildResult) -> None:
        super().__init__(message)
        self.result = result


def selection(plan: BuildPlan) -> list[str]:
    """dbt selectors of what this plan has to run: everything, a night's part, or nothing at all (empty).

    A night runs what descends from entities with new batches and what depends on the clock. The views of what arrived
    list the batches of one night: those that list any of the last build's come along, for that list must not be read
    again. A vendor's staging may read several of its entities, so all of it has news when one has.
    """
    if plan.is_full:
        return list(EVERYTHING)
    selectors = {f"{_staging(*one)}+" for one in plan.new_entities}
    if plan.as_of_moved:
        selectors |= {"tag:clock+", "tag:predictions"}
    if not selectors:
        return []
    if plan.listed_before is None:
        return [ARRIVED, *sorted(selectors)]
    stale = {f"{_staging(*one)}+1,{ARRIVED}" for one in plan.listed_before - plan.new_entities}
    return sorted(selectors | stale)


def _staging(connector: str, entity: str) -> str:
    return f"stg_{connector}__{entity}" if connector == FILES else f"path:models/staging/{connector}"


def left_out(*, has_predictions: bool) -> list[str]:
    """dbt selectors of what is not built with the marts: what training needs, what follows on predictions."""
    later = ["tag:training", OUTLOOK]
    return later if has_predictions else [*later, "tag:predictions"]


def build(
    engine: Engine,
    select: Sequence[str],
    *,
    full_refresh: bool,
    run_seeds: bool = False,
    exclude: Sequence[str] = (),
    project: Path | None = None,
) -> BuildResult:
    """Run the selected models and their tests; an empty selection costs nothing, not even the import of dbt.

    Call `control.begin` before. Raises BuildFailedError when a model or a test of severity error fails, StorageError
    when the disk refuses, LockedError.
    """
    if not select:
        return BuildResult()
    if full_refresh and tuple(select) == EVERYTHING:
        _start_afresh(engine)
    wall, cpu = time.perf_counter(), time.process_time()
    ran = invoke(engine, _arguments(select, exclude, full_refresh=full_refresh, run_seeds=run_seeds), project)
    raw = list(getattr(ran.result, "results", None) or ())
    if ran.exception is not None and not raw:
        raise _refused(str(ran.exception), engine)
    with open_warehouse(engine) as connection:
        nodes = tuple(_results(raw, connection))
    result = BuildResult(nodes, time.perf_counter() - wall, time.process_time() - cpu)
    if bad := [node for node in nodes if node.is_bad]:
        raise _failed(bad, result, engine)
    if not ran.success:
        raise BuildFailedError(f"dbt failed without naming a model; see {engine.data_dir / 'logs' / 'dbt.log'}", result)
    return result


def _start_afresh(engine: Engine) -> None:
    """Remove the marts that are about to be made again: tables replaced within a file leave it twice the size."""
    with open_warehouse(engine):
        pass  # raises LockedError while somebody else has the files open
    with storage_errors(engine.data_dir):
        for file in (engine.marts_file, engine.marts_file.with_name(engine.marts_file.name + ".wal")):
            file.unlink(missing_ok=True)


def _arguments(select: Sequence[str], exclude: Sequence[str], *, full_refresh: bool, run_seeds: bool) -> list[str]:
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    if not run_seeds:
        arguments += ["--exclude-resource-type", "seed"]
    if tuple(select) != EVERYTHING:
        arguments += ["--select", *select]
    if exclude:
        arguments += ["--exclude", *exclude]
    return [*arguments, "--full-refresh"] if full_refresh else arguments


def _results(raw: Iterable[Any], connection: duckdb.DuckDBPyConnection) -> Iterable[NodeResult]:
    found = list(raw)
    rows = _row_counts(found, connection)
    for item in found:
        node = item.node
        kind = str(node.resource_type)
        is_test = kind == "test"
        config = node.config
        status = str(item.status)
        yield NodeResult(
            unique_id=node.unique_id,
            name=node.name,
            resource_type=kind,
            status=status,
            seconds=float(item.execution_time or 0),
            message=_one_line(item.message),
            rows=rows.get(node.unique_id),
            failures=item.failures if is_test else None,
            severity=str(config.severity).lower() if is_test else "",
            attached_to=(node.attached_node or "").rpartition(".")[2] if is_test else "",
            depends_on=tuple(getattr(node.depends_on, "nodes", ())),
            schema=node.schema,
            examples=_examples(node, connection) if is_test and status in {"fail", "warn"} else (),
        )


def _row_counts(found: list[Any], connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    tables = {
        item.node.unique_id: item.node.relation_name
        for item in found
        if str(item.status) == "success"
        and (str(item.node.resource_type) == "seed" or item.node.config.materialized in _TABLES)
    }
    if not tables:
        return {}
    # count(*) of a whole table is read from metadata; relation names come quoted from dbt
    counts = ", ".join(f"(select count(*) from {relation})" for relation in tables.values())  # noqa: S608
    row = connection.execute(f"select {counts}").fetchone() or ()
    return dict(zip(tables, row, strict=True))


def _examples(node: Any, connection: duckdb.DuckDBPyConnection) -> tuple[Mapping[str, Any], ...]:
    """The first rows that a test returns, by running its statement once more."""
    import duckdb

    try:
        cursor = connection.execute(f"from ({node.compiled_code}) as failing limit {_EXAMPLES}")
    except duckdb.Error:  # the failure itself is reported all the same
        return ()
    names = [column[0] for column in cursor.description or ()]
    return tuple(dict(zip(names, row, strict=True)) for row in cursor.fetchall())


def _failed(bad: list[NodeResult], result: BuildResult, engine: Engine) -> BuildError:
    for node in bad:
        if (translated := from_engine_message(_engine_part(node.message), engine.data_dir)) is not None:
            raise translated
    first = bad[0]
    more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
    if first.resource_type == "test":
        about = f" of {first.attached_to}" if first.attached_to else ""
        shown = f", first: {_row_text(first.examples[0])}" if first.examples else ""
        sentence = f"check {first.name}{about} failed on {first.failures} rows{shown}{more}"
    else:
        sentence = f"{first.resource_type} {first.name} failed: {first.message}{more}"
    return BuildFailedError(
        f"{sentence}; nothing was published. Details: {engine.data_dir / 'logs' / 'dbt.log'}", result
    )


def _refused(message: str, engine: Engine) -> BuildError:
    translated = from_engine_message(_engine_part(message), engine.data_dir)
    if translated is not None:
        raise translated
    return BuildFailedError(f"dbt could not start: {_one_line(message)}; nothing was published", BuildResult())


def _engine_part(message: str) -> str:
    """dbt wraps the engine's message: 'Runtime Error in model x (path)  IO Error: ...'."""
    for marker in ("IO Error:", "Out of Memory Error:", "Could not set lock"):
        if marker in message:
            return message[message.index(marker) :]
    return message


def _one_line(message: str | None) -> str:
    return " ".join((message or "").split())


def _row_text(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value}" for name, value in list(row.items())[:_EXAMPLES])
