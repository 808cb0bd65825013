-- One row per return and arrival, from Shopify, as a canonical return, with the refunds that came with it.
--
-- Every record of an order holds all of its returns and refunds, so what a return needs is in the same batches.
with refunds as (
    select source, return_id, cast(sum(amount) as decimal(18, 4)) as amount, min(created_at) as first_at
    from (
        select
            source,
            split_part(return_id, '/', -1) as return_id,
            split_part(id, '/', -1) as refund_id,
            max_by(amount, _seq) as amount,
            min(created_at) as created_at
        from {{ landing('shopify', 'refunds') }}
        where return_id is not null
        group by all
    )
    group by all
)

select
    returns.shop,
    returns.source,
    returns._seq,
    returns._row,
    returns._deleted,
    'shopify-' || split_part(returns.id, '/', -1) as return_id,
    split_part(returns.order_id, '/', -1) as order_id,
    returns.customer_id_token as customer_token,
    returns.created_at as requested_at,
    returns.request_approved_at as approved_at,
    refunds.first_at as refunded_at,
    lower(returns.status) as status,
    case
        when returns.status = 'DECLINED' then 'rejected'
        when returns.status = 'CANCELED' then 'cancelled'
        when returns.exchange_line_item_id is not null then 'exchange'
        when refunds.first_at is not null then 'refund'
    end as outcome,
    refunds.amount as refund_amount
from {{ landing('shopify', 'returns') }} as returns
left join refunds
    on returns.source = refunds.source and split_part(returns.id, '/', -1) = refunds.return_id
