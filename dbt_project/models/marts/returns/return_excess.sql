-- One row per SKU and per product (scope) of mature cohorts: its returns beside the normal spread of its category, whether the
-- excess is listed at a false discovery rate of 5 %, and in which direction its sizes miss.
{{ config(materialized='table') }}

select
    shop,
    scope,
    item,
    category,
    sold_lines,
    returned_lines,
    {{ rate('returned_lines', 'sold_lines') }} as line_return_rate,
    category_rate,
    category_spread,
    shrunk_rate as shrunk_return_rate,
    sold_lines * (shrunk_rate - category_rate) as excess_lines,
    excess_spreads,
    p_value,
    q_value,
    q_value <= 0.05 as is_listed,
    cast(row_number() over (partition by shop, scope order by excess_spreads desc, item) as integer) as excess_rank,
    too_small_lines,
    too_large_lines,
    case
        when too_small_q_value <= 0.05 then 'too_small'
        when too_large_q_value <= 0.05 then 'too_large'
    end as size_direction,
    least(too_small_q_value, too_large_q_value) as size_q_value
from {{ ref('int_return_excess') }}
