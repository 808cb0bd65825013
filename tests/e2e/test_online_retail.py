"""Online Retail, a sample of its customers: see retail_checks.py. All 541,909 lines: tests/prove."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.retail_checks import *  # noqa: F403
from tests.e2e.retail_checks import Retail, refreshed, sample


@pytest.fixture(scope="module")
def retail(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Retail:
    """The sample, published."""
    folder = tmp_path_factory.mktemp("retail")
    return refreshed(sample(shared_data, folder / "input"), folder / "data", is_whole=False)
