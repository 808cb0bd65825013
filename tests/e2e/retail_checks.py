"""What has to be true of Online Retail once published. Collected by tests/e2e (a sample) and tests/prove (all)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import duckdb

from tests.e2e import retail_oracle as oracle
from tests.e2e.runs import EXAMPLES, Run, refresh, rows

SETTINGS = EXAMPLES / "online_retail.toml"
FILE = "online_retail.parquet"


@dataclass(frozen=True)
class Retail:
    """The input folder, what was published of it, and how the refresh ended."""

    folder: Path
    data_dir: Path
    run: Run
    is_whole: bool

    @cached_property
    def book(self) -> oracle.Book:
        """All lines, with the matches by the oracle."""
        return oracle.match(oracle.read(self.folder))

    def published(self, query: str) -> list[tuple]:
        """Rows of the published file."""
        return rows(self.data_dir, query)

    def lines(self, kind: str) -> int:
        """How many lines of a kind the file has."""
        return len(self.book.lines.get(kind, ()))


def refreshed(shared_data: Path, data_dir: Path, *, is_whole: bool) -> Retail:
    """Run the example on real data."""
    run = refresh(SETTINGS, data_dir, environment={"WHEREHOUSE_SHARED_DATA": str(shared_data)}).expect()
    return Retail(shared_data / "online_retail", data_dir, run, is_whole)


def sample(shared_data: Path, target: Path) -> Path:
    """A sixth of the customers with all their lines in the file's order, and a twentieth of the lines without one."""
    (target / "online_retail").mkdir(parents=True)
    source, copy = (folder / "online_retail" / FILE for folder in (shared_data, target))
    with duckdb.connect() as connection:
        connection.execute(
            f"copy (select * exclude (file_row_number) from read_parquet('{source}', file_row_number = true) "
            "where CustomerID % 6 = 1 or (CustomerID is null and hash(InvoiceNo) % 20 = 0) order by file_row_number) "
            f"to '{copy}' (format parquet)"
        )
    return target


def _row(line_id: str | None) -> int | None:
    return None if line_id is None else int(line_id.rsplit("-", 1)[1])


def test_retail_matches_to_the_line(retail: Retail) -> None:
    """Each cancelled line takes the very sale line that the rule gives it, or none."""
    found = retail.published("select return_line_id, order_line_id from marts.fct_return_lines")
    assert len(found) == retail.lines("cancellation")
    assert {_row(ours): _row(sale) for ours, sale in found} == retail.book.matches


def test_retail_rate_by_item_and_month(retail: Retail) -> None:
    """Lines and units sold and returned, by order month and item; unmatched returns in a cohort of their own."""
    found = retail.published(
        "select cohort, sku, sold_lines, sold_units, returned_lines, returned_units, line_return_rate, "
        "unit_return_rate from marts.return_cohorts"
    )
    assert {row[:2]: row[2:6] for row in found} == oracle.cohorts(retail.book)
    for _, _, sold_lines, sold_units, returned_lines, returned_units, line_rate, unit_rate in found:
        assert line_rate == (returned_lines / sold_lines if sold_lines else None)
        assert unit_rate == (returned_units / sold_units if sold_units else None)


def test_retail_reasons_hold_the_same_lines(retail: Retail) -> None:
    """There is no reason text in the data: every line is `unknown`, none is left out."""
    found = retail.published(
        "select reason, sum(returned_lines), sum(returned_units) from marts.return_reasons group by all"
    )
    units = -sum(line.quantity for line in retail.book.lines["cancellation"])
    assert found == [("unknown", retail.lines("cancellation"), units)]


def test_retail_every_line_ends_somewhere(retail: Retail) -> None:
    """Sales and cancellations of products land; what is left out is not applicable, counted; nothing is rejected."""
    length = sum(map(len, retail.book.lines.values()))
    sales, returns = retail.lines("sale"), retail.lines("cancellation")
    orders = len(oracle.order_months(retail.book))
    notes = len({line.invoice for line in retail.book.lines["cancellation"]})
    landed = {"orders": orders, "order_lines": sales, "returns": notes, "return_lines": returns}
    loads = retail.published(
        "select entity, read, landed, quarantined, duplicate, not_applicable, outcome from ops.loads"
    )
    assert {row[0]: row[1:] for row in loads} == {
        entity: (length, count, 0, 0, length - count, "accepted") for entity, count in landed.items()
    }
    marts = {
        table: retail.published(f"select count(*) from marts.fct_{table}")[0][0]
        for table in ("orders", "order_lines", "returns", "return_lines")
    }
    assert marts == landed


def test_retail_repeated_lines_stay(retail: Retail) -> None:
    """A line that repeats an earlier one in every column is a line of its own."""
    found = retail.published("select order_line_id, order_id, sku, quantity, unit_price from marts.fct_order_lines")
    sales = {line.row: line.invoice for line in retail.book.lines["sale"]}
    assert {_row(row[0]): row[1] for row in found} == sales
    copies = len(found) - len({row[1:] for row in found})
    assert copies >= oracle.repeated_lines(retail.folder) * 0.9  # the rest are repeated cancellations and fees


def test_retail_only_products_are_skus(retail: Retail) -> None:
    """No postage, fee, discount, sample or voucher; codes in upper case, so that one item is one SKU."""
    skus = {row[0] for row in retail.published("select distinct sku from marts.return_cohorts")}
    assert not skus & oracle.NOT_PRODUCTS
    assert not any(sku.startswith("GIFT") or sku != sku.upper() for sku in skus)
    assert skus == {line.item for kind in ("sale", "cancellation") for line in retail.book.lines[kind]}


def test_retail_customers_are_tokens(retail: Retail) -> None:
    """As many tokens as customers; lines without a customer have none and are never matched."""
    customers = {line.customer for line in retail.book.lines["sale"]} - {None}
    counted = retail.published(
        "select count(distinct customer_token), count(*) filter (customer_token is null), "
        "count(*) filter (regexp_matches(customer_token, '^[0-9]{5}$')) from marts.fct_order_lines"
    )
    nobody = sum(line.customer is None for line in retail.book.lines["sale"])
    assert counted == [(len(customers), nobody, 0)]
    unmatched = retail.published(
        "select count(*) from marts.fct_return_lines where customer_token is null and cohort <> 'unmatched'"
    )
    assert unmatched == [(0,)]
