"""Where the real data and the yardstick are, and the worlds that several tests share. Imported by the conftests."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from tests.e2e.runs import REPOSITORY

SHARED = REPOSITORY.parent / "shared"


def skip_loudly(reason: str) -> NoReturn:
    """Skip, with a warning that shows in the summary whatever the verbosity."""
    warnings.warn(f"SKIPPED: {reason}", stacklevel=2)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the real data sets."""
    folder = Path(os.environ.get("WHEREHOUSE_SHARED_DATA") or SHARED / "data").resolve()
    if not (folder / "olist" / "orders.parquet").is_file():
        skip_loudly(f"no real data in {folder}: set WHEREHOUSE_SHARED_DATA")
    return folder


@pytest.fixture(scope="session")
def yardstick_scripts() -> Path:
    """The folder of the yardstick's generator and of its hand-written marts."""
    folder = (SHARED / "yardstick").resolve()
    if not (folder / "gen.py").is_file():
        skip_loudly(f"no yardstick in {folder}")
    return folder


@pytest.fixture(scope="session")
def yardstick(yardstick_scripts: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`yardstick("100k", "--pii")`: a generated folder, made once a session for the same arguments."""
    made: dict[tuple[str, ...], Path] = {}

    def generate(rows: str, *options: str) -> Path:
        key = (rows, *options)
        if key not in made:
            folder = tmp_path_factory.mktemp("yardstick") / "drops"
            script = str(yardstick_scripts / "gen.py")
            subprocess.run(
                [sys.executable, script, "--rows", rows, "--out", str(folder), *options], check=True, capture_output=True
            )
            made[key] = folder
        return made[key]

    return generate
