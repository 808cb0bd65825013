-- One row per lane and number of days that could be promised: how often it would have been kept, and which to promise.
--
-- Orders of the last 26 weeks whose parcel has had the days it needs: a parcel still open is not kept. Days are calendar
-- days from the order to the end of the delivery day at the destination.
{%- set as_of = as_of() %}

with orders as (
    select
        shipments.shop,
        shipments.lane,
        {{ days_between('orders.ordered_at', 'orders.promised_date') }} as promised_days,
        case when shipments.end_milestone = 'delivered' then {{ days_between('orders.ordered_at', 'shipments.delivered_local') }} end as days,
        {{ days_between('orders.ordered_at', as_of) }} as age_days
    from {{ ref('fct_shipments') }} as shipments
    inner join {{ ref('fct_orders') }} as orders
        on shipments.order_id = orders.order_id
    where shipments.is_first_delivery and not shipments.is_cancelled and orders.promised_date is not null
        and orders.ordered_at > {{ add_days(as_of, -182) }} and orders.ordered_at <= {{ as_of }}
),

numbers as (
    select {{ days_between("date '2000-01-01'", 'day') }} as promise_days
    from ({{ days_spine("date '2000-01-02'", "date '2000-01-31'") }})
),

todays as (
    select shop, lane, cast(round(avg(promised_days)) as integer) as todays_days
    from orders
    where age_days <= 28
    group by shop, lane
),

counted as (
    select
        orders.shop,
        orders.lane,
        cast(numbers.promise_days as integer) as promise_days,
        cast(count(*) as integer) as orders,
        cast(count(*) filter (where orders.days <= numbers.promise_days) as integer) as kept
    from orders
    inner join numbers
        on orders.age_days > numbers.promise_days
    group by orders.shop, orders.lane, numbers.promise_days
),

rated as (
    select
        counted.*,
        {{ rate('kept', 'orders') }} as kept_rate,
        {{ wilson('kept', 'orders', 'low') }} as kept_rate_low,
        {{ wilson('kept', 'orders', 'high') }} as kept_rate_high,
        todays.todays_days
    from counted
    left join todays
        on counted.shop = todays.shop and counted.lane = todays.lane
    where orders >= {{ setting('thresholds.suppress_under') }}
),

chosen as (
    select shop, lane, min(promise_days) as recommended_days
    from rated
    where kept_rate >= 0.95
    group by shop, lane
)

select
    rated.shop,
    rated.lane,
    rated.promise_days,
    rated.orders,
    rated.kept,
    rated.kept_rate,
    rated.kept_rate_low,
    rated.kept_rate_high,
    coalesce(rated.promise_days = rated.todays_days, false) as is_todays,
    coalesce(rated.promise_days = chosen.recommended_days, false) as is_recommended
from rated
left join chosen
    on rated.shop = chosen.shop and rated.lane = chosen.lane
