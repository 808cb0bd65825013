"""What has to be true of Olist once published. Collected by tests/e2e (a sample) and tests/prove (all of it)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

import duckdb
import pytest

from tests.e2e import olist_oracle as oracle
from tests.e2e.olist_defects import DEFECTS
from tests.e2e.runs import EXAMPLES, Run, refresh, rows

SETTINGS = EXAMPLES / "olist.toml"
SAMPLED = ("orders", "order_items", "order_reviews", "orphan_order_items", "orphan_order_reviews")
WHOLE = ("customers", "sellers", "products", "category_translation")


@dataclass(frozen=True)
class Olist:
    """The input folder, what was published of it, and how the refresh ended."""

    folder: Path
    data_dir: Path
    run: Run
    is_whole: bool

    @cached_property
    def orders(self) -> list[oracle.Order]:
        """Orders by the oracle."""
        return oracle.orders(self.folder)

    def published(self, query: str) -> list[tuple]:
        """Rows of the published file."""
        return rows(self.data_dir, query)

    def count(self, query: str) -> int:
        """The one number that a query over the published file gives; `landed_products`: what landed of that entity."""
        landed = self.data_dir / "landing" / "olist" / "products" / "*" / "*.parquet"
        return int(self.published(query.replace("landed_products", f"read_parquet('{landed}')"))[0][0])

    def in_files(self, query: str) -> int:
        """The one number that a query over the input files gives; tables are named as the files."""
        with duckdb.connect() as connection:
            for path in self.folder.glob("*.parquet"):
                connection.execute(f"create view {path.stem} as select * from read_parquet('{path}')")
            return int(connection.execute(query).fetchone()[0])


def refreshed(shared_data: Path, data_dir: Path, *, is_whole: bool) -> Olist:
    """Run the example on real data."""
    run = refresh(SETTINGS, data_dir, environment={"WHEREHOUSE_SHARED_DATA": str(shared_data)}).expect()
    return Olist(shared_data / "olist", data_dir, run, is_whole)


def sample(shared_data: Path, target: Path) -> Path:
    """An eighth of the orders, by the first digit of their id, with all that belongs to them."""
    (target / "olist").mkdir(parents=True)
    with duckdb.connect() as connection:
        for table in (*SAMPLED, *WHOLE):
            source, copy = (folder / "olist" / f"{table}.parquet" for folder in (shared_data, target))
            where = "where substr(order_id, 1, 1) in ('3', 'e')" if table in SAMPLED else ""
            connection.execute(f"copy (select * from read_parquet('{source}') {where}) to '{copy}' (format parquet)")
    return target


# --- the figures ------------------------------------------------------------------------------------------------------


def test_olist_parcel_by_parcel(olist: Olist) -> None:
    """Every parcel is due and on time exactly where the oracle says so; one parcel per order handed over."""
    expected = {one.order_id: (one.is_due, one.is_on_time) for one in olist.orders if one.has_parcel}
    found = olist.published("select order_id, is_due, coalesce(is_on_time, false) from marts.fct_shipments")
    assert len(found) == len(expected)
    assert {order_id: (due, on_time) for order_id, due, on_time in found} == expected


def test_olist_order_by_order(olist: Olist) -> None:
    """Every order likewise, those never shipped included; none is lost, cancelled ones are kept."""
    expected = {one.order_id: (one.is_due, one.is_on_time, one.is_cancelled, one.has_parcel) for one in olist.orders}
    found = olist.published(
        "select order_id, is_due, coalesce(is_on_time, false), is_cancelled, parcels from marts.fct_orders"
    )
    assert len(found) == len(expected)
    assert {row[0]: (row[1], row[2], row[3]) for row in found} == {key: value[:3] for key, value in expected.items()}
    # a cancelled order's parcel is counted once it was delivered
    delivered = {one.order_id for one in olist.orders if one.delivered}
    parcels = {key: int(value[3] and (not value[2] or key in delivered)) for key, value in expected.items()}
    assert {row[0]: row[4] for row in found} == parcels


MONTHS: dict[str, tuple[str, Callable[[oracle.Order], date]]] = {
    "purchase": ("orders.ordered_date", lambda one: one.purchased.date()),
    "promise": ("orders.promised_date", lambda one: one.promised),
}


@pytest.mark.parametrize("by", MONTHS)
def test_olist_parcel_rate_by_month_and_state(olist: Olist, by: str) -> None:
    """count(is_on_time) / count(is_due) over parcels."""
    column, month_of = MONTHS[by]
    found = olist.published(
        f"select strftime({column}, '%Y-%m'), coalesce(parcels.destination_region, 'unknown'), "
        "count(*) filter (parcels.is_due), count(*) filter (parcels.is_on_time) "
        "from marts.fct_shipments as parcels join marts.fct_orders as orders using (order_id) group by all"
    )
    expected = oracle.counts([one for one in olist.orders if one.has_parcel], month_of)
    assert {(month, state): (due, on_time) for month, state, due, on_time in found} == expected


@pytest.mark.parametrize("by", MONTHS)
def test_olist_order_rate_by_month_and_state(olist: Olist, by: str) -> None:
    """The headline rate: over all orders due."""
    column, month_of = MONTHS[by]
    found = olist.published(
        f"select strftime({column}, '%Y-%m'), coalesce(destination_region, 'unknown'), "
        "count(*) filter (is_due), count(*) filter (is_on_time) from marts.fct_orders as orders group by all"
    )
    assert {(month, state): (due, on_time) for month, state, due, on_time in found} == oracle.counts(
        olist.orders, month_of
    )


def test_olist_order_delivery(olist: Olist) -> None:
    """The published weekly counts."""
    found = olist.published("select week, destination_region, due, on_time, never_shipped from marts.order_delivery")
    assert {(row[0], row[1]): row[2:] for row in found} == oracle.weekly(olist.orders)


def test_olist_scorecard_counts_every_parcel_once(olist: Olist) -> None:
    """The scorecard's counts add up to the parcels."""
    parcels = [one for one in olist.orders if one.has_parcel]
    found = olist.published("select sum(entered), sum(due), sum(on_time), sum(delivered) from marts.carrier_scorecard")[
        0
    ]
    assert tuple(map(int, found)) == (
        len(parcels),
        sum(one.is_due for one in parcels),
        sum(one.is_on_time for one in parcels),
        sum(one.delivered is not None for one in parcels),
    )


