-- One row per destination region and week of the promise: the headline rate's counts, over all orders due.
-- depends_on: {{ ref('int_touched_weeks') }}
{{ config(unique_key='week', incremental_strategy='touched', touched_kind='promise_week', materialized='incremental') }}

with orders as (
    select *
    from {{ ref('fct_orders') }}
    where promise_week is not null and is_due
    {%- if is_incremental() %} and promise_week in ({{ touched('promise_week') }}){% endif %}
),

weeks as (
    select
        shop,
        coalesce(destination_country, 'unknown') as destination_country,
        coalesce(destination_region, 'unknown') as destination_region,
        promise_week as week,
        cast(count(*) as integer) as due,
        cast(count(*) filter (where is_on_time) as integer) as on_time,
        cast(count(*) filter (where is_on_time_any_parcel) as integer) as on_time_any_parcel,
        cast(count(*) filter (where is_on_time_in_full) as integer) as on_time_in_full,
        cast(count(*) filter (where parcels = 0) as integer) as never_shipped
    from orders
    group by all
)

select
    *,
    {{ rate('on_time', 'due') }} as order_on_time_rate,
    {{ wilson('on_time', 'due', 'low') }} as order_on_time_rate_low,
    {{ wilson('on_time', 'due', 'high') }} as order_on_time_rate_high
from weeks
