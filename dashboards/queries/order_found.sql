-- One row per order that goes by this number: its own id, or the number customers see (with or without #). Each part asks for
-- one value of one column, which the engine answers without reading the others.
with named as (
    select order_id, rowid as place from marts.fct_orders where order_id = $wanted
    union
    select order_id, rowid from marts.fct_orders where order_number = $wanted
    union
    select order_id, rowid from marts.fct_orders where order_number = '#' || $wanted
)

select
    order_id, order_number, ordered_at, ready_at, cancelled_at, is_cancelled, promised_date, destination_region,
    destination_country, parcels, is_due, is_on_time
from marts.fct_orders
where rowid in (select place from named)
order by ordered_at desc, order_id
limit 20
