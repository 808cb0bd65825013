-- One row per group of reasons: returned lines, whose fault, and how many followed a failed delivery.
select
    reason_group,
    reason_fault,
    sum(returned_lines)::bigint as returned_lines,
    sum(returned_lines)::double / sum(sum(returned_lines)) over () as share_rate,
    sum(lines_after_delivery_failure)::bigint as lines_after_delivery_failure,
    sum(returned_amount)::double as returned_amount
from marts.return_reasons
group by all
order by returned_lines desc, reason_group, reason_fault
