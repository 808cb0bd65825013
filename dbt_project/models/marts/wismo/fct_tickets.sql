-- One row per support ticket: what it was about and what was known about the parcel when it came in.
--
-- State and avoidability use scans with known_at before the ticket only; state_to_customer those that had happened. Of
-- several parcels of an order the ticket is about the one it names, else one not yet known to be delivered at that moment,
-- the one shipped last first.
-- depends_on: {{ ref('int_touched') }}
-- depends_on: {{ ref('int_arrived_tickets') }}
{{ config(unique_key='ticket_id', incremental_strategy='touched', touched_kind='ticket', materialized='incremental') }}
{%- set stalled = setting('thresholds.stalled_hours') %}

with tickets as (
    select *
    from {{ ref('int_tickets') }}
    {% if is_incremental() %}where ticket_id in ({{ touched('ticket') }}){% endif %}
),

numbers as (
    select order_number, min(order_id) as order_id
    from {{ ref('int_orders') }}
    where order_number in (select order_number from tickets)
    group by order_number
),

-- who names no order writes about the latest one of the last sixty days
bought as (
    {%- for token in ['customer_token', 'email_token'] %}
    select tickets.ticket_id, orders.order_id, orders.ordered_at
    from tickets
    inner join {{ ref('int_orders') }} as orders
        on tickets.{{ token }} = orders.{{ token }}
        and orders.ordered_at < tickets.created_at
        and orders.ordered_at > tickets.created_at - interval '60' day
    where tickets.order_id is null
    {{- " union all" if not loop.last }}
    {%- endfor %}
),

latest as (
    select ticket_id, order_id
    from bought
    qualify row_number() over (partition by ticket_id order by ordered_at desc, order_id) = 1
),

linked as (
    select
        tickets.* replace (coalesce(tickets.order_id, numbers.order_id, named.order_id, latest.order_id) as order_id),
        named.shipment_id as named_shipment_id,
        case
            when tickets.order_id is not null then 'stated'
            when numbers.order_id is not null then 'order_number'
            when named.shipment_id is not null then 'tracking_number'
            when latest.order_id is not null then 'customer'
            else 'none'
        end as order_basis
    from tickets
    left join numbers
        on tickets.order_number = numbers.order_number and tickets.order_id is null
    left join {{ ref('fct_shipments') }} as named
        on tickets.tracking_number = named.tracking_number and named.shipment_id = named.tracking_number
    left join latest
        on tickets.ticket_id = latest.ticket_id and named.shipment_id is null
),

parcels as (
    select
        linked.ticket_id,
        linked.created_at,
        shipments.shipment_id,
        shipments.label_created_at
    from linked
    inner join {{ ref('fct_shipments') }} as shipments
        on linked.order_id = shipments.order_id
        and (linked.named_shipment_id is null or linked.named_shipment_id = shipments.shipment_id)
    where not shipments.is_return
    union all
    select linked.ticket_id, linked.created_at, shipments.shipment_id, shipments.label_created_at
    from linked
    inner join {{ ref('fct_shipments') }} as shipments
        on linked.named_shipment_id = shipments.shipment_id
    where linked.order_id is null
),

scans as (
    select
        parcels.ticket_id,
        parcels.shipment_id,
        scans.occurred_at,
        scans.known_at,
        scans.known_at < parcels.created_at as was_known,
        scans.milestone,
        milestones.milestone_rank,
        milestones.is_physical
    from {{ ref('fct_scans') }} as scans
    inner join parcels
        on scans.shipment_id = parcels.shipment_id
        and scans.occurred_at < parcels.created_at
    inner join {{ ref('milestones') }} as milestones
        on scans.milestone = milestones.milestone
    where scans.shipment_id in (select shipment_id from parcels)
),

-- by two clocks: what had been reported to us, and what had happened and the carrier could show
seen as (
    {%- for clock in ['known', 'shown'] %}
    select
        ticket_id,
        shipment_id,
        '{{ clock }}' as clock,
        max_by(milestone, {{ event_order() }}) as last_milestone,
        max(occurred_at) as last_scan_at,
        max_by(known_at, {{ event_order() }}) as last_known_at,
        min(case when is_physical then occurred_at end) as accepted_at,
        bool_or(milestone = 'delivered') as was_delivered
    from scans
    {{ "where was_known" if clock == 'known' }}
    group by ticket_id, shipment_id
    {{- " union all" if not loop.last }}
    {%- endfor %}
),

chosen as (
    select parcels.*
    from parcels
    left join seen
        on parcels.ticket_id = seen.ticket_id and parcels.shipment_id = seen.shipment_id and seen.clock = 'known'
    qualify row_number() over (
        partition by parcels.ticket_id
        order by
            coalesce(seen.was_delivered, false),
            seen.accepted_at desc nulls last,
            parcels.label_created_at < parcels.created_at desc nulls last,
            parcels.shipment_id
    ) = 1
),

