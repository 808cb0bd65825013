-- One row per support ticket: what it was about and what was known about the parcel when it came in.
--
-- State and avoidability use scans with known_at before the ticket only. Of several parcels of an order the ticket is
-- about the one it names, else one not yet delivered at that moment, the one shipped last first.
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

linked as (
    select
        tickets.* replace (coalesce(tickets.order_id, numbers.order_id, named.order_id) as order_id),
        named.shipment_id as named_shipment_id
    from tickets
    left join numbers
        on tickets.order_number = numbers.order_number and tickets.order_id is null
    left join {{ ref('fct_shipments') }} as named
        on tickets.tracking_number = named.tracking_number and named.shipment_id = named.tracking_number
),

parcels as (
    select
        linked.ticket_id,
        linked.created_at,
        shipments.shipment_id,
        shipments.label_created_at,
        shipments.accepted_at,
        shipments.week
    from linked
    inner join {{ ref('fct_shipments') }} as shipments
        on linked.order_id = shipments.order_id
        and (linked.named_shipment_id is null or linked.named_shipment_id = shipments.shipment_id)
    where not shipments.is_return
    union all
    select linked.ticket_id, linked.created_at, shipments.shipment_id, shipments.label_created_at, shipments.accepted_at,
        shipments.week
    from linked
    inner join {{ ref('fct_shipments') }} as shipments
        on linked.named_shipment_id = shipments.shipment_id
    where linked.order_id is null
),

known_scans as (
    select
        parcels.ticket_id,
        parcels.shipment_id,
        scans.occurred_at,
        scans.known_at,
        scans.milestone,
        milestones.milestone_rank,
        milestones.is_physical
    from {{ ref('fct_scans') }} as scans
    inner join parcels
        on scans.shipment_id = parcels.shipment_id
        and scans.known_at < parcels.created_at
        and scans.occurred_at < parcels.created_at
    inner join {{ ref('milestones') }} as milestones
        on scans.milestone = milestones.milestone
    where scans.shipment_id in (select shipment_id from parcels)
),

known as (
    select
        ticket_id,
        shipment_id,
        max_by(milestone, {{ event_order() }}) as last_milestone,
        max(occurred_at) as last_scan_at,
        bool_or(is_physical) as was_accepted,
        bool_or(milestone = 'delivered') as was_delivered,
        max_by(known_at, {{ event_order() }}) as last_known_at
    from known_scans
    group by ticket_id, shipment_id
),

chosen as (
    select
        parcels.ticket_id,
        parcels.shipment_id,
        parcels.label_created_at,
        known.last_milestone,
        known.last_scan_at,
        known.last_known_at,
        coalesce(known.was_accepted, false) as was_accepted,
        coalesce(known.was_delivered, false) as was_delivered
    from parcels
    left join known
        on parcels.ticket_id = known.ticket_id and parcels.shipment_id = known.shipment_id
    qualify row_number() over (
        partition by parcels.ticket_id
        order by
            coalesce(known.was_delivered, false),
            case when parcels.accepted_at < parcels.created_at then parcels.accepted_at end desc nulls last,
            parcels.shipment_id
    ) = 1
),

stated as (
    select
        linked.*,
        chosen.shipment_id,
        chosen.last_scan_at,
        orders.promised_date,
        orders.due_at,
        orders.destination_time_zone,
        case
            when linked.order_id is null and chosen.shipment_id is null then 'no_shipment_found'
            when chosen.shipment_id is null then 'not_shipped'
            when chosen.was_delivered then 'delivered'
            when not chosen.was_accepted and (chosen.last_scan_at is not null or chosen.label_created_at < linked.created_at)
                then 'label_only'
            when not chosen.was_accepted then 'not_shipped'
            when chosen.last_milestone = 'out_for_delivery' then 'out_for_delivery'
            when chosen.last_milestone in (
                'exception', 'delivery_attempted', 'returning_to_sender', 'returned_to_sender', 'lost', 'damaged', 'disposed'
            ) then 'exception_open'
            when chosen.last_scan_at + interval '{{ stalled }}' hour < linked.created_at then 'stalled'
            when orders.due_at <= linked.created_at then 'in_transit_past_promise'
            else 'in_transit_within_promise'
        end as state_at_contact,
        -- the earliest moment at which trouble could be seen from here
        case
            when chosen.was_delivered then null
            else least(
                case when orders.due_at < linked.created_at then orders.due_at end,
                case when chosen.was_accepted and chosen.last_scan_at + interval '{{ stalled }}' hour < linked.created_at
                    then chosen.last_scan_at + interval '{{ stalled }}' hour end,
                case when chosen.last_milestone in ('exception', 'delivery_attempted', 'returning_to_sender', 'lost', 'damaged')
                    then chosen.last_known_at end
            )
        end as trouble_known_at
    from linked
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
        select linked.ticket_id, linked.order_id, linked.created_at from linked where linked.order_id is not null
    )
)

select
    stated.shop,
    stated.source,
    stated.ticket_id,
    stated.order_id,
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
