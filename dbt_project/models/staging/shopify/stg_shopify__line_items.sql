-- One row per order line and arrival, from Shopify, as a canonical order line.
select
    shop,
    source,
    _seq,
    _row,
    _deleted,
    split_part(id, '/', -1) as order_line_id,
    split_part(order_id, '/', -1) as order_id,
    customer_id_token as customer_token,
    order_created_at as ordered_at,
    sku,
    product_id,
    product_type as category,
    variant_title as variant,
    quantity,
    price as unit_price,
    currency,
    cast(weight * case upper(weight_unit)
        when 'KILOGRAMS' then 1000.0
        when 'OUNCES' then 28.349523125
        when 'POUNDS' then 453.59237
        else 1.0
    end as double) as weight_grams
from {{ landing('shopify', 'line_items') }}
