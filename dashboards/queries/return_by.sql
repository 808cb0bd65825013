-- One row per value of the scope (category, variant, channel, region), months whose return window has closed taken together.
with summed as (
    select
        scope_value,
        sum(orders)::bigint as orders,
        sum(sold_lines)::bigint as sold_lines,
        least(sum(returned_lines), sum(sold_lines))::bigint as returned_lines,
        sum(too_small_lines)::bigint as too_small_lines,
        sum(too_large_lines)::bigint as too_large_lines,
        sum(returned_amount)::double as returned_amount,
        sum(retained_amount)::double as retained_amount
    from marts.return_rates
    where scope = $scope and is_mature and cohort <> 'unmatched'
    group by all
)

select
    *,
    returned_lines::double / sold_lines as return_rate,
    wilson_low(returned_lines, sold_lines) as return_rate_low,
    wilson_high(returned_lines, sold_lines) as return_rate_high,
    retained_amount / nullif(returned_amount, 0) as retained_revenue_rate
from summed
where sold_lines >= $suppress_under
order by return_rate_low desc, scope_value
limit 200
