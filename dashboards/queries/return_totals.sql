-- One row per order cohort (month): what was sold, what came back so far, and what the rate is likely to become. A cohort is
-- mature once its return window has closed.
with cohorts as (
    select
        cohort,
        bool_and(is_mature) as is_mature,
        sum(orders)::bigint as orders,
        sum(returned_orders)::bigint as returned_orders,
        sum(sold_lines)::bigint as sold_lines,
        sum(returned_lines)::bigint as returned_lines,
        sum(sold_amount)::double as sold_amount,
        sum(returned_amount)::double as returned_amount,
        sum(retained_amount)::double as retained_amount,
        sum(asked_share * sold_lines) / nullif(sum(sold_lines) filter (where asked_share is not null), 0) as asked_rate
    from marts.return_rates
    where scope = 'all'
    group by all
)

select
    *,
    returned_orders::double / nullif(orders, 0) as order_return_rate,
    returned_lines::double / nullif(sold_lines, 0) as return_rate,
    case when sold_lines > 0 then wilson_low(least(returned_lines, sold_lines), sold_lines) end as return_rate_low,
    case when sold_lines > 0 then wilson_high(least(returned_lines, sold_lines), sold_lines) end as return_rate_high,
    returned_amount / nullif(sold_amount, 0) as revenue_return_rate,
    retained_amount / nullif(returned_amount, 0) as retained_revenue_rate,
    case when not is_mature then returned_lines / nullif(sold_lines * asked_rate, 0) end as completed_return_rate
from cohorts
order by cohort
