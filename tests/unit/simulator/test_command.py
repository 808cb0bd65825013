"""The command: files, errors in one line, and the page that draws the world."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from simulator import describe as drawn
from simulator.__main__ import main
from simulator.reality import shared_data, spread
from simulator.settings import Request


def test_files_says_what_it_wrote_and_keeps_the_truth_outside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["files", "--out", str(out), "--days", "5", "--orders-per-day", "40", "--seed", "2"]) == 0
    said = capsys.readouterr().out
    assert "scans_easypost" in said
    assert (tmp_path / "out_truth" / "world.json").exists()
    assert not list(out.rglob("*truth*"))
    assert sorted(path.name for path in (out / "orders").iterdir())[0] == "dt=2026-08-03"


def test_no_truth_and_as_of(tmp_path: Path) -> None:
    command = ["files", "--out", str(tmp_path / "out"), "--days", "6", "--orders-per-day", "40", "--no-truth"]
    assert main([*command, "--as-of", "2026-08-06T12:00:00Z"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    last = pl.read_csv(tmp_path / "out" / "orders" / "dt=2026-08-06" / "orders.csv")
    assert last["updated_at"].max() < "2026-08-06T12:00:00Z"
    assert not (tmp_path / "out" / "orders" / "dt=2026-08-07").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--scenario", "typhoon"], "no scenario named 'typhoon'; choose from capacity_collapse"),
        (["--days", "0"], "at least one day"),
        (["--orders-per-day", "2000000"], "between 1 and 1,000,000 orders"),
        (["--first-day", "1999-01-01"], "must not lie before 2015-01-01"),
    ],
)
def test_wrong_requests_end_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["files", "--out", str(tmp_path), *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_the_truth_may_not_lie_where_connectors_read(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="must not lie inside"):
        main(["files", "--out", str(tmp_path), "--truth", str(tmp_path / "truth")])


def test_the_page_is_drawn_without_real_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawn, "shared_data", lambda: None)
    figure, page = drawn.describe(Request(days=40, orders_per_day=100, first_day=date(2026, 2, 2)), tmp_path)
    assert ElementTree.parse(figure).getroot().tag.endswith("svg")
    text = page.read_text(encoding="utf-8")
    assert "simulated figures only" in text
    assert "Olist:" not in text.replace("Olist: 20,864", "")


def test_the_page_shows_real_data_beside(tmp_path: Path) -> None:
    if shared_data() is None:
        pytest.skip("real data not found: set WHEREHOUSE_SHARED_DATA")
    _, page = drawn.describe(Request(days=40, orders_per_day=100, first_day=date(2026, 2, 2)), tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "Olist: 5.47" in text
    assert "Online Retail (gift ware): 1.6%" in text


def test_spread_takes_chance_off() -> None:
    assert spread([1000] * 50, [100] * 50) == 0
    assert spread([10_000] * 2, [500, 1500]) == pytest.approx(0.5, abs=0.01)


@pytest.mark.prove
def test_a_million_parcels_in_ninety_cpu_seconds_and_three_gigabytes(tmp_path: Path) -> None:
    import json
    import resource
    import subprocess
    import sys

    command = [sys.executable, "-m", "simulator", "files", "--out", str(tmp_path / "out"), "--orders-per-day", "16000"]
    subprocess.run(command, check=True, cwd=Path(__file__).resolve().parents[3], capture_output=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    parcels = pl.scan_parquet(tmp_path / "out_truth" / "parcels" / "**" / "*.parquet").select(pl.len()).collect().item()
    print(json.dumps({"parcels": parcels, "cpu_s": used.ru_utime + used.ru_stime, "rss_kb": used.ru_maxrss}))
    assert parcels >= 1_000_000
    assert used.ru_utime + used.ru_stime <= 90
    assert used.ru_maxrss <= 3 * 1024 * 1024
