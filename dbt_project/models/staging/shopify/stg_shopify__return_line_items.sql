-- One row per returned line and arrival, from Shopify, as a canonical return line.
--
-- A reason comes in two forms: a word of ten, which is being replaced, and a definition's handle, which says more. The word
-- counts where it says something.
select
    shop,
    source,
    _seq,
    _row,
    _deleted,
    'shopify-' || split_part(id, '/', -1) as return_line_id,
    'shopify-' || split_part(return_id, '/', -1) as return_id,
    split_part(order_id, '/', -1) as order_id,
    split_part(line_item_id, '/', -1) as order_line_id,
    customer_id_token as customer_token,
    return_created_at as requested_at,
    sku,
    quantity,
    case
        when coalesce(return_reason, 'UNKNOWN') in ('OTHER', 'UNKNOWN') then coalesce(return_reason_handle, return_reason)
        else return_reason
    end as reason_code,
    cast(price * quantity as decimal(18, 4)) as amount,
    currency
from {{ landing('shopify', 'return_line_items') }}
