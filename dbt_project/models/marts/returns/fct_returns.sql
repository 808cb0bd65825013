-- One row per return: its latest arrival from any vendor, with the order it belongs to where that is known.
{{ config(unique_key='return_id', incremental_strategy='upsert', materialized='incremental') }}

with repeated as (
    {{ repeated_arrivals(ref('int_arrived_returns'), 'return_id') }}
)

select
    arrivals.shop,
    case when arrivals._deleted then null else arrivals.source end as source,
    arrivals.return_id,
    arrivals.order_id,
    arrivals.customer_token,
    arrivals.requested_at,
    arrivals.approved_at,
    arrivals.label_first_scan_at,
    arrivals.received_at,
    arrivals.refunded_at,
    arrivals.status,
    coalesce(arrivals.outcome, case when arrivals.refunded_at is not null then 'refund' end) as outcome,
    arrivals.refund_amount,
    arrivals.retained_amount,
    arrivals.currency
from {{ ref('int_arrived_returns') }} as arrivals
left join repeated
    on arrivals._seq = repeated._seq and arrivals._row = repeated._row
where coalesce(repeated.copy_no, 1) = 1
{%- if not is_incremental() %} and not arrivals._deleted{% endif %}
