-- One row per period, clock, service level and pair of carriers: how far apart their adjusted rates are, and whether one is
-- ahead at all. A pair that cannot be told apart is a tie; one that hardly shares lanes has no figure.
-- depends_on: {{ ref('int_touched_weeks') }}
{{ config(unique_key='period', incremental_strategy='touched', touched_kind='period', materialized='incremental') }}

select
    shop,
    period_kind || '|' || cast(period_start as varchar) as period,
    period_kind,
    period_start,
    clock,
    service_level,
    carrier,
    other_carrier,
    cast(parcels as integer) as due,
    overlap,
    case when overlap >= 0.5 then estimate end as adjusted_difference,
    case when overlap >= 0.5 then low end as adjusted_difference_low,
    case when overlap >= 0.5 then high end as adjusted_difference_high,
    case when overlap >= 0.5 then low <= 0 and high >= 0 end as is_tie,
    case when overlap < 0.5 then null when low > 0 then carrier when high < 0 then other_carrier end as ahead
from {{ ref('int_adjusted_rates') }}
where kind = 'difference'
