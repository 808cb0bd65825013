"""Online Retail, all 541,909 lines: see tests/e2e/retail_checks.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e import retail_oracle as oracle
from tests.e2e.retail_checks import *  # noqa: F403
from tests.e2e.retail_checks import Retail, refreshed

pytestmark = pytest.mark.prove


@pytest.fixture(scope="module")
def retail(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Retail:
    """The whole file, published; the figures that a closing note quotes are printed."""
    one = refreshed(shared_data, tmp_path_factory.mktemp("retail") / "data", is_whole=True)
    kinds = {kind: len(lines) for kind, lines in sorted(one.book.lines.items())}
    matched = sum(sale is not None for sale in one.book.matches.values())
    rest = kinds["cancellation"] - matched
    print(f"\nOnline Retail: {kinds}; {matched} matched, {rest} not; {one.run.cpu_seconds:.1f} CPU s")
    return one


def test_retail_lines_by_kind(retail: Retail) -> None:
    """Each line of the file has one place. The numbers are the README's of the data, seen from here."""
    kinds = {kind: len(lines) for kind, lines in retail.book.lines.items()}
    assert kinds == {"sale": 527761, "cancellation": 8704, "not_product": 2946, "write_off": 1336, "no_price": 1162}
    assert oracle.repeated_lines(retail.folder) == 5268


def test_retail_same_minute_is_not_earlier(retail: Retail) -> None:
    """How much hangs on the word: a sale of the very minute would change 12 lines, and match 2 more."""
    other = oracle.match(retail.book, same_minute_counts=True).matches
    changed = sum(other[row] != sale for row, sale in retail.book.matches.items())
    matched = [sum(sale is not None for sale in one.values()) for one in (retail.book.matches, other)]
    print(f"counting the same minute as earlier changes {changed} lines; matched {matched[0]} -> {matched[1]}")
    assert (changed, matched) == (12, [7385, 7387])


def test_retail_giant_orders_come_back(retail: Retail) -> None:
    """74,215 and 80,995 pieces, cancelled minutes after they were ordered: matched to those orders."""
    found = retail.published(
        "select quantity, order_id from marts.fct_return_lines where quantity > 70000 order by quantity"
    )
    assert found == [(74215, "541431"), (80995, "581483")]


def test_retail_countries(retail: Retail) -> None:
    """EIRE is Ireland; 'Unspecified' and 'European Community' are no countries."""
    found = {row[0] for row in retail.published("select distinct destination_country from marts.fct_orders")}
    assert {"Ireland", "United Kingdom", None} <= found
    assert not {"EIRE", "Unspecified", "European Community"} & found
