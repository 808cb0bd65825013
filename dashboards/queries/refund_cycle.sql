-- One row: how long settled returns took from request to settlement, and how many still wait. Steps in days.
select
    count(*) filter (where refunded_at is not null) as settled,
    count(*) filter (where refunded_at is null and coalesce(outcome, '') not in ('rejected', 'cancelled', 'expired')) as waiting,
    median(date_diff('hour', requested_at, refunded_at) / 24.0) as refund_days_p50,
    quantile_cont(date_diff('hour', requested_at, refunded_at) / 24.0, 0.9) as refund_days_p90,
    sum(retained_amount)::double / nullif(sum(coalesce(refund_amount, 0) + coalesce(retained_amount, 0)), 0)::double
        as retained_revenue_rate
from marts.fct_returns
where requested_at >= $first_at and requested_at <= $as_of
