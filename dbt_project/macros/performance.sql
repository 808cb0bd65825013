{#-
How lanes, carriers and warehouses did before a moment, as CTEs of `snapshots`: usual operating days in transit by lane and
service (the eight weeks before), pace against the usual by carrier and lane (a week, four weeks), handling by warehouse and
seller.
Everything counts from the day after it became known.
-#}
{% macro performance(since) %}
{%- set zone = 'coalesce(orders.destination_time_zone, ' ~ run_value('time_zone') ~ ')' -%}
known as (
    select
        scans.shipment_id,
        min(case when scans.milestone = 'delivered' then scans.known_at end) as delivery_known_at,
        cast(min(case when scans.milestone = 'delivered' then scans.known_at end) as date) as delivery_known_day,
        cast(min(case when scans.milestone = 'accepted' then scans.known_at end) as date) as acceptance_known_day
    from {{ ref('fct_scans') }} as scans
    where scans.milestone in ('delivered', 'accepted')
    {%- if since %} and scans.occurred_at >= {{ since }}{% endif %}
    group by scans.shipment_id
),

-- at how many places a parcel was seen until it was there
stopped_at as (
    select shipment_id, max(scans) as stops
    from (
        select scans.shipment_id, scans.status_code, count(*) as scans
        from {{ ref('fct_scans') }} as scans
        inner join known
            on scans.shipment_id = known.shipment_id and scans.known_at <= known.delivery_known_at
        where scans.milestone = 'in_transit'
        {%- if since %} and scans.occurred_at >= {{ since }}{% endif %}
        group by scans.shipment_id, scans.status_code
    ) as by_code
    group by shipment_id
),

-- what became of other parcels, by the day on which it became known
lives as (
    select
        shipments.lane,
        coalesce(shipments.carrier, 'unknown') as carrier,
        coalesce(shipments.service, 'unknown') as service,
        coalesce(shipments.origin_node, shipments.origin_region, 'unknown') as origin,
        orders.seller_id,
        coalesce(shipments.destination_country, 'unknown') as destination_country,
        known.acceptance_known_day,
        known.delivery_known_day,
        coalesce(stopped_at.stops, 0) as stops,
        cast({{ to_local('shipments.accepted_at', zone) }} as date) as accepted_date,
        cast(shipments.delivered_local as date) as delivered_date,
        least(greatest({{ hours_between('orders.ordered_at', 'shipments.accepted_at') }}, 0), 1000) as handling_hours
    from {{ ref('fct_shipments') }} as shipments
    inner join known
        on shipments.shipment_id = known.shipment_id
    left join stopped_at
        on shipments.shipment_id = stopped_at.shipment_id
    left join {{ ref('int_orders') }} as orders
        on shipments.order_id = orders.order_id
    where shipments.is_first_delivery
),

outcomes as (
    select
        lives.lane,
        lives.carrier,
        lives.service,
        lives.stops,
        lives.delivery_known_day as known_day,
        cast(date_trunc('week', lives.delivery_known_day) as date) as known_week,
        least(greatest(ended.operating_no - began.operating_no, 0), 60) as transit_days
    from lives
    inner join {{ ref('int_operating_days') }} as began
        on lives.carrier = began.carrier and lives.destination_country = began.destination_country
        and lives.accepted_date = began.day
    inner join {{ ref('int_operating_days') }} as ended
        on lives.carrier = ended.carrier and lives.destination_country = ended.destination_country
        and lives.delivered_date = ended.day
    where lives.delivery_known_day is not null
),

weeks as (
    select week from subjects union select known_week from outcomes
),

lane_weeks as (
    select lane, service, known_week, count(*) as parcels, sum(transit_days) as days, sum(stops) as stops
    from outcomes
    group by all
),

service_usuals as (
    select weeks.week, lane_weeks.service, cast(sum(days) as double) / sum(parcels) as usual_days
    from weeks
    inner join lane_weeks
        on lane_weeks.known_week < weeks.week and lane_weeks.known_week >= weeks.week - interval '56' day
    group by weeks.week, lane_weeks.service
),

usuals as (
    select
        weeks.week,
        lane_weeks.lane,
        lane_weeks.service,
        sum(lane_weeks.parcels) as parcels,
        cast(sum(lane_weeks.stops) as double) / sum(lane_weeks.parcels) as usual_stops,
        (sum(lane_weeks.days) + 5 * max(service_usuals.usual_days)) / (sum(lane_weeks.parcels) + 5) as usual_days
    from weeks
    inner join lane_weeks
        on lane_weeks.known_week < weeks.week and lane_weeks.known_week >= weeks.week - interval '56' day
    inner join service_usuals
        on weeks.week = service_usuals.week and lane_weeks.service = service_usuals.service
    group by weeks.week, lane_weeks.lane, lane_weeks.service
),

-- any service together, for orders whose service is not chosen yet
lane_usuals as (
    select week, lane, sum(parcels) as parcels, sum(usual_days * parcels) / sum(parcels) as usual_days
    from usuals
    group by week, lane
),

against_usual as (
    select outcomes.known_day, outcomes.carrier, outcomes.lane, outcomes.transit_days, usuals.usual_days
    from outcomes
    inner join usuals
        on outcomes.known_week = usuals.week and outcomes.lane = usuals.lane and outcomes.service = usuals.service
),

{% for key in ('carrier', 'lane') %}
{{ key }}_days as (
    select {{ key }}, known_day, sum(transit_days) as days, sum(usual_days) as usual_days
    from against_usual
    group by all
),

{{ key }}_recent as (
    select
        asked.day,
        asked.{{ key }},
        (sum(case when past.known_day >= asked.day - interval '7' day then past.days end) + 10)
            / (sum(case when past.known_day >= asked.day - interval '7' day then past.usual_days end) + 10) as pace_7d,
        (sum(past.days) + 10) / (sum(past.usual_days) + 10) as pace_28d
    from (select distinct day, {{ key }} from subjects) as asked
    inner join {{ key }}_days as past
        on asked.{{ key }} = past.{{ key }} and past.known_day < asked.day and past.known_day >= asked.day - interval '28' day
    group by asked.day, asked.{{ key }}
),
{% endfor %}

carrier_lane_days as (
    select carrier, lane, known_day, sum(transit_days) as days, sum(usual_days) as usual_days
    from against_usual
    group by all
),

carrier_lane_recent as (
    select asked.week, asked.carrier, asked.lane, (sum(past.days) + 20) / (sum(past.usual_days) + 20) as pace_56d
    from (select distinct week, carrier, lane from subjects) as asked
    inner join carrier_lane_days as past
        on asked.carrier = past.carrier and asked.lane = past.lane
        and past.known_day < asked.week and past.known_day >= asked.week - interval '56' day
    group by asked.week, asked.carrier, asked.lane
),

handled_days as (
    select origin, acceptance_known_day as known_day, count(*) as parcels, sum(handling_hours) as hours
    from lives
    where acceptance_known_day is not null and handling_hours is not null
    group by origin, acceptance_known_day
),

handled_recent as (
    select
        asked.day,
        asked.origin,
        sum(case when past.known_day >= asked.day - interval '7' day then past.hours end)
            / sum(case when past.known_day >= asked.day - interval '7' day then past.parcels end) as handling_hours_7d,
        sum(past.hours) / sum(past.parcels) as handling_hours_28d,
        4.0 * sum(case when past.known_day >= asked.day - interval '7' day then past.parcels else 0 end) / sum(past.parcels) as load_7d
    from (select distinct day, origin from subjects) as asked
    inner join handled_days as past
        on asked.origin = past.origin and past.known_day < asked.day and past.known_day >= asked.day - interval '28' day
    group by asked.day, asked.origin
),

seller_days as (
    select seller_id, acceptance_known_day as known_day, count(*) as parcels, sum(handling_hours) as hours
    from lives
    where acceptance_known_day is not null and handling_hours is not null and seller_id is not null
    group by seller_id, acceptance_known_day
),

-- with the weight of five parcels of three days' handling beside what little a seller has shown
seller_recent as (
    select asked.day, asked.seller_id, sum(past.parcels) as parcels, (sum(past.hours) + 360) / (sum(past.parcels) + 5) as handling_hours
    from (select distinct day, seller_id from subjects where seller_id is not null) as asked
    inner join seller_days as past
        on asked.seller_id = past.seller_id and past.known_day < asked.day and past.known_day >= asked.day - interval '84' day
    group by asked.day, asked.seller_id
)
{% endmacro %}
