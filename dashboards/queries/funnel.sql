-- One row per carrier and lane of that period and clock: its rate over its size, and the limits of what chance explains.
select
    carrier, lane, due, on_time, on_time_rate, funnel_centre, funnel_phi, funnel_low_95, funnel_high_95, funnel_low_998,
    funnel_high_998,
    case
        when on_time_rate < funnel_low_998 then 'worse than chance explains'
        when on_time_rate > funnel_high_998 then 'better than chance explains'
        else 'within chance'
    end as verdict
from marts.carrier_scorecard_rollup
where scope = 'carrier_lane' and service_level = 'all' and clock = $clock and period = $period and due >= $suppress_under
order by due, carrier, lane
