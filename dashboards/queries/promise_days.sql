-- One row per number of days promised at checkout: how often such promises were kept.
select
    least(promised_date - ordered_date, 15)::integer as promised_days,
    count(*) as due,
    count(*) filter (where is_on_time) as on_time,
    case when count(*) < $suppress_under then 'too few' when count(*) < $grey_under then 'small' else 'enough' end as sample,
    case when count(*) >= $suppress_under then count(*) filter (where is_on_time) / count(*)::double end as on_time_rate,
    case when count(*) >= $suppress_under then wilson_low(count(*) filter (where is_on_time), count(*)) end as on_time_rate_low,
    case when count(*) >= $suppress_under then wilson_high(count(*) filter (where is_on_time), count(*)) end as on_time_rate_high
from marts.fct_orders
where is_due and promise_week between $first_week and $last_week and promised_date >= ordered_date
group by all
order by promised_days
