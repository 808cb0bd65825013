{#-
What is known of a parcel or an order at a moment, and what was known of its lane, carrier and warehouse: the one definition
of the features that models are trained on and score with. `cases` is a query that yields kind ('order': not yet with the
carrier; 'transit'), case_id, shipment_id, order_id and moment; the answer has one row for each. Nothing that became known
at or after the moment may change a row: scans count by known_at, outcomes of other parcels by the day before.

`since`: SQL moment before which scans and outcomes are not looked at; null: never.
-#}
{% macro snapshots(cases, since) %}
{%- set zone = 'coalesce(orders.destination_time_zone, ' ~ run_value('time_zone') ~ ')' %}
with cases as (
    {{ cases }}
),

subjects as (
    select
        cases.kind,
        cases.case_id,
        cases.moment,
        cast(cases.moment as date) as day,
        cast(date_trunc('week', cases.moment) as date) as week,
        cases.shipment_id,
        cases.order_id,
        coalesce(shipments.shop, orders.shop) as shop,
        case when cases.kind = 'transit' then coalesce(shipments.carrier, 'unknown') else '*' end as carrier,
        coalesce(case when cases.kind = 'transit' then shipments.service end, 'unknown') as service,
        coalesce(shipments.lane, coalesce(orders.origin_node, orders.origin_region, 'unknown')
            || ' > ' || coalesce(orders.destination_region, 'unknown')) as lane,
        coalesce(shipments.origin_node, orders.origin_node, shipments.origin_region, orders.origin_region, 'unknown') as origin,
        coalesce(shipments.destination_region, orders.destination_region, 'unknown') as destination_region,
        coalesce(shipments.destination_country, orders.destination_country, 'unknown') as destination_country,
        orders.seller_id,
        -- postcodes are given out region by region almost everywhere: as a number, neighbours stay together
        try_cast(substring(orders.destination_postal_prefix, 1, 3) as integer) as destination_postal_area,
        try_cast(substring(orders.origin_postal_prefix, 1, 3) as integer) as origin_postal_area,
        orders.ordered_at,
        orders.order_amount,
        orders.shipping_amount,
        shipments.weight_grams,
        coalesce(shipments.promised_date, orders.promised_date) as promised_date,
        coalesce(shipments.due_at, orders.due_at) as due_at,
        shipments.committed_date,
        shipments.first_estimate_date,
        {{ zone }} as zone,
        {{ to_local('cases.moment', zone) }} as local_moment
    from cases
    left join {{ ref('fct_shipments') }} as shipments
        on cases.shipment_id = shipments.shipment_id
    left join {{ ref('int_orders') }} as orders
        on cases.order_id = orders.order_id
),

codes as (
    select
        subjects.case_id,
        subjects.moment,
        subjects.zone,
        scans.status_code,
        scans.milestone,
        milestones.milestone_rank,
        milestones.is_physical,
        scans.fault,
        count(*) as scans,
        min(scans.occurred_at) as first_at,
        max(scans.occurred_at) as occurred_at
    from subjects
    inner join {{ ref('fct_scans') }} as scans
        on subjects.shipment_id = scans.shipment_id and scans.known_at <= subjects.moment
    inner join {{ ref('milestones') }} as milestones
        on scans.milestone = milestones.milestone
    where scans.occurred_at <= subjects.moment
    {%- if since %} and scans.occurred_at >= {{ since }}{% endif %}
    group by all
),

seen as (
    select
        case_id,
        moment,
        min(case when is_physical then first_at end) as accepted_at,
        max(occurred_at) as last_scan_at,
        max_by(milestone, {{ event_order() }}) as last_milestone,
        max_by(status_code, {{ event_order() }}) as last_status_code,
        cast(sum(scans) as integer) as scans,
        -- a vendor has a code for arriving at a facility: how often the commonest code of travel came says how far it is
        cast(max(case when milestone = 'in_transit' then scans end) as integer) as stops,
        max_by(occurred_at, case when milestone = 'in_transit' then scans * 1000000000000 + epoch_us(occurred_at) / 1000000 end)
            as last_stop_at,
        cast(sum(case when milestone = 'exception' then scans else 0 end) as integer) as exceptions,
        cast(sum(case when fault = 'customs' then scans else 0 end) as integer) as customs_scans,
        cast(sum(case when fault = 'weather' then scans else 0 end) as integer) as weather_scans,
        cast(sum(case when fault = 'carrier' then scans else 0 end) as integer) as carrier_faults,
        cast(sum(case when milestone = 'delivery_attempted' then scans else 0 end) as integer) as failed_attempts,
        max(case when milestone = 'out_for_delivery' then occurred_at end) as out_at,
        max(case when milestone = 'arrived_destination' then occurred_at end) as arrived_at,
        bool_or(milestone in ('returning_to_sender', 'returned_to_sender')) as is_returning
    from codes
    group by case_id, moment
),

-- what an order says of its parcels before anybody has weighed them
bought as (
    select
        order_id,
        sum(cast(round(weight_grams * quantity) as bigint)) as weight_grams,
        cast(sum(unit_price * quantity) as double) as amount,
        cast(sum(shipping_amount) as double) as shipping_amount,
        cast(sum(quantity) as integer) as pieces
    from {{ ref('fct_order_lines') }}
    where order_id in (select order_id from subjects){% if since %} and ordered_at >= {{ since }}{% endif %}
    group by order_id
),

{{ performance(since) }}

select
    subjects.kind,
    subjects.case_id,
    subjects.moment,
    subjects.shipment_id,
    subjects.order_id,
    subjects.shop,
    subjects.carrier,
    subjects.service,
    subjects.lane,
    subjects.origin,
    subjects.destination_region,
    subjects.destination_country,
    subjects.destination_postal_area,
    subjects.origin_postal_area,
    subjects.promised_date,
    subjects.due_at,
    cast(subjects.local_moment as date) as local_date,
    now_no.operating_no,
    now_no.is_operating,
    cast(extract(hour from subjects.local_moment) as integer) as local_hour,
    {{ days_between("date '1970-01-05'", 'subjects.local_moment') }} % 7 as local_weekday,
    coalesce(subjects.weight_grams, bought.weight_grams) as weight_grams,
    coalesce(cast(subjects.order_amount as double), bought.amount) as order_amount,
    coalesce(cast(subjects.shipping_amount as double), bought.shipping_amount) as shipping_amount,
    bought.pieces,
    {{ days_between('subjects.ordered_at', 'subjects.promised_date') }} as promise_days,
    promised.operating_no - now_no.operating_no as slack_days,
    committed.operating_no - now_no.operating_no as commitment_slack_days,
    estimated.operating_no - now_no.operating_no as estimate_slack_days,
    {{ hours_between('subjects.ordered_at', 'subjects.moment') }} as hours_since_order,
    cast(extract(hour from subjects.ordered_at) as integer) as ordered_hour,
    {{ hours_between('subjects.ordered_at', 'seen.accepted_at') }} as handling_hours,
    now_no.operating_no - accepted.operating_no as days_since_acceptance,
    {{ hours_between('seen.accepted_at', 'subjects.moment') }} as hours_since_acceptance,
    {{ hours_between('seen.last_scan_at', 'subjects.moment') }} as hours_since_scan,
    seen.last_milestone,
    seen.last_status_code,
    seen.scans,
    seen.stops,
    24.0 * (stopped.operating_no - accepted.operating_no) + extract(hour from {{ to_local('seen.last_stop_at', 'subjects.zone') }})
        - extract(hour from {{ to_local('seen.accepted_at', 'subjects.zone') }}) as stop_hours,
    24.0 * (now_no.operating_no - accepted.operating_no) + extract(hour from subjects.local_moment)
        - extract(hour from {{ to_local('seen.accepted_at', 'subjects.zone') }}) as moving_hours,
    seen.exceptions,
    seen.customs_scans,
    seen.weather_scans,
    seen.carrier_faults,
    seen.failed_attempts,
    seen.is_returning,
    {{ days_between(to_local('seen.out_at', 'subjects.zone'), 'subjects.local_moment') }} as days_since_out,
    {{ days_between(to_local('seen.arrived_at', 'subjects.zone'), 'subjects.local_moment') }} as days_since_arrival,
    coalesce(usuals.usual_days, lane_usuals.usual_days) as usual_days,
    cast(coalesce(usuals.parcels, lane_usuals.parcels) as integer) as usual_parcels,
    cast(lane_usuals.parcels as integer) as lane_parcels,
    usuals.usual_stops,
    carrier_recent.pace_7d as carrier_pace_7d,
    carrier_recent.pace_28d as carrier_pace_28d,
    lane_recent.pace_7d as lane_pace_7d,
    lane_recent.pace_28d as lane_pace_28d,
    carrier_lane_recent.pace_56d as carrier_lane_pace_56d,
    handled_recent.handling_hours_7d,
    handled_recent.handling_hours_28d,
    handled_recent.load_7d,
    seller_recent.handling_hours as seller_handling_hours,
    cast(seller_recent.parcels as integer) as seller_parcels
from subjects
left join seen
    on subjects.case_id = seen.case_id and subjects.moment = seen.moment
left join bought
    on subjects.order_id = bought.order_id
{%- for name, moment in (
    ('now_no', 'subjects.local_moment'), ('promised', 'subjects.promised_date'), ('committed', 'subjects.committed_date'),
    ('estimated', 'subjects.first_estimate_date'), ('accepted', to_local('seen.accepted_at', 'subjects.zone')),
    ('stopped', to_local('seen.last_stop_at', 'subjects.zone'))) %}
left join {{ ref('int_operating_days') }} as {{ name }}
    on subjects.carrier = {{ name }}.carrier and subjects.destination_country = {{ name }}.destination_country
    and cast({{ moment }} as date) = {{ name }}.day
{%- endfor %}
left join usuals
    on subjects.week = usuals.week and subjects.lane = usuals.lane and subjects.service = usuals.service
left join lane_usuals
    on subjects.week = lane_usuals.week and subjects.lane = lane_usuals.lane
left join carrier_recent
    on subjects.day = carrier_recent.day and subjects.carrier = carrier_recent.carrier
left join lane_recent
    on subjects.day = lane_recent.day and subjects.lane = lane_recent.lane
left join carrier_lane_recent
    on subjects.week = carrier_lane_recent.week and subjects.carrier = carrier_lane_recent.carrier
    and subjects.lane = carrier_lane_recent.lane
left join handled_recent
    on subjects.day = handled_recent.day and subjects.origin = handled_recent.origin
left join seller_recent
    on subjects.day = seller_recent.day and subjects.seller_id = seller_recent.seller_id
{% endmacro %}


{#-
Snapshots of the past with what became of each case by now: for training and for looking back. `cases` as above, with
delivered_date and is_gone (will never be delivered) beside them.
-#}
{% macro snapshots_with_outcomes(cases) %}
{%- set moments %}
    select kind, case_id, shipment_id, order_id, moment from ({{ cases }}) as asked
{%- endset %}
with taken as (
    {{ snapshots(moments, none) }}
),

outcomes as (
    {{ cases }}
)

select
    taken.*,
    delivered.operating_no - taken.operating_no as outcome_days,
    -- whole operating days that an open parcel has survived since
    today.operating_no - taken.operating_no - 1 as outcome_survived_days,
    outcomes.is_gone as outcome_is_gone,
    outcomes.delivered_date as outcome_delivered_date
from taken
inner join outcomes
    on taken.kind = outcomes.kind and taken.case_id = outcomes.case_id and taken.moment = outcomes.moment
left join {{ ref('int_operating_days') }} as delivered
    on taken.carrier = delivered.carrier and taken.destination_country = delivered.destination_country
    and outcomes.delivered_date = delivered.day
left join {{ ref('int_operating_days') }} as today
    on taken.carrier = today.carrier and taken.destination_country = today.destination_country
    and cast({{ as_of() }} as date) = today.day
{% endmacro %}
