"""Olist, an eighth of it: see olist_checks.py. All 47,036 orders: tests/prove/test_olist.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.olist_checks import *  # noqa: F403
from tests.e2e.olist_checks import Olist, refreshed, sample


@pytest.fixture(scope="module")
def olist(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Olist:
    """The sample, published."""
    folder = tmp_path_factory.mktemp("olist")
    return refreshed(sample(shared_data, folder / "input"), folder / "data", is_whole=False)
