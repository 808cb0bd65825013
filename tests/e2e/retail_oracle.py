"""Online Retail, computed again from the Parquet file: plain Python, nothing of the product in it.

The rule for returns, in words: cancellations in (InvoiceDate, InvoiceNo, file row) order; each takes the latest earlier
sale line of that customer and item whose remaining quantity is at least its own, and reduces it; never split; a tie
takes the later file row. Earlier means an earlier InvoiceDate: of two invoices of the same minute neither is earlier.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pyarrow.parquet as pq

NOT_PRODUCTS = frozenset({"POST", "DOT", "C2", "D", "M", "S", "B", "BANK CHARGES", "AMAZONFEE", "CRUK"})
COLUMNS = ["InvoiceNo", "StockCode", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file; `row` counts from 1, `item` is the code in upper case."""

    row: int
    invoice: str
    item: str
    quantity: int
    at: datetime
    price: float
    customer: int | None

    @property
    def kind(self) -> str:
        """What a line is: the first that applies of these, in this order."""
        if self.item in NOT_PRODUCTS or self.item.startswith("GIFT_"):
            return "not_product"
        if self.invoice.startswith("C"):
            return "cancellation"
        if not self.invoice[0].isdigit():
            return "adjustment"
        if self.quantity <= 0:
            return "write_off"
        return "sale" if self.price > 0 else "no_price"


@dataclass
class Book:
    """All lines by kind, and the sale that each cancellation takes (file rows; None: unmatched)."""

    lines: dict[str, list[Line]]
    matches: dict[int, int | None] = field(default_factory=dict)


def read(folder: Path) -> Book:
    """The file's lines, sorted out."""
    table = pq.read_table(folder / "online_retail.parquet", columns=COLUMNS).to_pydict()
    columns = zip(*(table[name] for name in COLUMNS), strict=True)
    lines: dict[str, list[Line]] = defaultdict(list)
    for row, (invoice, code, quantity, at, price, customer) in enumerate(columns, 1):
        line = Line(row, invoice, code.upper(), quantity, at, price, customer)
        lines[line.kind].append(line)
    return Book(dict(lines))


def match(book: Book, *, same_minute_counts: bool = False) -> Book:
    """Fill in the matches by the rule above; the variant counts a sale of the same minute as earlier."""
    sold: dict[tuple[int, str], list[Line]] = defaultdict(list)
    for line in sorted(book.lines["sale"], key=lambda one: (one.at, one.row)):
        if line.customer is not None:
            sold[line.customer, line.item].append(line)
    left = {line.row: line.quantity for line in book.lines["sale"]}
    found: dict[int, int | None] = {}
    for line in sorted(book.lines["cancellation"], key=lambda one: (one.at, one.invoice, one.row)):
        found[line.row] = None
        candidates = sold[line.customer, line.item] if line.customer is not None else []
        for sale in reversed(candidates):
            is_earlier = sale.at < line.at or (same_minute_counts and sale.at == line.at)
            if is_earlier and left[sale.row] >= -line.quantity:
                left[sale.row] += line.quantity
                found[line.row] = sale.row
                break
    return Book(book.lines, found)


def order_months(book: Book) -> dict[str, str]:
    """Order -> YYYY-MM of its first sale line."""
    first: dict[str, Line] = {}
    for line in book.lines["sale"]:
        if line.invoice not in first or line.row < first[line.invoice].row:
            first[line.invoice] = line
    return {invoice: f"{line.at:%Y-%m}" for invoice, line in first.items()}


def cohorts(book: Book) -> dict[tuple[str, str], tuple[int, int, int, int]]:
    """(cohort, item) -> (sold lines, sold units, returned lines, returned units)."""
    months = order_months(book)
    sales = {line.row: line for line in book.lines["sale"]}
    cells: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for line in sales.values():
        cell = cells[months[line.invoice], line.item]
        cell[0] += 1
        cell[1] += line.quantity
    for line in book.lines["cancellation"]:
        sale = book.matches[line.row]
        cohort = "unmatched" if sale is None else months[sales[sale].invoice]
        cell = cells[cohort, line.item]
        cell[2] += 1
        cell[3] -= line.quantity
    return {key: (cell[0], cell[1], cell[2], cell[3]) for key, cell in cells.items()}


def repeated_lines(folder: Path) -> int:
    """Lines that repeat an earlier one in all eight columns."""
    table = pq.read_table(folder / "online_retail.parquet").to_pydict()
    seen = Counter(zip(*table.values(), strict=True))
    return sum(count - 1 for count in seen.values())
