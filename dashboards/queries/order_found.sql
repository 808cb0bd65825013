-- One row per order that goes by this number: its own id, the number customers see (with or without #), a tracking number.
with numbers as (
    select unnest([$wanted, '#' || $wanted]) as number
),

named as (
    select order_id from marts.fct_orders where order_id = $wanted
    union
    select order_id from marts.fct_orders where order_number in (select number from numbers)
    union
    select order_id from marts.fct_shipments where tracking_number = $wanted and order_id is not null
)

select
    order_id, order_number, ordered_at, ready_at, cancelled_at, is_cancelled, promised_date, destination_region,
    destination_country, parcels, is_due, is_on_time
from marts.fct_orders
where order_id in (select order_id from named)
order by ordered_at desc, order_id
limit 20
