"""Finding files: order, folders, and what is not there yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.domain.errors import SourceError
from pipelines.sources.files.discovery import discover, format_of


def put(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("a,b\n1,2\n")


def names(folder: Path, pattern: str, format_: str | None = None) -> list[str]:
    found = discover(pattern, folder, "sources.x.files[0]", format_)
    return [str(drop.path.relative_to(folder)) for drop in found.drops]


def test_days_come_in_natural_order(tmp_path: Path) -> None:
    put(tmp_path, "day10/a.csv", "day2/a.csv", "day2/b.csv.gz", "day1/a.jsonl.zst")
    assert names(tmp_path, "day*") == ["day1/a.jsonl.zst", "day2/a.csv", "day2/b.csv.gz", "day10/a.csv"]
    assert names(tmp_path, "**/*.csv") == ["day2/a.csv", "day10/a.csv"]
    assert names(tmp_path, ".") == names(tmp_path, "day*")


def test_unfinished_and_hidden_files_are_not_there_yet(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "b.csv.part", "c.csv.tmp", ".d.csv", ".e/f.csv", "G.CSV.PART")
    assert names(tmp_path, "*") == ["a.csv"]
    assert names(tmp_path, ".") == ["a.csv"]
    assert names(tmp_path, "b.csv.part") == []


def test_a_named_file_that_is_missing_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"sources\.x\.files\[0\]\.path.*orders\.csv is not there"):
        discover("orders.csv", tmp_path, "sources.x.files[0]")


def test_a_pattern_that_matches_nothing_is_a_note(tmp_path: Path) -> None:
    found = discover("*.csv", tmp_path, "sources.x.files[0]")
    assert found.drops == ()
    assert "nothing matches" in found.notes[0]


def test_unknown_suffixes_are_noted_unless_the_format_is_said(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "b.dat")
    assert names(tmp_path, "*") == ["a.csv"]
    assert "1 files" in discover("*", tmp_path, "s").notes[0]
    assert names(tmp_path, "*", "csv") == ["a.csv", "b.dat"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.CSV", "csv"),
        ("a.tsv.gz", "csv"),
        ("a.ndjson.zst", "jsonl"),
        ("a.json", "jsonl"),
        ("a.parquet", "parquet"),
        ("a.xlsx", None),
    ],
)
def test_formats_by_suffix(name: str, expected: str | None) -> None:
    assert format_of(Path(name)) == expected
