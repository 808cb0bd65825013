-- One row per return and kind of trouble that somebody should act on now; a row leaves when its trouble is resolved.
--
-- received_not_refunded  the goods are back longer than the promised days, the customer still waits for a refund
-- refund_without_return  refunded, and nothing is known to have come back; only of sources that tell of receipts at all
-- refund_over_paid       more was refunded than was paid for the returned lines and the order's shipping together
{{ config(materialized='table') }}
{%- set as_of = as_of() %}

with returns as (
    select
        *,
        coalesce(received_at <= {{ as_of }}, false) as is_received,
        coalesce(refunded_at <= {{ as_of }}, false) as is_refunded,
        max(case when received_at <= {{ as_of }} then 1 else 0 end) over (partition by shop, source) = 1 as tells_of_receipts
    from {{ ref('fct_returns') }}
    where coalesce(requested_at, received_at, refunded_at) <= {{ as_of }}
),

lines as (
    select
        lines.return_id,
        min(lines.order_id) as order_id,
        sum(coalesce(lines.amount, lines.quantity * sold.unit_price)) as lines_amount,
        bool_or(coalesce(lines.amount, lines.quantity * sold.unit_price) is null) as has_unpriced
    from {{ ref('fct_return_lines') }} as lines
    left join {{ ref('fct_order_lines') }} as sold
        on lines.order_line_id = sold.order_line_id
    where lines.return_id is not null
    group by lines.return_id
),

valued as (
    select
        returns.* replace (coalesce(returns.order_id, lines.order_id) as order_id),
        lines.lines_amount,
        case
            when orders.currency = returns.currency and not lines.has_unpriced
                then lines.lines_amount + coalesce(orders.shipping_amount, 0)
            when orders.currency = returns.currency then orders.order_amount + coalesce(orders.shipping_amount, 0)
        end as paid_amount
    from returns
    left join lines
        on returns.return_id = lines.return_id
    left join {{ ref('fct_orders') }} as orders
        on coalesce(returns.order_id, lines.order_id) = orders.order_id
),

troubles as (
    select
        *,
        'received_not_refunded' as trouble,
        received_at as since_at,
        coalesce(nullif(refund_amount, 0), lines_amount) as amount_at_stake
    from valued
    where is_received and not is_refunded and coalesce(outcome, 'refund') = 'refund'
        and received_at + interval '{{ setting("thresholds.refund_promised_days") }}' day <= {{ as_of }}
    union all
    select *, 'refund_without_return', refunded_at, refund_amount
    from valued
    where is_refunded and refund_amount > 0 and not is_received and tells_of_receipts
        and coalesce(label_first_scan_at > {{ as_of }}, true)
    union all
    select *, 'refund_over_paid', refunded_at, refund_amount - paid_amount
    from valued
    where is_refunded and refund_amount > paid_amount
)

select
    shop,
    source,
    trouble,
    return_id,
    order_id,
    customer_token,
    requested_at,
    received_at,
    refunded_at,
    cast({{ days_between('since_at', as_of) }} as integer) as days_waiting,
    cast(amount_at_stake as decimal(18, 4)) as amount_at_stake,
    refund_amount,
    cast(paid_amount as decimal(18, 4)) as paid_amount,
    currency
from troubles
