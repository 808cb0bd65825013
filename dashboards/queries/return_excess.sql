-- One row per SKU (or product) of mature months with enough sold lines: its returns beside the normal spread of its category,
-- those listed at a false discovery rate of 5 % first.
select
    item,
    category,
    is_listed,
    line_return_rate as return_rate,
    wilson_low(least(returned_lines, sold_lines), sold_lines) as return_rate_low,
    wilson_high(least(returned_lines, sold_lines), sold_lines) as return_rate_high,
    category_rate,
    excess_lines,
    excess_spreads,
    q_value,
    case size_direction when 'too_small' then 'runs small' when 'too_large' then 'runs large' end as size_direction,
    too_small_lines,
    too_large_lines,
    sold_lines,
    returned_lines,
    count(*) over () as matching,
    count(*) filter (where is_listed) over () as listed
from marts.return_excess
where scope = $scope and sold_lines >= $suppress_under
order by is_listed desc, excess_rank, item
limit 200
