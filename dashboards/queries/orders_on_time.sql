-- One row per week of promise (or one in all, unless $by_week): orders due and on time, those never shipped included.
with summed as (
    select
        case when $by_week then week end as week,
        sum(due)::bigint as due,
        sum(on_time)::bigint as on_time,
        sum(on_time_in_full)::bigint as on_time_in_full
    from marts.order_delivery
    where week between $first_week and $last_week
    group by all
)

select
    week,
    case when due < $suppress_under then 'too few' when due < $grey_under then 'small' else 'enough' end as sample,
    case when due >= $suppress_under then on_time / due::double end as on_time_rate,
    case when due >= $suppress_under then wilson_low(on_time, due) end as on_time_rate_low,
    case when due >= $suppress_under then wilson_high(on_time, due) end as on_time_rate_high,
    due,
    on_time,
    on_time_in_full
from summed
order by week
