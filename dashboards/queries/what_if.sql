-- One row per lane and pair of carriers of the newest quarter: what would be expected had the other carried the parcels.
select
    lane, service_level, from_carrier, to_carrier, parcels_moved, on_time_rate_change, on_time_rate_change_low,
    on_time_rate_change_high, expected_on_time_rate, cost_change_per_parcel, cost_change_per_parcel_low,
    cost_change_per_parcel_high, count(*) over () as matching
from marts.lane_what_if
where period_start = (select max(period_start) from marts.lane_what_if where refusal is null and clock = $clock)
    and clock = $clock
    and refusal is null
    and on_time_rate_change_low > 0
    and (len($carriers) = 0 or list_contains($carriers, from_carrier))
    and (len($lanes) = 0 or list_contains($lanes, lane))
order by parcels_moved * on_time_rate_change desc, lane, from_carrier, to_carrier
limit 200
