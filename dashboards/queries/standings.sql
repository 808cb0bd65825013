-- One row per carrier in that period: raw, adjusted and shrunk rate, and its place. Carriers that cannot be told apart
-- share a place: adjusted by the intervals of their differences, else by whether their intervals overlap.
with carriers as (
    select *
    from marts.carrier_scorecard_rollup
    where scope = 'carrier' and service_level = 'all' and clock = $clock and period = $period and due > 0
),

behind as (
    select case ahead when carrier then other_carrier else carrier end as carrier, count(*) as ahead
    from marts.carrier_differences
    where clock = $clock and service_level = 'all' and period_kind || '|' || period_start::varchar = $period and not is_tie
        and ahead is not null
    group by all
),

overlapping as (
    select mine.carrier, count(*) filter (where other.on_time_rate_low > mine.on_time_rate_high) as ahead
    from carriers as mine
    cross join carriers as other
    group by all
),

chosen as (
    select
        carriers.*,
        case
            when $measure = 'Adjusted' then case when adjusted_on_time_rate is not null then 1 + coalesce(behind.ahead, 0) end
            when not is_suppressed then 1 + coalesce(overlapping.ahead, 0)
        end as place,
        case $measure when 'Adjusted' then adjusted_on_time_rate when 'Shrunk' then shrunk_on_time_rate
            else on_time_rate end as shown_rate,
        case $measure when 'Adjusted' then adjusted_on_time_rate_low when 'Raw' then on_time_rate_low end as shown_rate_low,
        case $measure when 'Adjusted' then adjusted_on_time_rate_high when 'Raw' then on_time_rate_high end as shown_rate_high
    from carriers
    left join behind using (carrier)
    left join overlapping using (carrier)
)

select
    place,
    carrier,
    case when is_suppressed then null else shown_rate end as shown_rate,
    case when is_suppressed then null else shown_rate_low end as shown_rate_low,
    case when is_suppressed then null else shown_rate_high end as shown_rate_high,
    due,
    on_time,
    overlap as overlap_rate,
    observed_to_expected,
    transit_hours_p50,
    transit_hours_p50_low,
    transit_hours_p50_high,
    transit_hours_p90,
    transit_hours_p95,
    loss_rate,
    damage_rate,
    cost_per_parcel,
    cost_per_on_time_parcel
from chosen
order by place nulls last, shown_rate desc, carrier
