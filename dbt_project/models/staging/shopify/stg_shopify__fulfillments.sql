-- One row per tracking number of a fulfilment and arrival, from Shopify, as a canonical parcel.
--
-- The place shipped from is the order's where the shop keeps one with it. What the label cost, what the carrier owes and
-- the service are not in Shopify.
select
    shop,
    source,
    _seq,
    _row,
    _deleted,
    split_part(id, '/', -1) as shipment_ref,
    'shopify-' || split_part(id, '/', -1) || '-' || tracking_number as parcel_key,
    split_part(order_id, '/', -1) as order_id,
    tracking_company as carrier,
    tracking_number,
    created_at as shipped_at,
    created_at as label_created_at,
    location_name as origin_node,
    location_province_code as origin_region,
    location_country_code as origin_country,
    shipping_province_code as destination_region,
    shipping_country_code as destination_country,
    time_zone as destination_time_zone,
    cast(estimated_delivery_at as date) as last_estimate_date,
    lower(status) = 'cancelled' as is_cancelled,
    false as is_return,
    updated_at as known_at
from {{ landing('shopify', 'fulfillments') }}
where tracking_number is not null
