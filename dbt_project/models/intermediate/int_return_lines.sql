-- One row per returned line: its latest arrival from any vendor.
{{ config(unique_key='return_line_id', incremental_strategy='upsert') }}

with repeated as (
    {{ repeated_arrivals(ref('int_arrived_return_lines'), 'return_line_id') }}
)

select
    arrivals.shop,
    case when arrivals._deleted then null else arrivals.source end as source,
    arrivals.return_line_id,
    arrivals.return_id,
    arrivals.order_id,
    arrivals.order_line_id,
    arrivals.customer_token,
    arrivals.requested_at,
    arrivals.sku,
    arrivals.quantity,
    arrivals.reason_code,
    arrivals.amount,
    arrivals.currency
from {{ ref('int_arrived_return_lines') }} as arrivals
left join repeated
    on arrivals._seq = repeated._seq and arrivals._row = repeated._row
where coalesce(repeated.copy_no, 1) = 1
{%- if not is_incremental() %} and not arrivals._deleted{% endif %}
