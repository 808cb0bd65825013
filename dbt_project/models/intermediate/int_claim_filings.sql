-- One row per claim filed with a carrier: its latest arrival.
{{ config(unique_key='claim_id', incremental_strategy='upsert') }}

with repeated as (
    {{ repeated_arrivals(ref('int_arrived_claim_filings'), 'claim_id') }}
)

select
    arrivals.shop,
    case when arrivals._deleted then null else arrivals.source end as source,
    arrivals.claim_id,
    arrivals.tracking_number,
    arrivals.filed_at,
    lower(arrivals.status) as status,
    arrivals.decided_at,
    arrivals.amount_claimed,
    arrivals.amount_paid
from {{ ref('int_arrived_claim_filings') }} as arrivals
left join repeated
    on arrivals._seq = repeated._seq and arrivals._row = repeated._row
where coalesce(repeated.copy_no, 1) = 1
{%- if not is_incremental() %} and not arrivals._deleted{% endif %}
