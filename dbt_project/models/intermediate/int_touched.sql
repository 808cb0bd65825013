-- One row per parcel or order whose facts this refresh has to recompute, with the week it stood in before (and per changed
-- ticket and order, the day and cohort it stood in).
--
-- Touched: what new rows speak of, and of what is not settled whatever a moment passes for since the build before: a due
-- date, a silence long enough to be lost, one more day overdue. Of some only whether it is settled can change
-- (is_settling): no week has to be counted again for them. After a refresh that did not complete, what it had touched
-- stays touched. A full build touches nothing: it recomputes everything.
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
    cast(null as date) as week_before,
    cast(null as boolean) as is_settling
where false
{% else %}
with carried as (
    {% if carry_touched() %}
    select kind, id, week_before, is_settling from {{ this }}
    {% else %}
    select cast(null as varchar) as kind, cast(null as varchar) as id, cast(null as date) as week_before, false as is_settling
    where false
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

-- without news a parcel moves when a due date passes, on every day that it is overdue, when it has been silent for so long
-- that it may be lost, and when what lay after the clock comes to lie before it
moving as (
    select id, not moves as is_settling
    from (
        select
            shipment_id as id,
            coalesce(
                {{ passed('due_at') }} or {{ passed('commitment_due_at') }} or is_presumed_lost or future_scan_count > 0
                or end_milestone is null and (is_due or last_scan_at <= {{ as_of() }} - interval '{{ setting("thresholds.lost_after_days") }}' day)
                or coalesce(last_scan_at, label_created_at) is null, false) as moves,
            coalesce({{ passed("coalesce(last_scan_at, label_created_at) + interval '" ~ setting("thresholds.presumed_lost_days") ~ "' day") }}, false)
                as settles
        from {{ shipments_before }}
        where not is_settled
    )
    where moves or settles
),

spoken_of as (
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
    select shipment_id from {{ shipments_before }} where order_id in (select order_id from new_orders)
),

shipment_ids as (
    select id, bool_and(is_settling) as is_settling
    from (
        select id, false as is_settling from spoken_of
        union all
        select id, is_settling from moving
        union all
        select id, is_settling from carried where kind = 'shipment'
    )
    group by id
),

order_ids as (
    select id, bool_and(is_settling) as is_settling
    from (
        select order_id as id, false as is_settling from new_orders
        union all
        select order_id, false from {{ ref('int_arrived_promise_revisions') }}
        union all
        select parcels.order_id, shipment_ids.is_settling
        from parcels inner join shipment_ids on parcels.shipment_id = shipment_ids.id
        union all
        select before.order_id, shipment_ids.is_settling
        from {{ shipments_before }} as before inner join shipment_ids on before.shipment_id = shipment_ids.id
        union all
        select order_id, false from {{ orders_before }}
        where not is_settled and ({{ passed('due_at') }} or {{ passed('ordered_at') }})
        union all
        select order_id, false from {{ ref('int_arrived_notices') }}
        union all
        select order_id, false from new_tickets
        union all
        -- where a ticket stood before, the others are counted anew
        select order_id, false from {{ mart_relation('fct_tickets') }}
        where ticket_id in (select ticket_id from new_tickets)
        union all
        select orders.order_id, false from {{ ref('int_orders') }} as orders
        where orders.order_number in (select order_number from new_tickets)
        union all
        select parcels.order_id, false from parcels
        where parcels.tracking_number in (select tracking_number from new_tickets)
        union all
        select id, is_settling from carried where kind = 'order'
    )
    where id is not null
    group by id
)

select 'shipment' as kind, shipment_ids.id, before.week as week_before, shipment_ids.is_settling
from shipment_ids
left join {{ shipments_before }} as before
    on shipment_ids.id = before.shipment_id
union
select 'order', order_ids.id, before.promise_week, order_ids.is_settling
from order_ids
left join {{ orders_before }} as before
    on order_ids.id = before.order_id
union
select 'ticket', before.ticket_id, before.created_date, false
from {{ mart_relation('fct_tickets') }} as before
where before.ticket_id in (select ticket_id from new_tickets)
union
select 'cohort', {{ month_label('before.ordered_date') }}, null, false
from {{ orders_before }} as before
where before.order_id in (select order_id from new_orders)
    -- a line that moves leaves the month of the order it stood at
    or before.order_id in (
        select order_id from {{ mart_relation('fct_order_lines') }}
        where order_line_id in (select order_line_id from {{ ref('int_arrived_order_lines') }})
    )
union
select kind, id, week_before, is_settling from carried
{% endif %}
