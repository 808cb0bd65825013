-- One row per order: what was promised and whether all of it came in time.
--
-- Due: promised, not cancelled before the end of the promised day, and that day is over at as_of. An order that never
-- shipped is due like any other, and late.
-- depends_on: {{ ref('int_touched') }}
{{ config(unique_key='order_id', incremental_strategy='touched', touched_kind='order', materialized='incremental') }}
{%- set as_of = as_of() %}

with orders as (
    select
        *,
        is_cancelled and (cancelled_at is null or cancelled_at < due_at or due_at is null) as is_cancelled_in_time
    from {{ ref('int_orders') }}
    {% if is_incremental() %}where order_id in ({{ touched('order') }}){% endif %}
),

parcels as (
    select
        shipments.order_id,
        count(*) as parcels,
        count(*) filter (where not shipments.is_settled) as unsettled,
        count(*) filter (where shipments.delivered_at < orders.due_at) as in_time,
        count(*) filter (where shipments.is_damaged or shipments.end_milestone in ('lost', 'damaged', 'disposed')) as broken,
        max(shipments.delivered_at) as last_delivered_at
    from {{ ref('fct_shipments') }} as shipments
    inner join orders
        on shipments.order_id = orders.order_id
    where shipments.is_first_delivery and (not shipments.is_cancelled or shipments.delivered_at is not null)
    group by shipments.order_id
),

revisions as (
    select
        order_id,
        cast(count(*) as integer) as promise_revisions,
        max_by(promised_date, changed_at) as last_promised_date
    from {{ ref('promise_revisions') }}
    group by order_id
),

judged as (
    select
        orders.*,
        coalesce(revisions.promise_revisions, 0) as promise_revisions,
        coalesce(revisions.last_promised_date, orders.promised_date) as last_promised_date,
        coalesce(parcels.parcels, 0) as parcels,
        coalesce(parcels.unsettled, 0) as unsettled,
        coalesce(parcels.in_time, 0) as in_time,
        coalesce(parcels.broken, 0) as broken,
        case when parcels.parcels > 0 and parcels.unsettled = 0 then parcels.last_delivered_at end as completed_at,
        coalesce(not orders.is_cancelled_in_time and orders.due_at <= {{ as_of }}, false) as is_due
    from orders
    left join parcels
        on orders.order_id = parcels.order_id
    left join revisions
        on orders.order_id = revisions.order_id
)

select
    shop,
    source,
    order_id,
    order_number,
    customer_token,
    ordered_at,
    cast({{ to_local('ordered_at', run_value('time_zone')) }} as date) as ordered_date,
    ready_at,
    cancelled_at,
    is_cancelled,
    channel,
    currency,
    order_amount,
    shipping_amount,
    destination_country,
    destination_region,
    destination_postal_prefix,
    destination_time_zone,
    promised_date,
    promise_source,
    promise_revisions,
    last_promised_date,
    due_at,
    cast(date_trunc('week', promised_date) as date) as promise_week,
    cast(parcels as integer) as parcels,
    completed_at,
    is_due,
    case when is_due then parcels > 0 and in_time = parcels end as is_on_time,
    case when is_due then in_time > 0 end as is_on_time_any_parcel,
    case when is_due then parcels > 0 and in_time = parcels and broken = 0 end as is_on_time_in_full,
    ordered_at > {{ as_of }} as is_after_as_of,
    unsettled = 0 and ordered_at <= {{ as_of }} and (is_due or is_cancelled_in_time or due_at is null) as is_settled
from judged
