-- One row per quarter, clock, lane, service level and pair of carriers: what would be expected of the parcels that one of
-- them carried there, had the other carried them. Refused, with the reason, where the lane cannot tell.
-- depends_on: {{ ref('int_touched_weeks') }}
{{ config(unique_key='period', incremental_strategy='touched', touched_kind='period', materialized='incremental') }}
{%- set z = '1.959963984540054' %}
{%- set least = setting('thresholds.suppress_under') %}

with held as (
    select
        shop, quarter_start as period_start, lane, service_level, carrier,
        cast(sum(due) as integer) as due,
        cast(sum(due_commitment) as integer) as due_commitment,
        cast(sum(costed) as integer) as costed,
        cast(sum(cost) as double) / nullif(sum(costed), 0) as mean_cost,
        greatest(0.0, cast(sum(cost_squares) - sum(cost) * sum(cost) / nullif(sum(costed), 0) as double)) / nullif(sum(costed) - 1, 0) as cost_variance
    from {{ ref('int_rate_cells') }}
    where is_quarter_touched
    group by all
),

pairs as (
    select carrier as from_carrier, other_carrier as to_carrier, -estimate as gain, -high as gain_low, -low as gain_high, rates.*
    from {{ ref('int_adjusted_rates') }} as rates
    where kind = 'lane_difference' and service_level <> 'all'
    union all
    select other_carrier, carrier, estimate, low, high, rates.*
    from {{ ref('int_adjusted_rates') }} as rates
    where kind = 'lane_difference' and service_level <> 'all'
),

joined as (
    select
        pairs.*,
        case pairs.clock when 'promise' then origin.due else origin.due_commitment end as parcels_moved,
        case pairs.clock when 'promise' then target.due else target.due_commitment end as parcels_known,
        expected.estimate as rate,
        expected.low as rate_low,
        expected.high as rate_high,
        target.mean_cost - origin.mean_cost as cost_change,
        sqrt(target.cost_variance / nullif(target.costed, 0) + origin.cost_variance / nullif(origin.costed, 0)) as cost_error,
        least(target.costed, origin.costed) as costed
    from pairs
    inner join held as origin
        on pairs.shop = origin.shop and pairs.period_start = origin.period_start and pairs.lane = origin.lane
        and pairs.service_level = origin.service_level and pairs.from_carrier = origin.carrier
    inner join held as target
        on pairs.shop = target.shop and pairs.period_start = target.period_start and pairs.lane = target.lane
        and pairs.service_level = target.service_level and pairs.to_carrier = target.carrier
    inner join {{ ref('int_adjusted_rates') }} as expected
        on expected.kind = 'lane_rate' and pairs.shop = expected.shop and pairs.period_kind = expected.period_kind
        and pairs.period_start = expected.period_start and pairs.clock = expected.clock and pairs.lane = expected.lane
        and pairs.service_level = expected.service_level and pairs.to_carrier = expected.carrier
)

select
    shop,
    period_kind || '|' || cast(period_start as varchar) as period,
    period_start,
    clock,
    lane,
    service_level,
    from_carrier,
    to_carrier,
    parcels_moved,
    parcels_known,
    case when parcels_known >= {{ least }} then greatest(0.0, least(1.0, rate)) end as expected_on_time_rate,
    case when parcels_known >= {{ least }} then greatest(0.0, rate_low) end as expected_on_time_rate_low,
    case when parcels_known >= {{ least }} then least(1.0, rate_high) end as expected_on_time_rate_high,
    case when parcels_known >= {{ least }} then gain end as on_time_rate_change,
    case when parcels_known >= {{ least }} then gain_low end as on_time_rate_change_low,
    case when parcels_known >= {{ least }} then gain_high end as on_time_rate_change_high,
    case when parcels_known >= {{ least }} and costed >= {{ least }} then cost_change end as cost_change_per_parcel,
    case when parcels_known >= {{ least }} and costed >= {{ least }} then cost_change - {{ z }} * cost_error end as cost_change_per_parcel_low,
    case when parcels_known >= {{ least }} and costed >= {{ least }} then cost_change + {{ z }} * cost_error end as cost_change_per_parcel_high,
    case when parcels_known < {{ least }}
        then to_carrier || ' had ' || cast(parcels_known as varchar) || ' parcels due on this lane in the quarter, {{ least }} are needed'
    end as refusal
from joined
where parcels_moved > 0
