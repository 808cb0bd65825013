from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from pipelines.domain.errors import BuildError, LockedError, StorageError, WherehouseError
from pipelines.settings import Settings
from pipelines.warehouse.connection import Engine, from_engine_message, from_os_error, open_warehouse

from .conftest import REPOSITORY


def test_both_files_are_created_and_times_are_utc(engine: Engine) -> None:
    with open_warehouse(engine) as connection:
        connection.execute("create table marts.main.t as select 1 as one")
        assert connection.execute("select current_setting('TimeZone')").fetchone() == ("UTC",)
        assert connection.execute("select current_setting('threads')").fetchone() == (1,)
    assert engine.warehouse_file.exists()
    assert engine.marts_file.exists()


def test_dbt_opens_the_files_with_the_same_options(engine: Engine) -> None:
    profile = (REPOSITORY / "dbt_project" / "profiles.yml").read_text()
    options = profile[profile.index("config_options:") : profile.index("settings:")]
    assert set(re.findall(r"^        (\w+):", options, re.MULTILINE)) == set(engine.config())
    assert set(re.findall(r"env_var\('(\w+)'", profile)) == set(engine.environment())


def test_a_broken_database_is_one_sentence_and_not_a_traceback(engine: Engine) -> None:
    engine.warehouse_file.write_bytes(b"not a database at all" * 1000)
    with pytest.raises(WherehouseError) as refused, open_warehouse(engine):
        pass
    assert "--full" in str(refused.value)


def test_errors_of_the_body_pass_through(engine: Engine) -> None:
    with pytest.raises(ZeroDivisionError), open_warehouse(engine):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("code", "words"), [(errno.ENOSPC, "disk is full"), (errno.EACCES, "cannot be written"), (errno.EIO, "x")]
)
def test_refusals_of_the_file_system(code: int, words: str) -> None:
    assert words in str(from_os_error(OSError(code, "x", "/d/f"), Path("/d")))


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ('IO Error: Could not set lock on file "w.duckdb": Conflicting lock is held in python (PID 7)', LockedError),
        ('IO Error: Could not write file "x": No space left on device', StorageError),
        ("IO Error: Cannot open file: Permission denied", StorageError),
        ("IO Error: something else", StorageError),
        ("Out of Memory Error: could not allocate block", BuildError),
    ],
)
def test_refusals_of_the_engine(message: str, kind: type[WherehouseError]) -> None:
    assert type(from_engine_message(message, Path("/d"))) is kind


def test_other_messages_of_the_engine_are_left_alone() -> None:
    assert from_engine_message("Catalog Error: no such table", Path("/d")) is None


def test_limits_come_from_the_settings(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": tmp_path, "warehouse": {"memory_limit": "1GB", "threads": 3}})
    assert Engine.of(settings).config()["memory_limit"] == "1GB"
    assert Engine.of(settings).environment()["WHEREHOUSE_THREADS"] == "3"
