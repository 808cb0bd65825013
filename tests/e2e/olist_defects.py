"""The defects that the README of the Olist data lists, and where each of them ends once published.

`in_files` and `ends_in` are queries for one number: over the input files (tables named as they are) and over the
published file (`landed_products`: what landed of that entity). What is not read at all says why.
"""

from __future__ import annotations

from dataclasses import dataclass


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
_ORDER_OF_SCAN = (
    "from marts.fct_scans join marts.fct_shipments using (shipment_id) join marts.fct_orders using (order_id)"
)
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
        "select (select count(*) from marts.fct_orders) - "
        "(select count(*) from marts.fct_scans where status_code = 'handed_over')",
        1782,
    ),
    "never delivered: no such scan": Defect(
        "select count(*) from orders where order_delivered_customer_date is null",
        "select (select count(*) from marts.fct_orders) - "
        "(select count(*) from marts.fct_scans where milestone = 'delivered')",
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
        "select count(*) from marts.fct_shipments where cast(delivered_local as date) = promised_date "
        "and delivered_at < due_at and cast(delivered_local as time) > time '00:00:00'",
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
        "select count(*) from order_reviews join orders using (order_id) "
        "where review_answer_timestamp < order_purchase_timestamp",
        f"select count(*) {_REVIEWS} where tickets.created_at < ordered_at",
        58,  # 59 by the date on which the survey was sent
    ),
    "customers with several orders: one token": Defect(
        "select count(*) from (select customer_unique_id from customers join orders using (customer_id) group by all "
        "having count(*) > 1)",
        "select count(*) from (select customer_token from marts.fct_orders where customer_token is not null "
        "group by all having count(*) > 1)",
        1267,
    ),
    "orders without a customer row: no token, region unknown": Defect(
        "select count(*) from orders left join customers using (customer_id) where customers.customer_state is null",
        "select count(*) from marts.fct_orders where customer_token is null and destination_region is null",
        435,
    ),
    "several sellers: one parcel, there is one delivery date": Defect(
        "select count(*) from (select order_id from order_items group by all having count(distinct seller_id) > 1)",
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
        "or seller_city in ('4482255', 'novo hamburgo, rio grande do sul, brasil') "
        "or seller_city like 'rio de janeiro %rio de janeiro'",
        "not read: a seller's city; lanes start at its state",
        5,
    ),
    "payments: 0, not_defined": Defect(
        "select count(*) from order_payments "
        "where payment_value = 0 or payment_type = 'not_defined' or payment_installments = 0",
        "not read: there is no entity for payments; order_amount stays empty rather than a part of the sum",
        -1,
    ),
    "payments that are not items and freight": Defect(
        "select count(*) from (select order_id, sum(cast(payment_value as decimal(12, 2))) as paid "
        "from order_payments group by all) join (select order_id, sum(cast(price as decimal(12, 2)) "
        "+ cast(freight_value as decimal(12, 2))) as asked from order_items group by all) using (order_id) "
        "where abs(paid - asked) > 0.02",
        "not read: there is no entity for payments",
        160,  # the README's 166 counts six differences of exactly 0.02, as binary fractions have them
    ),
}
