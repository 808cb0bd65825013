-- One row per return of that trouble, the most money first.
select
    return_id, order_id, days_waiting, amount_at_stake::double as amount_at_stake, refund_amount::double as refund_amount,
    paid_amount::double as paid_amount, currency, requested_at, received_at, refunded_at
from marts.refund_watch
where trouble = $trouble
order by amount_at_stake desc nulls last, return_id
limit 500
