"""dbt in process over the tiny project: the slowest tests of this folder, about one second each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.domain.errors import BuildError, LockedError, StorageError
from pipelines.warehouse import runner
from pipelines.warehouse.build import BuildFailedError, BuildResult, build, selection
from pipelines.warehouse.connection import Engine, open_warehouse
from pipelines.warehouse.control import begin, mark_consumed
from pipelines.warehouse.plan import Batch, BuildInput

from .conftest import AS_OF, write_project

Given = Callable[..., BuildInput]
MakeBatch = Callable[..., Batch]


def refresh(engine: Engine, project: Path, given: BuildInput) -> BuildResult:
    plan = begin(engine, given)
    result = build(engine, selection(plan), full_refresh=plan.is_full, run_seeds=plan.run_seeds, project=project)
    mark_consumed(engine, given.run_id)
    return result


def rows(engine: Engine, statement: str) -> list[tuple[Any, ...]]:
    with open_warehouse(engine) as connection:
        return connection.execute(statement).fetchall()


def test_nights_add_up_and_name_what_they_did(
    engine: Engine, project: Path, given: Given, batch: MakeBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = batch(1, {"a": 1, "b": 2})
    here = Path.cwd()
    result = refresh(engine, project, given("r1", batches=(first,)))
    assert result.rows == {
        "seeds.colours": 2,
        "intermediate.int_orders": 2,
        "marts.fct_orders": 2,
        "marts.clock": 1,
    }
    check = next(node for node in result.nodes if node.resource_type == "test")
    assert (check.status, check.severity, check.attached_to, check.failures) == ("pass", "error", "fct_orders", 0)
    assert rows(engine, "select distinct shop, least, built_by from marts.marts.fct_orders") == [("o'neill", 30, "r1")]
    assert Path.cwd() == here
    assert "WHEREHOUSE_DATA_DIR" not in os.environ

    second = batch(2, {"b": 3, "c": 5})
    night = refresh(engine, project, given("r2", batches=(first, second)))
    assert {node.name for node in night.nodes if node.resource_type == "model"} == {
        "int_arrived_orders",
        "int_orders",
        "fct_orders",
    }
    assert rows(engine, "select order_id, amount, built_by from marts.marts.fct_orders order by all") == [
        ("a", 1, "r2"),
        ("b", 3, "r2"),
        ("c", 5, "r2"),
    ]
    assert rows(engine, "select count(*) from intermediate.int_arrived_orders") == [(2,)]

    later = AS_OF + timedelta(days=1)
    monkeypatch.setattr(runner, "_parse", lambda *_, **__: pytest.fail("parsed again"))
    clock = refresh(engine, project, given("r3", as_of=later, batches=(first, second)))
    assert {node.name for node in clock.nodes if not node.name.startswith("int_arrived_")} == {"clock"}
    assert rows(engine, "from marts.marts.clock") == [(datetime(2026, 3, 2), datetime(2026, 3, 1), False, False, 2)]


def test_the_project_is_parsed_once_for_all_data_folders(
    engine: Engine, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = runner.prepare(engine, project)
    assert json.loads((parsed.parent / "manifest.json").read_text())["nodes"]
    monkeypatch.setattr(runner, "_parse", lambda *_, **__: pytest.fail("parsed again"))
    other = replace(engine, data_dir=engine.data_dir.parent / "other", memory_limit="1GB")
    assert runner.prepare(other, project) == parsed


def test_an_empty_selection_does_not_import_dbt(engine: Engine) -> None:
    code = (
        "import sys; from pathlib import Path; from pipelines.warehouse.build import build; "
        "from pipelines.warehouse.connection import Engine; "
        f"build(Engine(Path({str(engine.data_dir)!r})), [], full_refresh=False); "
        "sys.exit(any(name in sys.modules for name in ('dbt', 'duckdb', 'polars', 'pyarrow')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_failing_check_names_model_rows_and_what_to_do(
    engine: Engine, project: Path, given: Given, batch: MakeBatch
) -> None:
    with pytest.raises(BuildFailedError) as failed:
        refresh(engine, project, given("r1", batches=(batch(1, {"a": 1, "b": 99}),)))
    message = str(failed.value)
    assert "fct_orders" in message
    assert "99" in message
    assert "nothing was published" in message
    assert "\n" not in message
    bad = [node for node in failed.value.result.nodes if node.is_bad]
    assert [(node.status, node.failures, node.attached_to) for node in bad] == [("fail", 1, "fct_orders")]
    assert bad[0].examples[0]["value_field"] == 99
    assert begin(engine, given("r2")).is_full  # nothing was consumed


def test_a_failing_model_is_named_and_what_it_feeds_is_skipped(
    engine: Engine, project: Path, given: Given, batch: MakeBatch
) -> None:
    lost = batch(1, {"a": 1})
    lost.path.unlink()
    with pytest.raises((BuildFailedError, StorageError)) as failed:
        refresh(engine, project, given("r1", batches=(lost,)))
    assert "b1.parquet" in str(failed.value)


def test_the_files_are_free_again_after_dbt(engine: Engine, project: Path, given: Given, batch: MakeBatch) -> None:
    refresh(engine, project, given("r1", batches=(batch(1, {"a": 1}),)))
    for path in (engine.warehouse_file, engine.marts_file):
        code = f"import duckdb; duckdb.connect({str(path)!r}).execute('checkpoint')"
        assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0
        assert not path.with_name(path.name + ".wal").exists()


def test_another_process_at_the_files_is_one_clear_line(engine: Engine, project: Path, given: Given) -> None:
    begin(engine, given("r1"))
    code = f"import duckdb; c = duckdb.connect({str(engine.marts_file)!r}); print(1, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(LockedError, match="another process"):
            build(engine, ["*"], full_refresh=True, project=project)
        holder.communicate("\n")


def test_a_project_that_does_not_parse_says_where(engine: Engine, tmp_path: Path) -> None:
    project = write_project(tmp_path / "broken")
    (project / "models" / "marts" / "fct_orders.sql").write_text("select * from {{ ref('nowhere') }}")
    with pytest.raises(BuildError, match="nowhere"):
        runner.prepare(engine, project)
    assert not list((project / "target" / "parsed").iterdir())