@pytest.mark.parametrize(
    ("table", "counts"), [("fct_orders", "true"), ("fct_shipments", "is_first_delivery")], ids=["orders", "parcels"]
)
def test_olist_on_time_by_state_and_month(olist: Olist, table: str, counts: str) -> None:
    """Due and on time by state of the customer and month of the promise, orders and parcels, against the files."""
    expected: Counter[tuple[str, str, str]] = Counter()
    for order in olist.orders:
        if order.is_due and (table == "fct_orders" or order.has_parcel):
            key = (order.state, f"{order.promised:%Y-%m}")
            expected[(*key, "due")] += 1
            expected[(*key, "on_time")] += order.is_on_time
    found: Counter[tuple[str, str, str]] = Counter()
    for state, month, due, on_time in olist.published(
        f"select coalesce(destination_region, 'unknown'), strftime(promised_date, '%Y-%m'), count(*), count(*) filter (is_on_time) "
        f"from marts.{table} where is_due and {counts} group by all"
    ):
        found[state, month, "due"], found[state, month, "on_time"] = due, on_time
    assert len(found) > 100
    assert +found == +expected


def test_olist_lanes_start_at_the_first_sellers_state(olist: Olist) -> None:
    """Two chained lookups: first item, then its seller."""
    found = olist.published("select order_id, lane from marts.fct_shipments")
    expected = {
        one.order_id: f"{one.seller_state or 'unknown'} > {one.state}" for one in olist.orders if one.has_parcel
    }
    assert dict(found) == expected


# --- nothing lost: every record read ends in one of four places -------------------------------------------------------


