-- One row per category of mature months: lines bought in several variants of one product in one order (to keep one), and how
-- many of them came back, beside the other lines.
with summed as (
    select
        coalesce(category, 'unknown') as category,
        sum(sold_lines)::bigint as sold_lines,
        sum(returned_lines)::bigint as returned_lines,
        sum(bracketed_lines)::bigint as bracketed_lines,
        sum(returned_bracketed_lines)::bigint as returned_bracketed_lines
    from marts.return_cohorts
    where is_mature and cohort <> 'unmatched'
    group by all
)

select
    *,
    bracketed_lines::double / nullif(sold_lines, 0) as bracketed_rate,
    returned_bracketed_lines::double / nullif(bracketed_lines, 0) as bracketed_return_rate,
    (returned_lines - returned_bracketed_lines)::double / nullif(sold_lines - bracketed_lines, 0) as other_return_rate
from summed
where bracketed_lines > 0
order by bracketed_lines desc, category
