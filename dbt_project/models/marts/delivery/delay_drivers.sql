-- One row per lane, service level, week of first physical scan and stage: where the days of delivered parcels went, and whether
-- that changed since the week before by more than noise.
--
-- processing: order to label. handover: label to first physical scan. linehaul: from there to going out for delivery (to
-- delivery where that scan is missing). last_mile: from there to delivery. Parcels of one day share their fate, so the
-- noise of a mean is judged between days, not between parcels; a change counts beyond 99.8 %.
-- depends_on: {{ ref('int_touched_weeks') }}
{{ config(unique_key='week', incremental_strategy='touched', touched_kind='week_and_next', materialized='incremental') }}
{%- set z = '3.090232306167813' %}

with parcels as (
    select
        shipments.shop,
        shipments.lane,
        shipments.service_level,
        shipments.week,
        cast(shipments.accepted_at as date) as day,
        {{ seconds_between('orders.ordered_at', 'shipments.label_created_at') }} as processing,
        {{ seconds_between('shipments.label_created_at', 'shipments.accepted_at') }} as handover,
        {{ seconds_between('shipments.accepted_at', 'coalesce(shipments.out_for_delivery_at, shipments.delivered_at)') }} as linehaul,
        {{ seconds_between('shipments.out_for_delivery_at', 'shipments.delivered_at') }} as last_mile
    from {{ ref('fct_shipments') }} as shipments
    left join {{ ref('fct_orders') }} as orders
        on shipments.order_id = orders.order_id
    where shipments.is_first_delivery and shipments.week is not null
        and shipments.accepted_at is not null and shipments.delivered_at is not null
    {%- if is_incremental() %}
        and (shipments.week in ({{ touched('week_and_next') }})
            or shipments.week + interval '7' day in ({{ touched('week_and_next') }}))
    {%- endif %}
),

staged as (
    {%- for stage in ['processing', 'handover', 'linehaul', 'last_mile'] %}
    select shop, lane, service_level, week, '{{ stage }}' as stage, day,
        count(*) as parcels,
        sum(greatest({{ stage }}, 0)) as seconds
    from parcels
    where {{ stage }} is not null
    group by all
    {{- " union all" if not loop.last }}
    {%- endfor %}
),

means as (
    select shop, lane, service_level, week, stage,
        sum(parcels) as parcels,
        sum(seconds) as seconds,
        cast(count(*) as integer) as days,
        cast(sum(seconds) as double) / sum(parcels) as mean
    from staged
    group by all
),

weeks as (
    select
        means.shop, means.lane, means.service_level, means.week, means.stage, means.parcels, means.seconds, means.days, means.mean,
        cast(sum(cast(power(staged.seconds - staged.parcels * means.mean, 2) as decimal(38, 6))) as double)
            * means.days / nullif(means.days - 1, 0) / means.parcels / means.parcels as variance
    from means
    inner join staged
        using (shop, lane, service_level, week, stage)
    group by means.shop, means.lane, means.service_level, means.week, means.stage, means.parcels, means.seconds, means.days, means.mean
),

compared as (
    select
        weeks.*,
        before.mean as mean_before,
        before.parcels as parcels_before,
        before.variance as variance_before
    from weeks
    left join weeks as before
        on weeks.shop = before.shop and weeks.lane = before.lane and weeks.service_level = before.service_level
        and weeks.stage = before.stage and weeks.week = before.week + interval '7' day
)

select
    shop,
    lane,
    service_level,
    week,
    stage,
    cast(parcels as integer) as parcels,
    cast(seconds as bigint) as stage_seconds,
    mean / 86400.0 as mean_days,
    sqrt(variance) / 86400.0 as mean_days_error,
    (mean - mean_before) / 86400.0 as change_days,
    {{ z }} * sqrt(variance + variance_before) / 86400.0 as noise_days,
    coalesce(
        least(parcels, parcels_before) >= {{ setting('thresholds.suppress_under') }}
        and abs(mean - mean_before) > {{ z }} * sqrt(variance + variance_before), false) as is_beyond_noise
from compared
{%- if is_incremental() %}
where week in ({{ touched('week_and_next') }})
{%- endif %}
