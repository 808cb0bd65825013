"""Olist, all 47,036 orders: see tests/e2e/olist_checks.py."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.olist_checks import *  # noqa: F403
from tests.e2e.olist_checks import Olist, refreshed
from tests.e2e.olist_defects import DEFECTS
from tests.e2e.runs import REPOSITORY

pytestmark = pytest.mark.prove


@pytest.fixture(scope="module")
def olist(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Olist:
    """The whole data set, published; the figures that a closing note quotes are printed."""
    one = refreshed(shared_data, tmp_path_factory.mktemp("olist") / "data", is_whole=True)
    parcels, orders = (
        one.published(f"select count(*), count(*) filter (is_due), count(*) filter (is_on_time) from marts.{table}")[0]
        for table in ("fct_shipments", "fct_orders")
    )
    print(f"\nOlist: {parcels=} {orders=} (rows, due, on time); {one.run.cpu_seconds:.1f} CPU s")
    return one


@pytest.mark.parametrize("name", [name for name, defect in DEFECTS.items() if not defect.is_read])
def test_olist_defect_that_is_not_read(olist: Olist, name: str) -> None:
    """It is in the files as listed; why it is not taken in stands beside it."""
    found = olist.in_files(DEFECTS[name].in_files)
    print(f"{name}: {found} rows, {DEFECTS[name].ends_in}")
    assert DEFECTS[name].listed in (found, -1)


def test_olist_is_what_the_readme_shows(olist: Olist) -> None:
    """The README's query gives the README's table: three worst lanes, with intervals."""
    readme = (REPOSITORY / "README.md").read_text()
    query = re.search(r"```sql\n(.*?carrier_scorecard_rollup.*?);\n```", readme, re.DOTALL)
    shown = re.findall(
        r"^\| (\w\w > \w\w) \| (\d+) \| (\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", readme, re.MULTILINE
    )
    assert query
    assert len(shown) == 3
    assert [tuple(map(str, row)) for row in olist.published(query[1])] == shown
