"""Every model says its grain first, every mart is documented, and SQL keeps to what two engines run alike."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
MODELS = sorted(path for path in (PROJECT / "models").rglob("*") if path.suffix in {".sql", ".py"})
SQL = sorted(path for folder in ("models", "macros", "tests") for path in (PROJECT / folder).rglob("*.sql"))
MARTS = [path for path in MODELS if {"marts", "outlook"} & set(path.parts)]
GRAIN = {".sql": "-- One row per ", ".py": '"""One row per '}
# Runs on DuckDB and on Spark with different answers, or on one of them only; macros/dispatch.sql is where they meet.
FORBIDDEN = {
    r"\bconcat\s*\(": "null in concat differs: use ||",
    r"\bdayofweek\b": "counts from another day: use a macro",
    r"\\d": "use [0-9]",
    r"\bregexp_replace\s*\(": "replaces the first match or all of them: use a macro",
    r"(?<![a-z_])hash\s*\(": "differs: use key_hash()",
    r"\b(epoch|strftime|date_diff|datediff|timezone|generate_series|unnest|list_value|struct_pack)\s*\(": "use a macro",
    r"\b(SELECT|FROM|WHERE|GROUP BY|ORDER BY|JOIN|CASE|WHEN|CAST|COALESCE)\b": "keywords are lower case",
    r"\bright join\b|\bnatural join\b": "reads backwards: turn it round, or name the columns",
}
LONGEST_LINE = 200
LONGEST_FILE = 260


def _documented() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for path in (PROJECT / "models").rglob("*.yml"):
        for model in yaml.safe_load(path.read_text()).get("models") or ():
            assert model["name"] not in found, f"{model['name']} stands in two files"
            found[model["name"]] = model
    return found


def _code(path: Path) -> str:
    """The file without comments, which may say anything."""
    text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    return re.sub(r"--.*", "", text)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_model_starts_with_its_grain(path: Path):
    assert path.read_text().startswith(GRAIN[path.suffix])


def test_every_mart_is_documented_and_tested():
    documented = _documented()

    assert len(MARTS) > 8
    for path in MARTS:
        model = documented.get(path.stem)
        assert model is not None, f"{path.stem} stands in no yml beside it"
        assert model.get("description"), f"{path.stem} has no description"
        has_tests = bool(model.get("data_tests")) or any(
            column.get("data_tests") for column in model.get("columns", ())
        )
        assert has_tests, f"{path.stem} has no test"


def test_no_yml_documents_a_model_that_is_gone():
    assert set(_documented()) <= {path.stem for path in MODELS}


@pytest.mark.parametrize("path", SQL, ids=lambda path: path.stem)
def test_sql_keeps_to_the_common_subset(path: Path):
    if path == PROJECT / "macros" / "dispatch.sql":
        return
    for number, line in enumerate(_code(path).splitlines(), start=1):
        for pattern, reason in FORBIDDEN.items():
            assert not re.search(pattern, line), f"{path.name}, line {number} ({reason}): {line.strip()}"


@pytest.mark.parametrize("path", SQL, ids=lambda path: path.stem)
def test_sql_files_stay_readable(path: Path):
    lines = path.read_text().splitlines()

    assert len(lines) <= LONGEST_FILE
    assert max(map(len, lines)) <= LONGEST_LINE
    assert path.read_text().endswith("\n")
    assert not [line for line in lines if "\t" in line or line != line.rstrip()], "tabs or spaces at the end of a line"


def test_model_names_say_their_layer():
    prefixes = {"staging": ("stg_",), "intermediate": ("int_",), "outlook": ("",), "marts": ("fct_", "dim_")}
    scorecards = {path.stem for path in MARTS if not path.stem.startswith(("fct_", "dim_"))}
    for path in MODELS:
        layer = path.relative_to(PROJECT / "models").parts[0]
        assert path.stem.startswith(prefixes[layer]) or path.stem in scorecards, path.stem
        assert re.fullmatch(r"[a-z][a-z0-9_]*", path.stem)
