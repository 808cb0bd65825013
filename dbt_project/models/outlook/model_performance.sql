-- One row per week of prediction, kind and basis: what was predicted at the refreshes of four weeks, and what came.
--
-- Only predictions of parcels that have ended in delivery since; the promise stands beside them on the same parcels.
-- Coverage has drifted when it lies more than three standard errors below 80 %.

with predicted as (
    select
        history.kind,
        history.basis,
        cast(date_trunc('week', history.moment) as date) as week,
        history.p10_date,
        history.p50_date,
        history.p90_date,
        history.promised_date,
        history.miss_probability,
        cast(shipments.delivered_local as date) as delivered_date
    from {{ source('predictions', 'history') }} as history
    inner join {{ ref('fct_shipments') }} as shipments
        on history.case_id = shipments.shipment_id
    where history.kind = 'transit' and shipments.delivered_local is not null and shipments.delivered_at > history.moment
),

counted as (
    select
        kind,
        basis,
        week,
        cast(count(*) as integer) as outcomes,
        avg(abs({{ days_between('p50_date', 'delivered_date') }})) as mae_days,
        avg(abs({{ days_between('promised_date', 'delivered_date') }})) as mae_days_promise,
        {{ rate('count(*) filter (where abs(' ~ days_between('p50_date', 'delivered_date') ~ ') <= 1)', 'count(*)') }} as within_one_day_rate,
        {{ rate('count(*) filter (where delivered_date between p10_date and p90_date)', 'count(*)') }} as coverage_80,
        avg({{ days_between('p10_date', 'p90_date') }}) as width_80_days,
        avg(case when delivered_date > promised_date then 1.0 else 0.0 end) as miss_rate,
        avg(miss_probability) as miss_probability_mean,
        avg((miss_probability - case when delivered_date > promised_date then 1.0 else 0.0 end)
            * (miss_probability - case when delivered_date > promised_date then 1.0 else 0.0 end)) as brier
    from predicted
    group by kind, basis, week
)

select
    *,
    coverage_80 < 0.8 - 3 * sqrt(0.16 / outcomes) as has_drifted
from counted
