-- One row per kind, lane, service and operating days from hand-over (or order) to delivery: how many took so long lately.
--
-- What is predicted where no model is trained, or little is known of a lane: the deliveries of the last 120 days.
{{ config(materialized='table', tags=['predictions']) }}
{%- set as_of = as_of() %}

with delivered as (
    select
        lane,
        coalesce(service, 'unknown') as service,
        coalesce(carrier, 'unknown') as carrier,
        coalesce(destination_country, 'unknown') as destination_country,
        order_id,
        accepted_at,
        cast(delivered_local as date) as delivered_date
    from {{ ref('fct_shipments') }}
    where is_first_delivery and delivered_at <= {{ as_of }} and delivered_at > {{ add_days(as_of, -120) }}
),

lives as (
    select 'transit' as kind, lane, service, carrier, destination_country, cast(accepted_at as date) as began, delivered_date
    from delivered
    where accepted_at is not null
    union all
    select 'order', delivered.lane, 'unknown', '*', delivered.destination_country, cast(orders.ordered_at as date), delivered_date
    from delivered
    inner join {{ ref('int_orders') }} as orders
        on delivered.order_id = orders.order_id
)

select
    lives.kind,
    lives.lane,
    lives.service,
    greatest(ended.operating_no - started.operating_no, 0) as days,
    count(*) as parcels
from lives
inner join {{ ref('int_operating_days') }} as started
    on lives.carrier = started.carrier and lives.destination_country = started.destination_country and lives.began = started.day
inner join {{ ref('int_operating_days') }} as ended
    on lives.carrier = ended.carrier and lives.destination_country = ended.destination_country
    and lives.delivered_date = ended.day
group by all
