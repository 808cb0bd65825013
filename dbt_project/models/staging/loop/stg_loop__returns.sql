-- One row per return and arrival, from Loop, as a canonical return.
--
-- A label tells where the parcel is now, and since when: what it told before is not kept by Loop. An expired label is no
-- return received.
select
    shop,
    source,
    _seq,
    _row,
    _deleted,
    'loop-' || id as return_id,
    provider_order_id as order_id,
    created_at as requested_at,
    case when label_status in ('in_transit', 'out_for_delivery') then label_updated_at end as label_first_scan_at,
    case when label_status = 'delivered' then label_updated_at end as received_at,
    refund_created_at as refunded_at,
    state as status,
    case
        when state in ('cancelled', 'expired') then state
        when coalesce(outcome, first_line_outcome) = 'gift_card' then 'store_credit'
        else coalesce(outcome, first_line_outcome)
    end as outcome,
    refund as refund_amount,
    cast(coalesce(exchange_total, 0) + coalesce(gift_card, 0) as decimal(18, 4)) as retained_amount,
    currency
from {{ landing('loop', 'returns') }}
