-- One row per day, carrier and service: contacts by topic and by what the parcel was doing, beside both exposures (orders
-- placed that day, parcels open that day). Tickets without a parcel stand under carrier `none`.
-- depends_on: {{ ref('int_touched') }}
-- depends_on: {{ ref('int_arrived_tickets') }}
-- depends_on: {{ ref('int_arrived_orders') }}
-- depends_on: {{ ref('int_orders') }}
{{ config(unique_key='day', incremental_strategy='touched', touched_kind='day', materialized='incremental') }}
{%- set zone = run_value('time_zone') %}
{%- set from_day = touched_from_day() %}

with tickets as (
    select
        tickets.shop,
        tickets.created_date as day,
        coalesce(shipments.carrier, 'none') as carrier,
        coalesce(shipments.service, 'none') as service,
        tickets.topic,
        tickets.state_at_contact,
        tickets.was_avoidable
    from {{ ref('fct_tickets') }} as tickets
    left join {{ ref('fct_shipments') }} as shipments
        on tickets.shipment_id = shipments.shipment_id
    where not tickets.is_after_as_of
    {%- if is_incremental() %} and tickets.created_date >= {{ from_day }}{% endif %}
),

contacts as (
    select
        shop, day, carrier, service,
        cast(count(*) as integer) as tickets,
        {% for topic in ['wismo', 'delivery_problem', 'return_refund', 'order_change', 'product', 'other'] -%}
        cast(count(*) filter (where topic = '{{ topic }}') as integer) as {{ topic }}_tickets,
        {% endfor -%}
        {% for state in ['not_shipped', 'label_only', 'in_transit_within_promise', 'in_transit_past_promise', 'stalled',
            'exception_open', 'out_for_delivery', 'delivered', 'no_shipment_found'] -%}
        cast(count(*) filter (where topic = 'wismo' and state_at_contact = '{{ state }}') as integer) as wismo_{{ state }},
        {% endfor -%}
        cast(count(*) filter (where was_avoidable) as integer) as avoidable_tickets
    from tickets
    group by shop, day, carrier, service
),

first_parcels as (
    select order_id, min_by(carrier, shipment_id) as carrier, min_by(service, shipment_id) as service
    from {{ ref('fct_shipments') }}
    where is_first_delivery and order_id is not null
    {%- if is_incremental() %} and order_id in (select order_id from {{ ref('fct_orders') }} where ordered_date >= {{ from_day }}){% endif %}
    group by order_id
),

placed as (
    select
        orders.shop,
        orders.ordered_date as day,
        coalesce(first_parcels.carrier, 'none') as carrier,
        coalesce(first_parcels.service, 'none') as service,
        cast(count(*) as integer) as orders_placed
    from {{ ref('fct_orders') }} as orders
    left join first_parcels
        on orders.order_id = first_parcels.order_id
    where not orders.is_after_as_of
    {%- if is_incremental() %} and orders.ordered_date >= {{ from_day }}{% endif %}
    group by all
),

spans as (
    select
        shop,
        coalesce(carrier, 'none') as carrier,
        coalesce(service, 'none') as service,
        cast({{ to_local('accepted_at', zone) }} as date) as first_day,
        cast({{ to_local('least(coalesce(ended_at, ' ~ as_of() ~ '), ' ~ as_of() ~ ')', zone) }} as date) as last_day
    from {{ ref('fct_shipments') }}
    where accepted_at is not null
    {%- if is_incremental() %} and (ended_at is null or cast({{ to_local('ended_at', zone) }} as date) >= {{ from_day }}){% endif %}
),

days as (
    {{ days_spine("(select min(first_day) from spans)", "(select max(last_day) from spans)") }}
),

exposed as (
    select spans.shop, days.day, spans.carrier, spans.service, cast(sum(spans.parcels) as integer) as parcels_open
    from (select shop, carrier, service, first_day, last_day, count(*) as parcels from spans group by all) as spans
    inner join days
        on days.day between spans.first_day and spans.last_day
    {% if is_incremental() %}where days.day >= {{ from_day }}{% endif %}
    group by all
),

cells as (
    select shop, day, carrier, service from contacts
    union
    select shop, day, carrier, service from placed
    union
    select shop, day, carrier, service from exposed
)

select
    cells.shop,
    cells.day,
    cells.carrier,
    cells.service,
    coalesce(placed.orders_placed, 0) as orders_placed,
    coalesce(exposed.parcels_open, 0) as parcels_open,
    coalesce(contacts.tickets, 0) as tickets,
    {% for topic in ['wismo', 'delivery_problem', 'return_refund', 'order_change', 'product', 'other'] -%}
    coalesce(contacts.{{ topic }}_tickets, 0) as {{ topic }}_tickets,
    {% endfor -%}
    {% for state in ['not_shipped', 'label_only', 'in_transit_within_promise', 'in_transit_past_promise', 'stalled',
        'exception_open', 'out_for_delivery', 'delivered', 'no_shipment_found'] -%}
    coalesce(contacts.wismo_{{ state }}, 0) as wismo_{{ state }},
    {% endfor -%}
    coalesce(contacts.avoidable_tickets, 0) as avoidable_tickets,
    coalesce(contacts.wismo_tickets, 0) * cast({{ setting('costs.per_contact') }} as decimal(18, 4)) as wismo_cost
from cells
left join contacts
    on cells.shop = contacts.shop and cells.day = contacts.day and cells.carrier = contacts.carrier
    and cells.service = contacts.service
left join placed
    on cells.shop = placed.shop and cells.day = placed.day and cells.carrier = placed.carrier
    and cells.service = placed.service
left join exposed
    on cells.shop = exposed.shop and cells.day = exposed.day and cells.carrier = exposed.carrier
    and cells.service = exposed.service
