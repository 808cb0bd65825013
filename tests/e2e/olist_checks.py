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
    found = olist.published("select order_id, is_due, coalesce(is_on_time, false), is_cancelled, parcels from marts.fct_orders")
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
    assert {(month, state): (due, on_time) for month, state, due, on_time in found} == oracle.counts(olist.orders, month_of)


def test_olist_order_delivery(olist: Olist) -> None:
    """The published weekly counts."""
    found = olist.published("select week, destination_region, due, on_time, never_shipped from marts.order_delivery")
    assert {(row[0], row[1]): row[2:] for row in found} == oracle.weekly(olist.orders)


def test_olist_scorecard_counts_every_parcel_once(olist: Olist) -> None:
    """The scorecard's counts add up to the parcels."""
    parcels = [one for one in olist.orders if one.has_parcel]
    found = olist.published("select sum(entered), sum(due), sum(on_time), sum(delivered) from marts.carrier_scorecard")[0]
    assert tuple(map(int, found)) == (
        len(parcels),
        sum(one.is_due for one in parcels),
        sum(one.is_on_time for one in parcels),
        sum(one.delivered is not None for one in parcels),
    )


def test_olist_lanes_start_at_the_first_sellers_state(olist: Olist) -> None:
    """Two chained lookups: first item, then its seller."""
    found = olist.published("select order_id, lane from marts.fct_shipments")
    expected = {one.order_id: f"{one.seller_state or 'unknown'} > {one.state}" for one in olist.orders if one.has_parcel}
    assert dict(found) == expected


# --- nothing lost: every record read ends in one of four places -------------------------------------------------------


def test_olist_counts_add_up(olist: Olist) -> None:
    """read = landed + quarantined + duplicate + not_applicable per file and entity, and read is the file's length."""
    loads = olist.published(
        "select parse_filename(file), entity, label, read, landed, quarantined, duplicate, not_applicable, outcome from ops.loads"
    )
    assert all(row[3] == sum(row[4:8]) and row[8] == "accepted" for row in loads), loads
    lengths = {
        f"{table}.parquet": olist.in_files(f"select count(*) from {table}")
        for table in (*SAMPLED, "products")
    }
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


# --- the defects that the data's README lists ------------------------------------------------------------------------


@dataclass(frozen=True)
class Defect:
    """A defect of the files: its count there, where its rows end in the published file (a count), or why nowhere."""

    in_files: str
    ends_in: str
    listed: int  # the README's number

    @property
    def is_read(self) -> bool:
        """Whether the columns concerned are taken in at all."""
        return not self.ends_in.startswith("not read")


_SCANS = (
    "from marts.fct_scans as over join marts.fct_scans as there on over.shipment_id = there.shipment_id "
    "and over.status_code = 'handed_over' and there.status_code = 'delivered_to_customer'"
)
_ORDER_OF_SCAN = "from marts.fct_scans join marts.fct_shipments using (shipment_id) join marts.fct_orders using (order_id)"
_REVIEWS = "from marts.fct_tickets as tickets join marts.fct_orders as orders using (order_id)"

_UNTRANSLATED = "('pc_gamer', 'portateis_cozinha_e_preparadores_de_alimentos')"

