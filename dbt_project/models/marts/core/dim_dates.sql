-- One row per calendar and day. A calendar is a country's, or a region's where regions have holidays of their own.
--
-- The numbers count a carrier's operating days up to and with this day, for the three kinds of carriers' weeks: the
-- difference of two numbers is the operating days between, and the first day that reaches a number is that operating day.
{{ config(materialized='table') }}
{%- set weeks = {'mon_fri': 5, 'mon_sat': 6, 'mon_sun': 7} %}

with closures as (
    select
        *,
        ' ' || regions || ' ' as listed
    from {{ ref('public_holidays') }}
),

calendars as (
    select '*' as calendar, '*' as country, '*' as region
    union all
    select distinct country, country, '*' from closures
    union all
    select country || '-' || region, country, region
    from {{ ref('regions') }} as places
    where region <> '*' and exists (
        select 1 from closures
        where closures.country = places.country and closures.carriers_rest and closures.listed like '% ' || places.region || ' %'
    )
),

days as (
    {{ days_spine("date '2016-01-01'", "date '2028-12-31'") }}
),

holidays as (
    select calendars.calendar, closures.day, min(closures.holiday) as holiday
    from calendars
    inner join closures
        on calendars.country = closures.country
        and closures.carriers_rest
        and (closures.regions = '*' or closures.listed like '% ' || calendars.region || ' %')
    group by calendars.calendar, closures.day
),

dated as (
    select
        calendars.calendar,
        calendars.country,
        calendars.region,
        days.day,
        cast(extract(isodow from days.day) as integer) as weekday,
        holidays.holiday
    from calendars
    cross join days
    left join holidays
        on calendars.calendar = holidays.calendar and days.day = holidays.day
)

select
    *,
    holiday is not null as is_holiday,
    {%- for name, last in weeks.items() %}
    cast(sum(case when weekday <= {{ last }} and holiday is null then 1 else 0 end)
        over (partition by calendar order by day rows between unbounded preceding and current row) as integer) as {{ name }}_number
    {{- "," if not loop.last }}
    {%- endfor %}
from dated
