-- One row per week in which returns were asked for: how many, what became of them, what was kept, and how long each step took
-- (open ones counted for as long as they have waited).
select
    week, returns, return_request_ratio, refund_returns, exchange_returns, store_credit_returns, rejected_returns, unused_labels,
    returned_amount::double as returned_amount, retained_amount::double as retained_amount, retained_revenue_rate,
    days_to_first_scan_p50, days_to_received_p50, days_to_refunded_p50, days_to_refunded_p90
from marts.return_requests
where week between $first_week and $last_week
order by week
