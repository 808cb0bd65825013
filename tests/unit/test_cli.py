"""The command line: one clear line for every error, the documented exit codes, and quick answers."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines import cli
from pipelines.cli.arguments import moment as parsed_moment

SETTINGS = """
shop = "tiny"
data_dir = "data"
[sources.exports]
type = "files"
[[sources.exports.files]]
path = "orders.csv"
[sources.exports.files.entities.orders]
[sources.exports.files.entities.orders.columns]
order_id = "id"
email = "email"
ordered_at = "at"
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with settings and one file of which a row is bad."""
    monkeypatch.delenv("WHEREHOUSE_KEYS", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wherehouse.toml").write_text(SETTINGS)
    rows = [f"o{number},p{number}@example.com,2026-01-01T08:00:00Z" for number in range(30)]
    (tmp_path / "orders.csv").write_text("\n".join(["id,email,at", *rows, "o99,q@example.com,never"]) + "\n")
    return tmp_path


def _run(*arguments: str) -> int:
    return cli.main(list(arguments))


def _batch(shop: Path) -> str:
    line = (shop / "data" / "landing" / "manifest.jsonl").read_text().splitlines()[0]
    return str(json.loads(line)["batch_id"])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T04:30", datetime(2026, 1, 31, 4, 30, tzinfo=UTC)),
        ("2026-01-31T04:30+02:00", datetime(2026, 1, 31, 2, 30, tzinfo=UTC)),
        ("2026-01-31T04:30:15Z", datetime(2026, 1, 31, 4, 30, 15, tzinfo=UTC)),
    ],
)
def test_a_clock_is_a_date_or_a_moment(text: str, moment: datetime):
    assert parsed_moment(text) == moment


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["refresh", "--as-of", "yesterday"], "'yesterday' is not a date such as"),
        (["refresh", "--files-from", "2026-02-30"], "'2026-02-30' is not a date such as"),
        (["refreshh"], "invalid choice: 'refreshh'"),
        (["release"], "the following arguments are required: BATCH"),
        (["refresh", "--settings", "gone.toml"], "gone.toml: no such settings file"),
    ],
)
def test_wrong_arguments_get_one_line_and_2(
    shop: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words
):
    assert _run(*arguments) == 2

    found = capsys.readouterr()
    assert found.out == ""
    assert words in found.err and found.err.count("\n") == 1


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('shop = "tiny"', 'shop = "No Spaces"', "setting 'shop'"),
        ('shop = "tiny"', 'shopp = "tiny"', "unknown setting 'shopp'"),
        ('path = "orders.csv"', 'path = "${NOT_SET_ANYWHERE}/orders.csv"', "NOT_SET_ANYWHERE, which is not set"),
        ('ordered_at = "at"', 'order_at = "at"', "order_at"),
        ('type = "files"', 'type = "fax"', "'fax' is not a kind of source"),
    ],
)
def test_wrong_settings_name_the_key(
    shop: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, words: str
):
    (shop / "wherehouse.toml").write_text(SETTINGS.replace(before, after))

    assert _run("refresh") == 2

    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1 and "Traceback" not in error


def test_a_traceback_is_shown_on_request(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("WHEREHOUSE_TRACEBACK", "1")

    assert _run("refresh", "--settings", "gone.toml") == 2

    assert "Traceback" in capsys.readouterr().err


def test_a_dry_run_shows_rows_and_reasons_and_writes_nothing(shop: Path, capsys: pytest.CaptureFixture[str]):
    assert _run("ingest", "--dry-run", "--limit", "2") == 0

    out = capsys.readouterr().out
    assert "31 read = 30 landed + 1 rejected + 0 duplicate + 0 not applicable" in out
    assert "1 rejected: ordered_at: not a time" in out
    assert "order_id=o0" in out and "@example.com" not in out
    assert not (shop / "data").exists()


def test_ingest_lands_and_builds_nothing(shop: Path, capsys: pytest.CaptureFixture[str]):
    assert _run("ingest", "--source", "exports") == 0

    assert "exports / orders" in capsys.readouterr().out
    assert (shop / "data" / "landing" / "manifest.jsonl").exists()
    assert not (shop / "data" / "marts.duckdb").exists()
    assert _run("ingest", "--source", "imports") == 2
    assert "there is no source 'imports'" in capsys.readouterr().err


def test_sources_are_listed(shop: Path, capsys: pytest.CaptureFixture[str]):
    assert _run("sources", "list") == 0

    assert capsys.readouterr().out == "exports  (files)  orders\n"


def test_doctor_says_what_needs_a_look(shop: Path, capsys: pytest.CaptureFixture[str]):
    assert _run("doctor") == 0
    assert "source exports: 1 files" in capsys.readouterr().out
    assert not (shop / "data").exists()

    _run("ingest")
    (shop / "data" / "secrets" / "keys.json").chmod(0o644)
    assert _run("doctor") == 1
    assert "LOOK" in (out := capsys.readouterr().out) and "can be read by others" in out

    assert _run("doctor", "--settings", "gone.toml") == 1


def test_held_batches_are_released_or_retired_by_name(shop: Path, capsys: pytest.CaptureFixture[str]):
    (shop / "wherehouse.toml").write_text(SETTINGS + "[thresholds]\nquarantine_rate = 0.01\n")
    assert _run("ingest") == 3
    batch = _batch(shop)
    assert f"wherehouse release {batch}" in capsys.readouterr().out

    assert _run("release", batch) == 0
    assert "released 30 rows of exports / orders" in capsys.readouterr().out
    assert _run("release", batch) == 2
    assert _run("retire", batch) == 0
    assert _run("retire", "nonsense") == 2


def test_erasing_names_nobody(shop: Path, capsys: pytest.CaptureFixture[str]):
    _run("ingest")
    capsys.readouterr()

    assert _run("erase", "--email", "p3@example.com") == 0

    out = capsys.readouterr().out
    assert "tokens will be left out from now on" in out and "p3" not in out
    assert _run("erase") == 2


def test_reclassifying_says_where_there_is_nothing_to_do(shop: Path, capsys: pytest.CaptureFixture[str]):
    _run("ingest")
    capsys.readouterr()

    assert _run("reclassify") == 0
    assert capsys.readouterr().out == "no tickets have landed\n"
    assert _run("reclassify", "--source", "nobody") == 2
    assert "there is no source 'nobody'; one of exports" in capsys.readouterr().err


def test_a_late_refresh_is_an_exit_code(shop: Path, capsys: pytest.CaptureFixture[str]):
    assert _run("alert-if-late") == 1

    assert "nothing was ever published" in capsys.readouterr().out


def test_the_shell_gets_what_dashboards_and_dagster_need(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    for name in ("DAGSTER_HOME", "DAGSTER_STORAGE_DIR"):
        monkeypatch.delenv(name, raising=False)

    assert _run("env") == 0

    out = capsys.readouterr().out
    assert f"export WHEREHOUSE_PUBLISHED={shop}/data/published/current.duckdb" in out
    assert f"export DAGSTER_STORAGE_DIR={shop}/data/dagster" in out


def test_help_and_errors_import_nothing_heavy(shop: Path):
    script = (
        "import sys; from pipelines import cli; "
        "code = cli.main(['refresh', '--settings', 'gone.toml']); "
        "heavy = {'dagster', 'dbt', 'duckdb', 'polars', 'pandas', 'great_expectations'} & set(sys.modules); "
        "sys.exit(0 if code == 2 and not heavy else f'{code} {heavy}')"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