def test_olist_counts_add_up(olist: Olist) -> None:
    """read = landed + quarantined + duplicate + not_applicable per file and entity, and read is the file's length."""
    loads = olist.published(
        "select parse_filename(file), entity, label, read, landed, quarantined, duplicate, not_applicable, outcome "
        "from ops.loads"
    )
    assert all(row[3] == sum(row[4:8]) and row[8] == "accepted" for row in loads), loads
    lengths = {f"{table}.parquet": olist.in_files(f"select count(*) from {table}") for table in (*SAMPLED, "products")}
    assert all(row[3] == lengths[row[0]] for row in loads), loads
    parcels = sum(one.has_parcel for one in olist.orders)
    handed_over = sum(one.handed_over is not None for one in olist.orders)
    delivered = sum(one.delivered is not None for one in olist.orders)
    assert {row[:3]: row[4] for row in loads} == {
        ("orders.parquet", "orders", ""): len(olist.orders),
        ("orders.parquet", "shipments", ""): parcels,
        ("orders.parquet", "scans", "handed_over"): handed_over,
        ("orders.parquet", "scans", "delivered"): delivered,
        ("order_items.parquet", "order_lines", ""): lengths["order_items.parquet"],
        ("orphan_order_items.parquet", "order_lines", ""): lengths["orphan_order_items.parquet"],
        ("order_reviews.parquet", "tickets", ""): lengths["order_reviews.parquet"],
        ("orphan_order_reviews.parquet", "tickets", ""): lengths["orphan_order_reviews.parquet"],
        ("products.parquet", "products", ""): lengths["products.parquet"],
    }
    marts = {name: olist.count(f"select count(*) from marts.{name}") for name in ("fct_order_lines", "fct_tickets")}
    assert marts["fct_order_lines"] == lengths["order_items.parquet"] + lengths["orphan_order_items.parquet"]
    assert marts["fct_tickets"] == lengths["order_reviews.parquet"] + lengths["orphan_order_reviews.parquet"]
    assert olist.count("select count(*) from marts.fct_scans") == handed_over + delivered


@pytest.mark.parametrize("name", [name for name, defect in DEFECTS.items() if defect.is_read])
def test_olist_defect_ends_in_its_place(olist: Olist, name: str) -> None:
    """As many rows there as the files have."""
    defect = DEFECTS[name]
    expected = olist.in_files(defect.in_files)
    assert olist.count(defect.ends_in) == expected
    if olist.is_whole:
        assert expected == defect.listed


def test_olist_delivered_without_a_date_is_late(olist: Olist) -> None:
    """Status delivered, no date: due, not on time; with a parcel where it was handed over, silent and presumed lost."""
    odd = {one.order_id: one for one in olist.orders if one.status == "delivered" and one.delivered is None}
    found = olist.published(
        "select order_id, orders.is_due, orders.is_on_time, parcels.is_presumed_lost from marts.fct_orders as orders "
        "left join marts.fct_shipments as parcels using (order_id)"
    )
    for order_id, is_due, is_on_time, is_lost in found:
        if order_id in odd:
            assert (is_due, is_on_time) == (True, False)
            assert is_lost is (True if odd[order_id].has_parcel else None)
    assert len(odd) == 8 or not olist.is_whole


def test_olist_quiet_months_are_not_filled(olist: Olist) -> None:
    """Almost nothing was ordered in 2016-11, 2016-12, 2018-09 and 2018-10: the months hold what the files hold."""
    found = olist.published("select strftime(ordered_date, '%Y-%m'), count(*) from marts.fct_orders group by all")
    assert dict(found) == Counter(oracle.month(one.purchased) for one in olist.orders)


def test_olist_times_are_brazilian(olist: Olist) -> None:
    """Stored in UTC, an hour later or not by Brazilian summer time; shown as the files have them."""
    expected = {one.order_id: one.delivered for one in olist.orders if one.delivered}
    found = olist.published(
        "select order_id, delivered_at, delivered_local from marts.fct_shipments where delivered_at is not null"
    )
    assert {row[0]: row[2] for row in found} == expected
    offsets = {row[1] - row[2] for row in found}
    assert offsets == {timedelta(hours=2), timedelta(hours=3)}


def test_olist_text_stays_out(olist: Olist) -> None:
    """Review texts are classified and then left out of everything that is published."""
    columns = olist.published("select table_name, column_name from duckdb_columns() where schema_name = 'marts'")
    assert not {"subject", "body", "note"} & {column for _, column in columns}
    assert olist.count("select count(*) from marts.fct_tickets where topic is null") == 0
