from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from pipelines.domain.errors import BuildError, StorageError
from pipelines.warehouse import publish as publishing
from pipelines.warehouse.connection import Engine, open_warehouse
from pipelines.warehouse.publish import clean_up, copy_file, current_file, publish, published_dir


def fill(engine: Engine, value: int) -> None:
    with open_warehouse(engine) as connection:
        connection.execute("create schema if not exists marts.marts")
        connection.execute(f"create or replace table marts.marts.fct as select {value} as value from range(1000)")


def note(text: str) -> Callable[[duckdb.DuckDBPyConnection], None]:
    def write(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute("create schema if not exists ops")
        connection.execute("create or replace table ops.note as select ? as text", [text])

    return write


def seen(engine: Engine) -> tuple[int, str]:
    with duckdb.connect(str(current_file(engine).resolve()), read_only=True) as connection:
        row = connection.execute("select max(value), max(text) from marts.fct, ops.note").fetchone()
    assert row is not None
    return row


def files(engine: Engine) -> set[str]:
    return {path.name for path in published_dir(engine).iterdir()}


def test_readers_see_marts_and_ops_through_a_relative_link(engine: Engine) -> None:
    fill(engine, 1)
    published = publish(engine, "r1", note("one"))
    assert seen(engine) == (1, "one")
    assert current_file(engine).readlink() == Path("wherehouse-r1.duckdb")
    assert published.bytes == published.path.stat().st_size
    with duckdb.connect(str(engine.marts_file), read_only=True) as connection:
        assert connection.execute("select count(*) from duckdb_schemas() where schema_name = 'ops'").fetchone() == (0,)


def test_the_newest_are_kept(engine: Engine) -> None:
    for number in range(5):
        fill(engine, number)
        publish(engine, f"r{number}", note(str(number)), keep=3)
    assert files(engine) == {"current.duckdb", *(f"wherehouse-r{number}.duckdb" for number in (2, 3, 4))}
    assert seen(engine) == (4, "4")


def test_a_reader_that_stays_sees_what_it_opened(engine: Engine) -> None:
    fill(engine, 1)
    path = publish(engine, "r1", note("one"), keep=1).path
    with duckdb.connect(str(path), read_only=True) as connection:
        fill(engine, 2)
        publish(engine, "r2", note("two"), keep=1)
        assert connection.execute("select max(value) from marts.fct").fetchone() == (1,)
    assert files(engine) == {"current.duckdb", "wherehouse-r2.duckdb"}


def test_a_run_published_again_gets_a_new_name(engine: Engine) -> None:
    fill(engine, 1)
    first, second = publish(engine, "r/1", note("one")), publish(engine, "r/1", note("two"))
    assert (first.path.name, second.path.name) == ("wherehouse-r-1.duckdb", "wherehouse-r-1-2.duckdb")
    assert seen(engine) == (1, "two")


def test_nothing_changes_when_ops_cannot_be_written(engine: Engine) -> None:
    fill(engine, 1)
    publish(engine, "r1", note("one"))
    before = files(engine)
    fill(engine, 2)
    with pytest.raises(ZeroDivisionError):
        publish(engine, "r2", lambda _: 1 / 0)  # type: ignore[arg-type, return-value]
    assert files(engine) == before
    assert seen(engine) == (1, "one")


@pytest.mark.parametrize("step", ["copy_file", "_sync", "_point_at", "_prune", "_free_name"])
def test_a_run_killed_at_any_step_harms_nothing(engine: Engine, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(engine, 1)
    publish(engine, "r1", note("one"))
    fill(engine, 2)
    code = (
        "import os, sys; from pathlib import Path; import pipelines.warehouse.publish as p; "
        "from pipelines.warehouse.connection import Engine; "
        f"setattr(p, {step!r}, lambda *a, **k: os._exit(9)); "
        f"p.publish(Engine(Path({str(engine.data_dir)!r}), '500MB', 1), 'r2', "
        "lambda c: c.execute(\"create or replace table ops.note as select 'two' as text\") "
        "if c.execute('create schema if not exists ops') else None)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    expected = (2, "two") if step == "_prune" else (1, "one")
    assert seen(engine) == expected
    clean_up(engine)
    assert seen(engine) == expected
    live = current_file(engine).resolve().name
    assert files(engine) == {"current.duckdb", "wherehouse-r1.duckdb", live}
    publish(engine, "r3", note("three"), keep=1)
    assert seen(engine) == (2, "three")
    assert files(engine) == {"current.duckdb", "wherehouse-r3.duckdb"}


def test_what_a_killed_build_left_in_the_log_is_published_too(engine: Engine) -> None:
    fill(engine, 1)
    code = (
        f"import duckdb, os; c = duckdb.connect({str(engine.marts_file)!r}); "
        "c.execute('update marts.marts.fct set value = 7'); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    assert engine.marts_file.with_name("marts.duckdb.wal").exists()
    publish(engine, "r1", note("one"))
    assert seen(engine) == (7, "one")


def test_a_full_disk_is_one_line_and_harms_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(engine, 1)
    publish(engine, "r1", note("one"))

    def full(source: Path, target: Path) -> bool:
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(publishing, "copy_file", full)
    with pytest.raises(StorageError, match="disk is full"):
        publish(engine, "r2", note("two"))
    assert files(engine) == {"current.duckdb", "wherehouse-r1.duckdb"}
    assert seen(engine) == (1, "one")


def test_a_folder_that_cannot_be_made_is_a_storage_error(engine: Engine) -> None:
    fill(engine, 1)
    published_dir(engine).write_text("in the way")
    with pytest.raises(StorageError):
        publish(engine, "r1", note("one"))


def test_without_marts_there_is_nothing_to_publish(engine: Engine) -> None:
    with pytest.raises(BuildError, match="run a refresh first"):
        publish(engine, "r1", note("one"))


def test_copies_are_equal_to_the_byte(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(os.urandom(3_000_001))
    copy_file(source, target)
    assert target.read_bytes() == source.read_bytes()


def test_copies_work_where_the_kernel_cannot_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    source, target = tmp_path / "a", tmp_path / "b"
    source.write_bytes(os.urandom(3_000_001))
    copy_file(source, target)
    assert target.read_bytes() == source.read_bytes()
