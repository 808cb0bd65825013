-- One row per order cohort (month): what was sold and what came back; a cohort is mature once its return window has closed.
select
    cohort,
    bool_and(is_mature) as is_mature,
    sum(sold_lines)::bigint as sold_lines,
    sum(returned_lines)::bigint as returned_lines,
    sum(returned_lines)::double / nullif(sum(sold_lines), 0) as return_rate,
    case when sum(sold_lines) > 0 then wilson_low(least(sum(returned_lines), sum(sold_lines)), sum(sold_lines)) end as return_rate_low,
    case when sum(sold_lines) > 0 then wilson_high(least(sum(returned_lines), sum(sold_lines)), sum(sold_lines)) end as return_rate_high,
    sum(sold_amount)::double as sold_amount,
    sum(returned_amount)::double as returned_amount
from marts.return_cohorts
group by all
order by cohort
