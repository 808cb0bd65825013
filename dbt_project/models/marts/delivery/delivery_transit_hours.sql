-- One row per carrier, service, lane, week of first physical scan and hour since then (the nearest whole one): how many
-- parcels were delivered at that hour, ended otherwise, or were last seen open. Additive: any sum of rows is a curve.
-- depends_on: {{ ref('int_touched_weeks') }}
{{ config(unique_key='week', incremental_strategy='touched', touched_kind='open_week', materialized='incremental') }}

with parcels as (
    select
        shop,
        coalesce(carrier, 'unknown') as carrier,
        coalesce(service, 'unknown') as service,
        service_level,
        lane,
        week,
        end_milestone,
        cast(floor({{ hours_between('accepted_at', 'coalesce(ended_at, ' ~ as_of() ~ ')') }} + 0.5) as integer) as transit_hour
    from {{ ref('fct_shipments') }}
    where is_first_delivery and week is not null and accepted_at is not null
    {%- if is_incremental() %} and week in ({{ touched('open_week') }}){% endif %}
)

select
    shop,
    carrier,
    service,
    service_level,
    lane,
    week,
    greatest(transit_hour, 0) as transit_hour,
    cast(count(*) filter (where end_milestone = 'delivered') as integer) as delivered,
    cast(count(*) filter (where end_milestone <> 'delivered') as integer) as ended_otherwise,
    cast(count(*) filter (where end_milestone is null) as integer) as censored
from parcels
group by all
