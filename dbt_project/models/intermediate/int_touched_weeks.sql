-- One row per kind and week that this refresh counts again: weeks of touched parcels (week), those and the weeks of parcels
-- still open, whose age moves with the clock (open_week), and weeks of touched orders' promises (promise_week).
--
-- Kept, because a dozen models and their tests ask for them, and each would read all parcels. A full build needs none.
-- depends_on: {{ ref('int_touched') }}
-- depends_on: {{ ref('fct_shipments') }}
-- depends_on: {{ ref('fct_orders') }}
{{ config(materialized='table') }}

{% if is_full() or not execute %}
select cast(null as varchar) as kind, cast(null as date) as week where false
{% else %}
with touched as (
    select * from {{ ref('int_touched') }} where not is_settling
),

weeks as (
    select week_before as week from touched where kind = 'shipment'
    union
    select week from {{ ref('fct_shipments') }} where shipment_id in (select id from touched where kind = 'shipment')
)

select 'week' as kind, week from weeks where week is not null
union all
select 'open_week', week from (
    select week from weeks
    union
    select week from {{ ref('fct_shipments') }} where is_open
)
where week is not null
union all
select 'promise_week', week from (
    select week_before as week from touched where kind = 'order'
    union
    select promise_week from {{ ref('fct_orders') }} where order_id in (select id from touched where kind = 'order')
)
where week is not null
{% endif %}
