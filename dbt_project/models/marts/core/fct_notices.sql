-- One row per notice sent to a customer, by us or by a vendor's tool: its latest arrival.
{{ config(unique_key='notice_id', incremental_strategy='upsert', materialized='incremental') }}

with repeated as (
    {{ repeated_arrivals(ref('int_arrived_notices'), 'notice_id') }}
)

select
    arrivals.shop,
    case when arrivals._deleted then null else arrivals.source end as source,
    arrivals.notice_id,
    arrivals.order_id,
    arrivals.tracking_number as shipment_id,
    arrivals.kind,
    arrivals.sent_at,
    arrivals.reason
from {{ ref('int_arrived_notices') }} as arrivals
left join repeated
    on arrivals._seq = repeated._seq and arrivals._row = repeated._row
where coalesce(repeated.copy_no, 1) = 1
{%- if not is_incremental() %} and not arrivals._deleted{% endif %}