states as (
    select
        linked.ticket_id,
        clocks.clock,
        seen.last_scan_at,
        case
            when linked.order_id is null and chosen.shipment_id is null then 'no_shipment_found'
            when chosen.shipment_id is null then 'not_shipped'
            when seen.was_delivered then 'delivered'
            when seen.accepted_at is null and (seen.last_scan_at is not null or chosen.label_created_at < linked.created_at)
                then 'label_only'
            when seen.accepted_at is null then 'not_shipped'
            when seen.last_milestone = 'out_for_delivery' then 'out_for_delivery'
            when seen.last_milestone in (
                'exception', 'delivery_attempted', 'returning_to_sender', 'returned_to_sender', 'lost', 'damaged', 'disposed'
            ) then 'exception_open'
            when seen.last_scan_at + interval '{{ stalled }}' hour < linked.created_at then 'stalled'
            when orders.due_at <= linked.created_at then 'in_transit_past_promise'
            else 'in_transit_within_promise'
        end as state,
        -- the earliest moment at which trouble could be seen from here
        case
            when seen.was_delivered then null
            else least(
                case when orders.due_at < linked.created_at then orders.due_at end,
                case when seen.accepted_at is not null and seen.last_scan_at + interval '{{ stalled }}' hour < linked.created_at
                    then seen.last_scan_at + interval '{{ stalled }}' hour end,
                case when seen.last_milestone in ('exception', 'delivery_attempted', 'returning_to_sender', 'lost', 'damaged')
                    then seen.last_known_at end
            )
        end as trouble_known_at
    from linked
    cross join (select 'known' as clock union all select 'shown') as clocks
    left join chosen
        on linked.ticket_id = chosen.ticket_id
    left join seen
        on chosen.ticket_id = seen.ticket_id and chosen.shipment_id = seen.shipment_id and clocks.clock = seen.clock
    left join {{ ref('int_orders') }} as orders
        on linked.order_id = orders.order_id
),

stated as (
    select
        linked.*,
        chosen.shipment_id,
        orders.promised_date,
        orders.destination_time_zone,
        known.last_scan_at,
        known.state as state_at_contact,
        known.trouble_known_at,
        shown.state as state_to_customer
    from linked
    inner join states as known
        on linked.ticket_id = known.ticket_id and known.clock = 'known'
    inner join states as shown
        on linked.ticket_id = shown.ticket_id and shown.clock = 'shown'
    left join chosen
        on linked.ticket_id = chosen.ticket_id
    left join {{ ref('int_orders') }} as orders
        on linked.order_id = orders.order_id
),

noticed as (
    select stated.ticket_id, min(notices.sent_at) as sent_at
    from stated
    inner join {{ ref('fct_notices') }} as notices
        on notices.order_id = stated.order_id
        and notices.sent_at >= stated.trouble_known_at
        and notices.sent_at < stated.created_at
    group by stated.ticket_id
),

contacts as (
    select
        ticket_id,
        row_number() over (partition by order_id order by created_at, ticket_id) as contact_number
    from (
        select ticket_id, order_id, created_at from linked where order_id is not null
        {%- if is_incremental() %}
        union all
        select ticket_id, order_id, created_at
        from {{ this }}
        where order_id in (select order_id from linked) and ticket_id not in (select ticket_id from linked)
        {%- endif %}
    )
)

select
    stated.shop,
    stated.source,
    stated.ticket_id,
    stated.order_id,
    stated.order_basis,
    stated.shipment_id,
    stated.customer_token,
    stated.created_at,
    cast({{ to_local('stated.created_at', run_value('time_zone')) }} as date) as created_date,
    stated.channel,
    stated.status,
    stated.score,
    stated.topic,
    stated.topic_confidence,
    stated.topic_basis,
    stated.topic_rules_version,
    stated.state_at_contact,
    stated.state_to_customer,
    {{ hours_between('stated.last_scan_at', 'stated.created_at') }} as hours_since_last_scan,
    {{ hours_between('stated.trouble_known_at', 'stated.created_at') }} as hours_known_before,
    noticed.sent_at as noticed_at,
    coalesce(
        stated.topic in ('wismo', 'delivery_problem')
        and stated.trouble_known_at + interval '{{ setting("thresholds.known_before_hours") }}' hour <= stated.created_at
        and noticed.sent_at is null,
        false
    ) as was_avoidable,
    {{ days_between('stated.promised_date', to_local('stated.created_at', 'stated.destination_time_zone')) }} as days_past_promise,
    cast(contacts.contact_number as integer) as contact_number,
    stated.created_at > {{ as_of() }} as is_after_as_of
from stated
left join noticed
    on stated.ticket_id = noticed.ticket_id
left join contacts
    on stated.ticket_id = contacts.ticket_id
