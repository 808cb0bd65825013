-- One row per change of a promise: its latest arrival. On time is judged by the first promise; these never improve it.
{{ config(unique_key='revision_key', incremental_strategy='upsert', materialized='incremental') }}

with repeated as (
    {{ repeated_arrivals(ref('int_arrived_promise_revisions'), 'revision_key') }}
)

select
    arrivals.shop,
    case when arrivals._deleted then null else arrivals.source end as source,
    arrivals.revision_key,
    arrivals.order_id,
    arrivals.changed_at,
    arrivals.promised_date
from {{ ref('int_arrived_promise_revisions') }} as arrivals
left join repeated
    on arrivals._seq = repeated._seq and arrivals._row = repeated._row
where coalesce(repeated.copy_no, 1) = 1
{%- if not is_incremental() %} and not arrivals._deleted{% endif %}
