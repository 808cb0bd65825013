-- One row per SKU of mature cohorts with enough sold lines: its return rate with interval, beside that of all SKUs.
with skus as (
    select sku, sum(sold_lines)::bigint as sold_lines, least(sum(returned_lines), sum(sold_lines))::bigint as returned_lines
    from marts.return_cohorts
    where is_mature and cohort <> 'unmatched'
    group by all
),

overall as (
    select sum(returned_lines)::double / nullif(sum(sold_lines), 0) as overall_rate from skus
)

select
    sku,
    sold_lines,
    returned_lines,
    returned_lines / sold_lines::double as return_rate,
    wilson_low(returned_lines, sold_lines) as return_rate_low,
    wilson_high(returned_lines, sold_lines) as return_rate_high,
    overall_rate,
    count(*) over () as matching
from skus
cross join overall
where sold_lines >= $suppress_under
order by return_rate_low desc, sku
limit 200
