"""`wherehouse sources` against vendors' doubles over HTTP: what is said, what lands, and with which exit code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines import cli
from pipelines.landing import Manifest
from simulator.doubles.book import Book, make_book
from simulator.doubles.server import Served, serving
from simulator.settings import Request

KEY = "EZAK-double-easypost-key"
SETTINGS = """
shop = "tiny"
data_dir = "data"
as_of = {as_of}
[sources.parcels]
type = "easypost"
base_url = "{address}/easypost"
requests_per_second = 1000
timeout_seconds = 5
[sources.desk]
type = "zendesk"
base_url = "{address}/zendesk"
requests_per_minute = 10000
"""


@pytest.fixture(scope="module")
def book() -> Book:
    return make_book(Request(seed=23, days=10, orders_per_day=20))


@pytest.fixture(scope="module")
def served(book: Book) -> Iterator[Served]:
    with serving(book) as served:
        yield served


@pytest.fixture
def shop(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with settings of two vendors, whose keys are right."""
    monkeypatch.delenv("WHEREHOUSE_KEYS", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EASYPOST_API_KEY", KEY)
    monkeypatch.setenv("ZENDESK_USER", "ops@fieldandfold.example")
    monkeypatch.setenv("ZENDESK_API_TOKEN", "double-zendesk-token")
    as_of = f"{served.clock.as_of:%Y-%m-%dT%H:%M:%SZ}"
    (tmp_path / "wherehouse.toml").write_text(SETTINGS.format(address=served.address, as_of=as_of))
    served.faults.replace({})
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    code = cli.main(["sources", *arguments])
    found = capsys.readouterr()
    assert KEY not in found.out + found.err and "Traceback" not in found.err
    return code, found.out.splitlines()


def landed(shop: Path, source: str, entity: str) -> int:
    return sum(batch.landed for batch in Manifest(shop / "data").accepted(source, entity))


def test_check_says_a_line_a_source_and_writes_nothing(shop: Path, capsys: Any) -> None:
    code, lines = run(capsys, "check")
    assert code == 0, lines
    assert [line.split(":")[0] for line in lines] == ["ok    desk (zendesk)", "ok    parcels (easypost)"]
    assert all("its clock agrees with ours" in line for line in lines)
    assert "would pull trackers from the beginning" in lines[1]
    assert not (shop / "data").exists()


def test_check_names_the_key_and_the_clock(
    served: Served, shop: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    served.faults.replace({"easypost": {"clock_skew": {"every": 1, "seconds": -300}}})
    monkeypatch.delenv("ZENDESK_API_TOKEN")
    code, (desk, parcels) = run(capsys, "check")
    assert code == 1
    assert desk.startswith("LOOK  desk (zendesk): Zendesk needs its key in the environment variable ZENDESK_API_TOKEN")
    assert parcels.startswith("LOOK  parcels") and "clock is -300 s from ours" in parcels.replace("-301", "-300")
    monkeypatch.setenv("EASYPOST_API_KEY", "wrong")
    code, (line,) = run(capsys, "check", "parcels")
    assert code == 1 and "EasyPost refused the key in EASYPOST_API_KEY (401)" in line
    assert cli.main(["sources", "check", "nobody"]) == 2


def test_pull_lands_what_is_new_and_the_next_one_starts_there(shop: Path, capsys: Any) -> None:
    code, lines = run(capsys, "pull", "--dry-run")
    assert code == 0 and "first page: 100 records, 100 rows of trackers" in lines[1]
    assert not (shop / "data").exists()
    code, lines = run(capsys, "pull")
    assert code == 0 and len(lines) == 2
    trackers = landed(shop, "parcels", "trackers")
    assert trackers > 100 and f"parcels: {trackers:,} records pulled" in lines[1]
    _, lines = run(capsys, "check", "parcels")
    assert "would pull trackers from 20" in lines[0]
    code, lines = run(capsys, "pull", "parcels")
    assert code == 0 and "0 rows landed" in lines[0] and landed(shop, "parcels", "trackers") == trackers


def test_a_window_leaves_the_place_of_the_next_pull_alone(served: Served, shop: Path, capsys: Any) -> None:
    end = served.clock.as_of.astimezone(UTC)
    day = f"{end - timedelta(days=3):%Y-%m-%d}", f"{end - timedelta(days=2):%Y-%m-%d}"
    code, lines = run(capsys, "backfill", "parcels", "--from", day[0], "--to", day[1], "--dry-run")
    assert code == 0 and f"trackers from {day[0]} 00:00 to {day[1]} 00:00; first page" in lines[0]
    code, lines = run(capsys, "backfill", "parcels", "--from", day[0], "--to", day[1])
    part = landed(shop, "parcels", "trackers")
    assert code == 0 and f"{part:,} records pulled" in lines[0] and part > 5
    assert Manifest(shop / "data").pulled("parcels", "trackers") is None
    run(capsys, "pull", "parcels", "--since", day[0])
    since = landed(shop, "parcels", "trackers")
    assert since > part
    run(capsys, "pull", "parcels")
    total = landed(shop, "parcels", "trackers")
    _, lines = run(capsys, "backfill", "parcels", "--from", "2026-01-01", "--to", f"{end:%Y-%m-%d}")
    assert total > since and "0 rows landed" in lines[0] and landed(shop, "parcels", "trackers") == total
    assert cli.main(["sources", "backfill", "--from", day[1], "--to", day[0]]) == 2
    assert "nothing lies between" in capsys.readouterr().err


def test_what_cannot_be_pulled_is_an_exit_code_and_counts_nothing(
    served: Served, shop: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(capsys, "pull")
    monkeypatch.setenv("EASYPOST_API_KEY", "wrong")
    code, lines = run(capsys, "pull")
    assert code == 3 and lines[1] == "parcels: EasyPost refused the key in EASYPOST_API_KEY (401)"
    code, lines = run(capsys, "pull", "parcels")
    assert code == 1
    code, lines = run(capsys, "pull", "parcels", "--dry-run")
    assert code == 1 and "refused the key" in lines[0]


def test_a_pull_that_breaks_off_says_how_far_it_got(served: Served, shop: Path, capsys: Any) -> None:
    served.faults.replace({"easypost": {"expired_key": {"after": 1}}})
    code, lines = run(capsys, "pull", "parcels")
    assert code == 1 and lines[0].startswith("parcels: 100 records pulled, ") and "refused the key" in lines[1]
    served.faults.replace({})
    code, lines = run(capsys, "check", "parcels")
    assert "would pull the rest of trackers from the beginning" in lines[0]
    assert run(capsys, "pull", "parcels")[0] == 0


def test_only_files_cannot_be_pulled(tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wherehouse.toml").write_text('[sources.drops]\ntype = "files"\n[[sources.drops.files]]\npath = "*.csv"\n'
        '[sources.drops.files.entities.orders.columns]\norder_id = "id"\nordered_at = "at"\n')  # fmt: skip
    assert cli.main(["sources", "pull"]) == 2
    assert "wherehouse ingest" in capsys.readouterr().err
    code, (line,) = run(capsys, "check")
    assert code == 1 and line.startswith("LOOK  drops (files): 0 files; sources.drops.files[0]: nothing matches")
