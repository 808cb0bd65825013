-- One row per order line: its latest arrival from any vendor.
{{ config(unique_key='order_line_id', incremental_strategy='upsert', materialized='incremental') }}

with repeated as (
    {{ repeated_arrivals(ref('int_arrived_order_lines'), 'order_line_id') }}
)

select
    arrivals.shop,
    case when arrivals._deleted then null else arrivals.source end as source,
    arrivals.order_line_id,
    arrivals.order_id,
    arrivals.customer_token,
    arrivals.ordered_at,
    arrivals.sku,
    arrivals.product_id,
    arrivals.category,
    arrivals.variant,
    arrivals.quantity,
    arrivals.unit_price,
    arrivals.shipping_amount,
    arrivals.currency,
    arrivals.weight_grams
from {{ ref('int_arrived_order_lines') }} as arrivals
left join repeated
    on arrivals._seq = repeated._seq and arrivals._row = repeated._row
where coalesce(repeated.copy_no, 1) = 1
{%- if not is_incremental() %} and not arrivals._deleted{% endif %}
