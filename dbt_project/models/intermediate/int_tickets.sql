-- One row per support ticket: its latest arrival from any vendor, with the references it came with.
{{ config(unique_key='ticket_id', incremental_strategy='upsert') }}

with repeated as (
    {{ repeated_arrivals(ref('int_arrived_tickets'), 'ticket_id') }}
)

select
    arrivals.shop,
    case when arrivals._deleted then null else arrivals.source end as source,
    arrivals.ticket_id,
    arrivals.order_id,
    arrivals.order_number,
    arrivals.tracking_number,
    coalesce(arrivals.customer_token, arrivals.email_token) as customer_token,
    arrivals.email_token,
    arrivals.created_at,
    arrivals.channel,
    arrivals.status,
    arrivals.score,
    arrivals.topic,
    arrivals.topic_confidence,
    arrivals.topic_basis,
    arrivals.topic_rules_version
from {{ ref('int_arrived_tickets') }} as arrivals
left join repeated
    on arrivals._seq = repeated._seq and arrivals._row = repeated._row
where coalesce(repeated.copy_no, 1) = 1
{%- if not is_incremental() %} and not arrivals._deleted{% endif %}
