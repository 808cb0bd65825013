"""Importing any module needs no secret, no file, no network, and opens no database."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

# Runs in a new interpreter: libraries first, so that only what our own modules do is watched.
SCRIPT = """
import importlib, os, sys
for name in ("dagster", "duckdb", "httpx", "polars", "pyarrow", "pydantic", "sqlalchemy"):
    importlib.import_module(name)
repository, modules = sys.argv[1], sys.argv[2:]
touched = []
telling = {"socket.connect", "socket.getaddrinfo", "sqlite3.connect", "subprocess.Popen", "os.mkdir", "os.remove"}
def watch(event, arguments):
    if event in telling:
        touched.append(f"{event} {arguments}")
    elif event == "open" and isinstance(arguments[0], str):
        path, mode = os.path.abspath(arguments[0]), arguments[1] or ""
        if path.startswith(repository + os.sep) and ".venv" not in path and not path.endswith((".py", ".pyc")):
            touched.append(f"open {path}")
        elif "w" in mode and "__pycache__" not in path:
            touched.append(f"write {path}")
def refuse(*arguments, **more):
    raise AssertionError("a database was opened")
sys.modules["duckdb"].connect = refuse
sys.addaudithook(watch)
for module in modules:
    importlib.import_module(module)
    if touched:
        sys.exit(f"{module}: {touched[0]}")
"""


def _modules(package: str) -> list[str]:
    paths = sorted((REPOSITORY / package).rglob("*.py"))
    names = [".".join(path.relative_to(REPOSITORY).with_suffix("").parts) for path in paths]
    return [name.removesuffix(".__init__") for name in names]


@pytest.mark.parametrize("package", ["pipelines", "simulator"])
def test_importing_is_free_of_side_effects(package: str, tmp_path: Path):
    modules = [name for name in _modules(package) if not name.endswith("__main__")]
    assert len(modules) > 20
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}

    done = subprocess.run(
        [sys.executable, "-B", "-c", SCRIPT, str(REPOSITORY), *modules],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr


def test_the_watch_sees_what_it_should(tmp_path: Path):
    (tmp_path / "greedy.py").write_text(f"open({str(REPOSITORY / 'pyproject.toml')!r}).close()\n")

    done = subprocess.run(
        [sys.executable, "-B", "-c", SCRIPT, str(REPOSITORY), "greedy"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode != 0 and "pyproject.toml" in done.stderr
