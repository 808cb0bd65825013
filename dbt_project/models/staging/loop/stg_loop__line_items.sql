-- One row per returned line and arrival, from Loop, as a canonical return line.
select
    shop,
    source,
    _seq,
    _row,
    _deleted,
    'loop-' || line_item_id as return_line_id,
    'loop-' || return_id as return_id,
    provider_order_id as order_id,
    provider_line_item_id as order_line_id,
    return_created_at as requested_at,
    sku,
    coalesce(quantity, 1) as quantity,
    coalesce(return_reason, parent_return_reason) as reason_code,
    price as amount,
    currency
from {{ landing('loop', 'line_items') }}
