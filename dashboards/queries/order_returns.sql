-- One row per return of the order, its steps side by side.
select
    requested_at, approved_at, label_first_scan_at, received_at, refunded_at, status, outcome, refund_amount,
    retained_amount, currency
from marts.fct_returns
where order_id = $order_id
order by requested_at, return_id
