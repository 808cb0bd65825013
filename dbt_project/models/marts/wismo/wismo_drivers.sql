-- One row per scope (carrier; service; lane; category; state; channel; all) and value of it, over the 28 days before as_of: who
-- writes about deliveries, beside both exposures, ranked by what the avoidable contacts cost.
--
-- Prevented: of the avoidable contacts, the share that a notice at the moment we knew is assumed to spare (setting
-- costs.notice_deflection; measure it against a control group). A contact is about its order's largest line's category.
{{ config(materialized='table') }}
{%- set as_of = as_of() %}
{%- set zone = run_value('time_zone') %}
{%- set scopes = ['all', 'carrier', 'service', 'lane', 'category', 'state', 'channel'] %}
{%- set since = 'cast(' ~ to_local(as_of, zone) ~ " as date) - interval '28' day" %}
{%- set until = 'cast(' ~ to_local(as_of, zone) ~ ' as date)' %}

with tickets as (
    select
        tickets.shop,
        tickets.order_id,
        tickets.channel,
        tickets.topic,
        tickets.state_at_contact as state,
        tickets.was_avoidable,
        tickets.hours_known_before,
        tickets.contact_number,
        shipments.carrier,
        shipments.carrier || ' ' || shipments.service as service,
        shipments.lane
    from {{ ref('fct_tickets') }} as tickets
    left join {{ ref('fct_shipments') }} as shipments
        on tickets.shipment_id = shipments.shipment_id
    where not tickets.is_after_as_of and tickets.created_date >= {{ since }} and tickets.created_date < {{ until }}
),

placed as (
    select shop, order_id
    from {{ ref('fct_orders') }}
    where not is_after_as_of and ordered_date >= {{ since }} and ordered_date < {{ until }}
),

categories as (
    select order_id, max_by(category, coalesce(quantity * unit_price, 0)) as category
    from {{ ref('fct_order_lines') }}
    where order_id in (select order_id from tickets union select order_id from placed)
    group by order_id
),

first_parcels as (
    select
        order_id,
        min_by(carrier, shipment_id) as carrier,
        min_by(carrier || ' ' || service, shipment_id) as service,
        min_by(lane, shipment_id) as lane
    from {{ ref('fct_shipments') }}
    where is_first_delivery and order_id in (select order_id from placed)
    group by order_id
),

open_parcels as (
    select
        shipments.shop,
        shipments.carrier,
        shipments.carrier || ' ' || shipments.service as service,
        shipments.lane,
        shipments.order_id,
        {{ days_between(
            'greatest(cast(' ~ to_local('shipments.accepted_at', zone) ~ ' as date), ' ~ since ~ ')',
            'least(cast(' ~ to_local('coalesce(shipments.ended_at, ' ~ as_of ~ ')', zone) ~ " as date) + interval '1' day, " ~ until ~ ')'
        ) }} as days
    from {{ ref('fct_shipments') }} as shipments
    where shipments.accepted_at < {{ as_of }} and coalesce(shipments.ended_at, {{ as_of }}) >= {{ as_of }} - interval '29' day
),

contacts as (
    {%- for scope in scopes %}
    select
        tickets.shop,
        '{{ scope }}' as scope,
        {{ "'all'" if scope == 'all' else "coalesce(" ~ ("categories." if scope == 'category' else "tickets.") ~ scope ~ ", 'none')" }} as scope_value,
        tickets.topic,
        tickets.was_avoidable,
        tickets.hours_known_before,
        tickets.contact_number
    from tickets
    left join categories
        on tickets.order_id = categories.order_id
    where tickets.topic in ('wismo', 'delivery_problem')
    {{- " union all" if not loop.last }}
    {%- endfor %}
),

counted as (
    select
        shop, scope, scope_value,
        cast(count(*) filter (where topic = 'wismo') as integer) as wismo_tickets,
        cast(count(*) filter (where topic = 'delivery_problem') as integer) as delivery_problem_tickets,
        cast(count(*) filter (where was_avoidable) as integer) as avoidable_tickets,
        cast(count(*) filter (where contact_number > 1) as integer) as repeat_tickets,
        median(case when was_avoidable then hours_known_before end) as hours_known_before_p50
    from contacts
    group by shop, scope, scope_value
),

-- both exposures in one pass each; scopes are sums of these
placed_cells as (
    select placed.shop, first_parcels.carrier, first_parcels.service, first_parcels.lane, categories.category, count(*) as orders
    from placed
    left join first_parcels
        on placed.order_id = first_parcels.order_id
    left join categories
        on placed.order_id = categories.order_id
    group by all
),

open_cells as (
    select
        open_parcels.shop, open_parcels.carrier, open_parcels.service, open_parcels.lane, categories.category,
        sum(greatest(open_parcels.days, 0)) as days
    from open_parcels
    left join categories
        on open_parcels.order_id = categories.order_id
    group by all
),

exposed as (
    {%- for scope in scopes %}
    {%- set own = "'all'" if scope in ('all', 'state', 'channel') else "coalesce(" ~ scope ~ ", 'none')" %}
    select shop, '{{ scope }}' as scope, {{ own }} as scope_value, sum(orders) as orders, 0 as days from placed_cells group by all
    union all
    select shop, '{{ scope }}', {{ own }}, 0, sum(days) from open_cells group by all
    {{- " union all" if not loop.last }}
    {%- endfor %}
),

exposures as (
    select shop, scope, scope_value, cast(sum(orders) as integer) as orders_placed, cast(sum(days) as bigint) as parcel_days_open
    from exposed
    group by shop, scope, scope_value
),

valued as (
    select
        counted.*,
        exposures.orders_placed,
        exposures.parcel_days_open,
        cast(counted.avoidable_tickets * {{ setting('costs.per_contact') }} as decimal(18, 4)) as avoidable_cost
    from counted
    left join exposures
        on counted.shop = exposures.shop and counted.scope = exposures.scope
        and exposures.scope_value = case when counted.scope in ('state', 'channel') then 'all' else counted.scope_value end
)

select
    shop,
    scope,
    scope_value,
    cast(row_number() over (partition by shop, scope order by avoidable_cost desc, wismo_tickets desc, scope_value) as integer) as driver_rank,
    coalesce(orders_placed, 0) as orders_placed,
    coalesce(parcel_days_open, 0) as parcel_days_open,
    wismo_tickets,
    delivery_problem_tickets,
    repeat_tickets,
    avoidable_tickets,
    avoidable_cost,
    {{ rate('1000 * wismo_tickets', 'orders_placed') }} as wismo_per_1000_orders,
    {{ rate('1000 * wismo_tickets', 'parcel_days_open') }} as wismo_per_1000_parcels_open,
    hours_known_before_p50,
    cast({{ setting('costs.notice_deflection') }} as double) as notice_deflection,
    avoidable_tickets * cast({{ setting('costs.notice_deflection') }} as double) as preventable_tickets,
    cast(avoidable_cost * {{ setting('costs.notice_deflection') }} as decimal(18, 4)) as preventable_cost
from valued
