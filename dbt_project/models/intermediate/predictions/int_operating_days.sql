-- One row per carrier (`*`: any of them), destination country and day: whether parcels are delivered on it, and the days
-- that count so far.
--
-- Which weekdays a carrier works is read off its own deliveries of the last half year; with few of them: all but Sunday.
{{ config(materialized='table', tags=['predictions']) }}
{%- set as_of = as_of() %}

with delivered as (
    select
        coalesce(carrier, 'unknown') as carrier,
        {{ days_between("date '1970-01-05'", 'delivered_local') }} % 7 as weekday,
        count(*) as parcels
    from {{ ref('fct_shipments') }}
    where delivered_local > {{ add_days(as_of, -182) }} and delivered_at <= {{ as_of }}
    group by all
),

by_weekday as (
    select carrier, weekday, parcels from delivered
    union all
    select '*', weekday, sum(parcels) from delivered group by weekday
),

worked as (
    select carrier, weekday
    from by_weekday
    qualify sum(parcels) over (partition by carrier) >= 200 and parcels >= 0.02 * sum(parcels) over (partition by carrier)
),

carriers as (
    select distinct coalesce(carrier, 'unknown') as carrier from {{ ref('fct_shipments') }}
    union
    select '*'
),

countries as (
    select distinct coalesce(destination_country, 'unknown') as destination_country from {{ ref('fct_shipments') }}
    union
    select distinct coalesce(destination_country, 'unknown') from {{ ref('fct_orders') }}
),

days as (
    {{ days_spine(add_days('cast(' ~ as_of ~ ' as date)', -1200), add_days('cast(' ~ as_of ~ ' as date)', 150)) }}
),

judged as (
    select
        carriers.carrier,
        countries.destination_country,
        days.day,
        holidays.day is null and case
            when carriers.carrier in (select carrier from worked) then worked.weekday is not null
            else {{ days_between("date '1970-01-05'", 'days.day') }} % 7 < 6
        end as is_operating
    from carriers
    cross join countries
    cross join days
    left join worked
        on carriers.carrier = worked.carrier
        and {{ days_between("date '1970-01-05'", 'days.day') }} % 7 = worked.weekday
    left join {{ ref('dim_dates') }} as holidays
        on countries.destination_country = holidays.calendar and days.day = holidays.day and holidays.is_holiday
)

select
    carrier,
    destination_country,
    day,
    is_operating,
    cast(sum(case when is_operating then 1 else 0 end) over (
        partition by carrier, destination_country order by day
    ) as integer) as operating_no
from judged
