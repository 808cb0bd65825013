"""The house: rooms where they belong, no attic, nothing that writes to the screen but the command line."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TOP_LEVEL = {
    ".ci",
    ".env.example",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "DECISIONS.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "benchmarks",
    "dagster.yaml",
    "dashboards",
    "data",
    "dbt_project",
    "docs",
    "examples",
    "pipelines",
    "pyproject.toml",
    "simulator",
    "tests",
    "uv.lock",
    "wherehouse.toml",
}
ROOMS = {"activation", "domain", "landing", "orchestration", "predictions", "quality", "sources", "warehouse"}
ATTIC = {"utils", "util", "helpers", "helper", "common", "misc", "lib"}
LONGEST_MODULE = 400
MODULES = sorted((REPOSITORY / "pipelines").rglob("*.py"))


def test_the_top_level_is_as_stated():
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if listed.returncode != 0 or not listed.stdout:
        pytest.skip("not a git checkout")

    assert {line.split("/")[0] for line in listed.stdout.splitlines()} <= TOP_LEVEL


def test_every_module_has_a_room():
    for path in MODULES:
        parts = path.relative_to(REPOSITORY / "pipelines").with_suffix("").parts
        assert parts[0] in ROOMS | {"__init__", "cli", "definitions", "settings"}, path
        assert not ATTIC & set(parts), f"{path}: say what it is about"
        assert path.parent == REPOSITORY / "pipelines" or (path.parent / "__init__.py").exists(), f"{path}: no package"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: "/".join(path.parts[-2:]))
def test_modules_say_what_they_are_and_stay_small(path: Path):
    text = path.read_text()
    tree = ast.parse(text)

    assert ast.get_docstring(tree), "no docstring"
    assert len(text.splitlines()) <= LONGEST_MODULE
    calls = [node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    assert "print" not in calls
    assert not re.search(r"^\s*#\s*(def|class|import|from|return|if) .*[:)]$", text, re.MULTILINE), "commented-out code"


def test_only_the_command_line_writes_to_the_screen():
    for path in MODULES:
        if path.parent.name != "cli":
            assert not re.search(r"sys\.(stdout|stderr)", path.read_text()), path


def test_what_the_demo_reads_from_files_is_mapped_as_the_example_has_it():
    def table(name: str) -> dict[str, object]:
        return tomllib.loads((REPOSITORY / name).read_text().replace("data/demo_drops", "${SIMULATED_FILES}"))

    def columns(source: dict) -> dict[tuple[str, str, str], object]:
        return {
            (files["path"], entity, name): column
            for files in source["files"]
            for entity, own in files["entities"].items()
            for name, column in own["columns"].items()
        }

    demo, example = table("wherehouse.toml"), table("examples/simulated_files.toml")

    assert columns(demo["sources"]["exports"]).items() <= columns(example["sources"]["merchant"]).items()
    assert {key: demo[key] for key in ("shop", "time_zone", "as_of")} == {
        key: example[key] for key in ("shop", "time_zone", "as_of")
    }


def test_every_target_of_the_makefile_says_what_it_does():
    text = (REPOSITORY / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE)

    assert phony is not None
    described = set(re.findall(r"^([a-z]+):.*## ", text, re.MULTILINE))
    assert described == set(phony.group(1).split())
    assert described >= {"setup", "demo", "up", "refresh", "test", "check", "prove", "bench"}


def test_all_examples_are_valid_settings(monkeypatch: pytest.MonkeyPatch):
    from pipelines.orchestration.registry import sources_of
    from pipelines.settings import load

    files = [REPOSITORY / "wherehouse.toml", *sorted((REPOSITORY / "examples").glob("*.toml"))]
    assert len(files) > 3
    for file in files:
        for name in re.findall(r"\$\{([A-Z_]+)\}", file.read_text()):
            monkeypatch.setenv(name, "/nowhere")
        for source in sources_of(load(file)):
            source.status_codes()
            source.reason_codes()
