-- One row per lane: the fewest days that would be kept 95 times in a hundred, beside today's.
with lanes as (
    select
        lane,
        min(promise_days) filter (where is_recommended) as recommended_days,
        max(kept_rate) filter (where is_recommended) as recommended_rate,
        max(kept_rate_low) filter (where is_recommended) as recommended_rate_low,
        max(kept_rate_high) filter (where is_recommended) as recommended_rate_high,
        min(promise_days) filter (where is_todays) as todays_days,
        max(kept_rate) filter (where is_todays) as todays_rate,
        max(kept_rate_low) filter (where is_todays) as todays_rate_low,
        max(kept_rate_high) filter (where is_todays) as todays_rate_high,
        max(orders) filter (where is_todays) as orders
    from outlook.promise_recommendation
    group by lane
)

select *, recommended_days - todays_days as change_days
from lanes
where todays_days is not null and (cardinality($lanes) = 0 or list_contains($lanes, lane))
order by orders desc, lane
