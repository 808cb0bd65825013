-- One row per parcel or order whose facts this refresh has to recompute, with the week it stood in before (and per changed
-- ticket and order, the day and cohort it stood in).
--
-- Touched: what new rows speak of, and everything that is not settled, because the clock moves it. After a refresh that
-- did not complete, what it had touched stays touched. A full build touches nothing: it recomputes everything.
-- depends_on: {{ ref('int_arrived_orders') }}
-- depends_on: {{ ref('int_arrived_order_lines') }}
-- depends_on: {{ ref('int_arrived_scans') }}
-- depends_on: {{ ref('int_arrived_shipments') }}
-- depends_on: {{ ref('int_arrived_notices') }}
-- depends_on: {{ ref('int_arrived_tickets') }}
-- depends_on: {{ ref('int_arrived_carrier_charges') }}
-- depends_on: {{ ref('int_arrived_promise_revisions') }}
-- depends_on: {{ ref('int_parcels') }}
-- depends_on: {{ ref('int_orders') }}
{{ config(materialized='table', tags=['clock']) }}
{%- set shipments_before = mart_relation('fct_shipments') %}
{%- set orders_before = mart_relation('fct_orders') %}

{% if is_full() or not execute %}
select
    cast(null as varchar) as kind,
    cast(null as varchar) as id,
    cast(null as date) as week_before
where false
{% else %}
with carried as (
    {% if carry_touched() %}
    select kind, id, week_before from {{ this }}
    {% else %}
    select cast(null as varchar) as kind, cast(null as varchar) as id, cast(null as date) as week_before where false
    {% endif %}
),

new_orders as (
    select distinct order_id from {{ ref('int_arrived_orders') }}
),

new_tickets as (
    select ticket_id, order_id, order_number, tracking_number from {{ ref('int_arrived_tickets') }}
),

new_numbers as (
    select tracking_number from {{ ref('int_arrived_scans') }}
    union
    select tracking_number from {{ ref('int_arrived_shipments') }}
    union
    select tracking_number from {{ ref('int_arrived_carrier_charges') }}
    union
    -- a number that a correction has taken from its parcel
    select tracking_number from {{ ref('int_parcels') }}
    where is_left and _seq in (select _seq from {{ ref('int_arrived_shipments') }})
),

parcels as (
    select shipment_id, tracking_number, order_id from {{ ref('int_parcels') }} where is_current
),

shipment_ids as (
    select tracking_number as id from new_numbers
    union
    select parcels.shipment_id from parcels inner join new_numbers on parcels.tracking_number = new_numbers.tracking_number
    union
    select parcels.shipment_id from parcels inner join new_orders on parcels.order_id = new_orders.order_id
    union
    select shipment_id from {{ shipments_before }} where tracking_number in (select tracking_number from new_numbers)
    union
    -- a corrected event leaves the parcel it stood at before
    select shipment_id from {{ mart_relation('fct_scans') }}
    where scan_id in (select scan_id from {{ ref('int_arrived_scans') }})
    union
    select shipment_id from {{ shipments_before }} where not is_settled
    union
    select shipment_id from {{ shipments_before }} where order_id in (select order_id from new_orders)
    union
    select id from carried where kind = 'shipment'
),

order_ids as (
    select order_id as id from new_orders
    union
    select order_id from {{ ref('int_arrived_promise_revisions') }}
    union
    select parcels.order_id from parcels inner join shipment_ids on parcels.shipment_id = shipment_ids.id
    union
    select order_id from {{ shipments_before }} where shipment_id in (select id from shipment_ids)
    union
    select order_id from {{ orders_before }} where not is_settled
    union
    select order_id from {{ ref('int_arrived_notices') }}
    union
    select order_id from new_tickets
    union
    -- where a ticket stood before, the others are counted anew
    select order_id from {{ mart_relation('fct_tickets') }} where ticket_id in (select ticket_id from new_tickets)
    union
    select orders.order_id from {{ ref('int_orders') }} as orders
    where orders.order_number in (select order_number from new_tickets)
    union
    select parcels.order_id from parcels where parcels.tracking_number in (select tracking_number from new_tickets)
    union
    select id from carried where kind = 'order'
)

select 'shipment' as kind, shipment_ids.id, before.week as week_before
from shipment_ids
left join {{ shipments_before }} as before
    on shipment_ids.id = before.shipment_id
union
select 'order', order_ids.id, before.promise_week
from order_ids
left join {{ orders_before }} as before
    on order_ids.id = before.order_id
where order_ids.id is not null
union
select 'ticket', before.ticket_id, before.created_date
from {{ mart_relation('fct_tickets') }} as before
where before.ticket_id in (select ticket_id from new_tickets)
union
select 'cohort', {{ month_label('before.ordered_date') }}, null
from {{ orders_before }} as before
where before.order_id in (select order_id from new_orders)
    -- a line that moves leaves the month of the order it stood at
    or before.order_id in (
        select order_id from {{ mart_relation('fct_order_lines') }}
        where order_line_id in (select order_line_id from {{ ref('int_arrived_order_lines') }})
    )
union
select kind, id, week_before from carried
{% endif %}
