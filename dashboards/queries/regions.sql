-- One row per destination region: orders due and on time in the period.
select
    coalesce(destination_region, 'unknown') as region,
    coalesce(destination_country, 'unknown') as country,
    sum(due)::bigint as due,
    sum(on_time)::bigint as on_time,
    case when sum(due) < $suppress_under then 'too few' when sum(due) < $grey_under then 'small' else 'enough' end as sample,
    case when sum(due) >= $suppress_under then sum(on_time) / sum(due)::double end as on_time_rate,
    case when sum(due) >= $suppress_under then wilson_low(sum(on_time), sum(due)) end as on_time_rate_low,
    case when sum(due) >= $suppress_under then wilson_high(sum(on_time), sum(due)) end as on_time_rate_high
from marts.order_delivery
where week between $first_week and $last_week
group by all
order by on_time_rate nulls last, due desc, region
