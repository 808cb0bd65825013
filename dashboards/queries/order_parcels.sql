-- One row per parcel of the order, its return parcels and reshipments included; or the one parcel of a number that no
-- order knows.
with parcels as (
    select * from marts.fct_shipments where order_id = $order_id and $order_id <> ''
    union all
    select * from marts.fct_shipments where tracking_number = $wanted and $order_id = ''
)

select
    shipment_id, order_id, carrier, service, tracking_number, lane, promised_date, committed_date, last_estimate_date,
    label_created_at, accepted_at, delivered_at, ended_at, end_milestone, last_milestone, last_scan_at, attempts, is_return,
    replaces_shipment_id, is_due, is_on_time, lateness_fault
from parcels
order by label_created_at, shipment_id
limit 50
