-- One row per return that waits for its settlement, the longest first.
select
    return_id,
    order_id,
    requested_at,
    label_first_scan_at,
    received_at,
    date_diff('hour', requested_at, $as_of) / 24.0 as days_waiting,
    count(*) over () as matching
from marts.fct_returns
where refunded_at is null and coalesce(outcome, '') not in ('rejected', 'cancelled', 'expired') and requested_at <= $as_of
order by received_at is null, days_waiting desc, return_id
limit 500