DEFECTS = {
    "hand-over before approval: kept as said": Defect(
        "select count(*) from orders where order_delivered_carrier_date < order_approved_at",
        f"select count(*) {_ORDER_OF_SCAN} where status_code = 'handed_over' and occurred_at < ready_at",
        562,
    ),
    "hand-over before purchase: kept as said": Defect(
        "select count(*) from orders where order_delivered_carrier_date < order_purchase_timestamp",
        f"select count(*) {_ORDER_OF_SCAN} where status_code = 'handed_over' and occurred_at < ordered_at",
        78,
    ),
    "delivered before hand-over: accepted when delivered, no transit time": Defect(
        "select count(*) from orders where order_delivered_customer_date < order_delivered_carrier_date",
        f"select count(*) {_SCANS} join marts.fct_shipments as parcels on parcels.shipment_id = over.shipment_id "
        "where there.occurred_at < over.occurred_at and accepted_at = delivered_at and transit_hours = 0",
        12,
    ),
    "never approved: no ready_at": Defect(
        "select count(*) from orders where order_approved_at is null",
        "select count(*) from marts.fct_orders where ready_at is null",
        155,
    ),
    "never handed over: no such scan": Defect(
        "select count(*) from orders where order_delivered_carrier_date is null",
        "select (select count(*) from marts.fct_orders) - (select count(*) from marts.fct_scans where status_code = 'handed_over')",
        1782,
    ),
    "never delivered: no such scan": Defect(
        "select count(*) from orders where order_delivered_customer_date is null",
        "select (select count(*) from marts.fct_orders) - (select count(*) from marts.fct_scans where milestone = 'delivered')",
        2965,
    ),
    "canceled, yet delivered: delivered, not due": Defect(
        "select count(*) from orders where order_status = 'canceled' and order_delivered_customer_date is not null",
        "select count(*) from marts.fct_orders join marts.fct_shipments as parcels using (order_id) "
        "where fct_orders.is_cancelled and delivered_at is not null and not fct_orders.is_due and not parcels.is_due",
        6,
    ),
    "a promise is a date: late after its day": Defect(
        "select count(*) from orders where cast(order_delivered_customer_date as date) > order_estimated_delivery_date",
        "select count(*) from marts.fct_shipments where delivered_at >= due_at",
        2945,
    ),
    "late by the clock, on time by the day: on time": Defect(
        "select count(*) from orders where order_delivered_customer_date > order_estimated_delivery_date "
        "and cast(order_delivered_customer_date as date) = order_estimated_delivery_date",
        "select count(*) from marts.fct_shipments where cast(delivered_local as date) = promised_date and delivered_at < due_at "
        "and cast(delivered_local as time) > time '00:00:00'",
        562,
    ),
    "more than 60 days under way: kept": Defect(
        "select count(*) from orders where order_delivered_customer_date - order_purchase_timestamp > interval 60 day",
        "select count(*) from marts.fct_shipments join marts.fct_orders using (order_id) "
        "where delivered_at - ordered_at > interval 60 day",
        127,
    ),
    "approved more than 7 days later: kept": Defect(
        "select count(*) from orders where order_approved_at - order_purchase_timestamp > interval 7 day",
        "select count(*) from marts.fct_orders where ready_at - ordered_at > interval 7 day",
        41,
    ),
    "shipping limit far off": Defect(
        "select count(*) from order_items join orders using (order_id) "
        "where shipping_limit_date - order_purchase_timestamp > interval 180 day",
        "not read: no entity holds a seller's shipping limit",
        2,
    ),
    "review_id on several orders: the ticket is (review, order)": Defect(
        "select count(*) from (select review_id from order_reviews group by all having count(distinct order_id) > 1)",
        f"select count(*) from (select split_part(ticket_id, '-', 1) {_REVIEWS} group by all having count(*) > 1)",
        90,
    ),
    "orders with several reviews: several tickets": Defect(
        "select count(*) from (select order_id from order_reviews group by all having count(*) > 1)",
        f"select count(*) from (select order_id {_REVIEWS} group by all having count(*) > 1)",
        169,
    ),
    "answered before delivery: a ticket before delivered_at": Defect(
        "select count(*) from order_reviews join orders using (order_id) "
        "where review_answer_timestamp < order_delivered_customer_date",
        "select count(*) from marts.fct_tickets as tickets join marts.fct_shipments using (order_id) "
        "where tickets.created_at < delivered_at",
        1264,  # 2,216 surveys were *sent* before: review_creation_date is not read
    ),
    "answered before purchase: a ticket before ordered_at": Defect(
        "select count(*) from order_reviews join orders using (order_id) where review_answer_timestamp < order_purchase_timestamp",
        f"select count(*) {_REVIEWS} where tickets.created_at < ordered_at",
        58,  # 59 by the date on which the survey was sent
    ),
    "customers with several orders: one token": Defect(
        "select count(*) from (select customer_unique_id from customers join orders using (customer_id) group by all "
        "having count(*) > 1)",
        "select count(*) from (select customer_token from marts.fct_orders where customer_token is not null group by all "
        "having count(*) > 1)",
        1267,
    ),
    "orders without a customer row: no token, region unknown": Defect(
        "select count(*) from orders left join customers using (customer_id) where customers.customer_state is null",
        "select count(*) from marts.fct_orders where customer_token is null and destination_region is null",
        435,
    ),
    "several sellers: one parcel, there is one delivery date": Defect(
        "select count(distinct order_id) from (select order_id from order_items group by all having count(distinct seller_id) > 1)",
        "not read: the seller of an order line; parcels are counted in test_olist_parcel_by_parcel",
        517,
    ),
    "freight 0": Defect(
        "select count(*) from order_items where freight_value = 0",
        "not read: what the customer paid for freight is stated per line, orders would need its sum",
        137,
    ),
    "items of unknown orders: order lines that no order has": Defect(
        "select count(*) from orphan_order_items",
        "select count(*) from marts.fct_order_lines anti join marts.fct_orders using (order_id)",
        5284,
    ),
    "reviews of unknown orders: tickets that no order has": Defect(
        "select count(*) from orphan_order_reviews",
        "select count(*) from marts.fct_tickets anti join marts.fct_orders using (order_id)",
        3231,
    ),
    "category null: a product without one": Defect(
        "select count(*) from products where product_category_name is null",
        "select count(*) from landed_products where category is null",
        610,
    ),
    "weight null or 0: weight unknown": Defect(
        "select count(*) from products where coalesce(product_weight_g, 0) = 0",
        "select count(*) from landed_products where weight_grams is null",
        2 + 4,
    ),
    "categories without a translation: kept in Portuguese": Defect(
        f"select count(distinct product_category_name) from products where product_category_name in {_UNTRANSLATED}",
        f"select count(distinct category) from landed_products where category in {_UNTRANSLATED}",
        2,
    ),
    "zip prefixes that have no centroid": Defect(
        "select count(*) from (select distinct customer_zip_code_prefix as zip from customers "
        "anti join zip_centroids on customer_zip_code_prefix = geolocation_zip_code_prefix)",
        "not read: centroids; places are states and postcode prefixes",
        91,
    ),
    "dirty names of sellers' cities": Defect(
        "select count(distinct seller_city) from sellers where seller_city like '%sao paulo / sao paulo%' "
        "or seller_city in ('4482255', 'novo hamburgo, rio grande do sul, brasil') or seller_city like 'rio de janeiro %rio de janeiro'",
        "not read: a seller's city; lanes start at its state",
        5,
    ),
    "payments: 0, not_defined": Defect(
        "select count(*) from order_payments where payment_value = 0 or payment_type = 'not_defined' or payment_installments = 0",
        "not read: there is no entity for payments; order_amount stays empty rather than a part of the sum",
        -1,
    ),
    "payments that are not items and freight": Defect(
        "select count(*) from (select order_id, sum(cast(payment_value as decimal(12, 2))) as paid from order_payments group by all) "
        "join (select order_id, sum(cast(price as decimal(12, 2)) + cast(freight_value as decimal(12, 2))) as asked "
        "from order_items group by all) using (order_id) where abs(paid - asked) > 0.02",
        "not read: there is no entity for payments",
        160,  # the README's 166 counts six differences of exactly 0.02, as binary fractions have them
    ),
}


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
    found = olist.published("select order_id, delivered_at, delivered_local from marts.fct_shipments where delivered_at is not null")
    assert {row[0]: row[2] for row in found} == expected
    offsets = {row[1] - row[2] for row in found}
    assert offsets == {timedelta(hours=2), timedelta(hours=3)}


def test_olist_text_stays_out(olist: Olist) -> None:
    """Review texts are classified and then left out of everything that is published."""
    columns = olist.published("select table_name, column_name from duckdb_columns() where schema_name = 'marts'")
    assert not {"subject", "body", "note"} & {column for _, column in columns}
    assert olist.count("select count(*) from marts.fct_tickets where topic is null") == 0
