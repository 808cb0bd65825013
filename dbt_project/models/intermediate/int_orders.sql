-- One row per order: its latest arrival from any vendor.
{{ config(unique_key='order_id', incremental_strategy='upsert') }}
{%- set zone = 'coalesce(arrivals.destination_time_zone, ' ~ run_value('time_zone') ~ ')' %}

with repeated as (
    {{ repeated_arrivals(ref('int_arrived_orders'), 'order_id') }}
)

select
    arrivals.shop,
    case when arrivals._deleted then null else arrivals.source end as source,
    arrivals.order_id,
    arrivals.order_number,
    coalesce(arrivals.customer_token, arrivals.email_token) as customer_token,
    arrivals.email_token,
    arrivals.ordered_at,
    arrivals.ready_at,
    arrivals.cancelled_at,
    coalesce(arrivals.is_cancelled, false) or arrivals.cancelled_at is not null as is_cancelled,
    arrivals.channel,
    arrivals.currency,
    arrivals.order_amount,
    arrivals.shipping_amount,
    arrivals.seller_id,
    arrivals.origin_node,
    arrivals.origin_region,
    arrivals.origin_postal_prefix,
    arrivals.destination_country,
    arrivals.destination_region,
    arrivals.destination_postal_prefix,
    {{ zone }} as destination_time_zone,
    arrivals.promised_date,
    arrivals.promise_source,
    {{ to_utc(add_days('arrivals.promised_date', 1), zone) }} as due_at
from {{ ref('int_arrived_orders') }} as arrivals
left join repeated
    on arrivals._seq = repeated._seq and arrivals._row = repeated._row
where coalesce(repeated.copy_no, 1) = 1
{%- if not is_incremental() %} and not arrivals._deleted{% endif %}
