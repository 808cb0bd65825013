{#-
What fct_shipments needs to know of calendars: what the carrier owes, and whose lateness it is. Each macro yields CTEs.
-#}

{#- Operating days of a carrier's week up to a day of dim_dates. -#}
{% macro week_number(day, week='late.operating_days') -%}
case {{ week }} when 'mon_sun' then {{ day }}.mon_sun_number when 'mon_sat' then {{ day }}.mon_sat_number else {{ day }}.mon_fri_number end
{%- endmacro %}

{#-
`committed`: the parcels with service level, calendars, and what the carrier owes: the date it gave itself, else its
service standard of the day in force: counted in operating days at the destination, from the first operating day at the
origin on which the hand-over came before the cut-off (origin's local time).
-#}
{% macro commitment_ctes(parcels) %}
places as (
    select
        regions.country,
        regions.region,
        regions.time_zone,
        coalesce(calendars.calendar, countries.calendar, '*') as calendar
    from {{ ref('regions') }} as regions
    left join (select distinct country, region, calendar from {{ ref('dim_dates') }}) as calendars
        on regions.country = calendars.country and regions.region = calendars.region
    left join (select distinct country, calendar from {{ ref('dim_dates') }} where region = '*') as countries
        on regions.country = countries.country
),

-- the days on which a carrier's week works, by their number
operating as (
    {%- for name, last in {'mon_fri': 5, 'mon_sat': 6, 'mon_sun': 7}.items() %}
    select calendar, '{{ name }}' as operating_days, {{ name }}_number as number, day
    from {{ ref('dim_dates') }} where weekday <= {{ last }} and not is_holiday
    {{- " union all" if not loop.last }}
    {%- endfor %}
),

serviced as (
    select
        parcels.*,
        coalesce(origins.time_zone, origin_countries.time_zone, {{ run_value('time_zone') }}) as origin_zone,
        coalesce(origins.calendar, origin_countries.calendar, '*') as origin_calendar,
        coalesce(destinations.calendar, destination_countries.calendar, '*') as destination_calendar,
        coalesce(carriers.operating_days, 'mon_fri') as operating_days,
        coalesce(services.service_level, any_carrier.service_level, 'other') as service_level,
        services.transit_days,
        services.cutoff,
        coalesce(services.is_money_back, false) as is_money_back,
        services.late_claim_days
    from {{ parcels }} as parcels
    left join places as origins
        on parcels.origin_country = origins.country and parcels.origin_region = origins.region
    left join places as origin_countries
        on parcels.origin_country = origin_countries.country and origin_countries.region = '*'
    left join places as destinations
        on parcels.destination_country = destinations.country and parcels.destination_region = destinations.region
    left join places as destination_countries
        on parcels.destination_country = destination_countries.country and destination_countries.region = '*'
    left join {{ ref('carriers') }} as carriers
        on parcels.carrier = carriers.carrier
    left join {{ ref('dim_services') }} as services
        on parcels.carrier = services.carrier
        and lower(trim(parcels.service)) = services.service
        and coalesce(cast(parcels.accepted_at as date), cast(parcels.shipped_at as date)) between services.valid_from and services.valid_to
        and (services.destination = 'any' or (services.destination = 'domestic') = (parcels.origin_country = parcels.destination_country))
    left join {{ ref('dim_services') }} as any_carrier
        on any_carrier.carrier = '*' and lower(trim(parcels.service)) = any_carrier.service
),

taken as (
    select
        shipment_id,
        origin_calendar,
        destination_calendar,
        operating_days,
        transit_days,
        cast({{ add_days(to_local('accepted_at', 'origin_zone'), "case when cast(" ~ to_local('accepted_at', 'origin_zone') ~ " as time) > cast(cutoff as time) then 0 else -1 end") }} as date)
            as eve
    from serviced
    where committed_date is null and transit_days is not null and accepted_at is not null
),

-- left joins: they keep their order, and start from the few parcels
standards as (
    select taken.shipment_id, owed.day as standard_date
    from taken
    left join {{ ref('dim_dates') }} as eve
        on taken.origin_calendar = eve.calendar and taken.eve = eve.day
    left join operating as started
        on taken.origin_calendar = started.calendar
        and taken.operating_days = started.operating_days
        and {{ week_number('eve', 'taken.operating_days') }} + 1 = started.number
    left join {{ ref('dim_dates') }} as begun
        on taken.destination_calendar = begun.calendar and started.day = begun.day
    left join operating as owed
        on taken.destination_calendar = owed.calendar
        and taken.operating_days = owed.operating_days
        and {{ week_number('begun', 'taken.operating_days') }} + taken.transit_days = owed.number
),

committed as (
    select
        serviced.* replace (coalesce(serviced.committed_date, standards.standard_date) as committed_date),
        case
            when serviced.committed_date is not null then 'carrier'
            when standards.standard_date is not null then 'standard'
        end as commitment_basis
    from serviced
    left join standards
        on serviced.shipment_id = standards.shipment_id
)
{% endmacro %}

{#-
`lateness`: whose lateness, of parcels that missed the promise. Days are the carrier's operating days; what cost the most
of them is to blame, and alone enough to have missed the promise goes before what was not.

hand-over   days handed over later than the promise allowed: the setting `handling_days`, working days from the order
recipient   days from the first sign that the recipient was the reason
the carrier's (or customs', or the weather's, where a scan says so)   days beyond what it owed; where it owed nothing,
            days beyond the promise that the hand-over does not explain
A parcel whose delivery was never reported stopped when it was last seen at the door; one still moving stops at as_of.
-#}
{% macro lateness_ctes(parcels) %}
late as (
    select
        *,
        cast({{ to_local('ordered_at', 'origin_zone') }} + interval '{{ 24 - (setting('thresholds.order_cutoff_hour') | int(14)) }}' hour as date)
            as base_day,
        cast({{ to_local('accepted_at', 'origin_zone') }} as date) as handover_day,
        cast({{ to_local('recipient_fault_at', 'destination_time_zone') }} as date) as recipient_day,
        case
            when delivered_at is not null then cast({{ to_local('delivered_at', 'destination_time_zone') }} as date)
            when last_end is not null then null
            when last_milestone in ('out_for_delivery', 'delivery_attempted', 'available_for_pickup')
                then cast({{ to_local('last_scan_at', 'destination_time_zone') }} as date)
            when end_milestone is null then cast({{ to_local(as_of(), 'destination_time_zone') }} as date)
        end as stop_day
    from {{ parcels }}
    where is_due and not is_on_time
),

counted as (
    select
        late.shipment_id,
        late.accepted_at is null or late.accepted_at >= late.due_at as is_too_late,
        late.recipient_fault_at,
        late.has_customs_incident,
        late.has_weather_incident,
        late.has_carrier_mishap,
        greatest({{ week_number('handed') }} - {{ week_number('allowed') }}, 0) as handover_days,
        {{ week_number('stopped') }} - {{ week_number('promised') }} as late_days,
        {{ week_number('stopped') }} - {{ week_number('owed') }} as days_beyond_commitment,
        coalesce({{ week_number('stopped') }} - {{ week_number('refused') }}, 0) as recipient_days
    from late
    left join {{ ref('dim_dates') }} as base on late.origin_calendar = base.calendar and late.base_day = base.day
    left join operating as ready
        on late.origin_calendar = ready.calendar
        and ready.operating_days = 'mon_fri'
        and base.mon_fri_number + {{ setting('thresholds.handling_days') }} = ready.number
    left join {{ ref('dim_dates') }} as allowed on late.origin_calendar = allowed.calendar and ready.day = allowed.day
    left join {{ ref('dim_dates') }} as handed on late.origin_calendar = handed.calendar and late.handover_day = handed.day
    left join {{ ref('dim_dates') }} as stopped on late.destination_calendar = stopped.calendar and late.stop_day = stopped.day
    left join {{ ref('dim_dates') }} as promised on late.destination_calendar = promised.calendar and late.promised_date = promised.day
    left join {{ ref('dim_dates') }} as owed on late.destination_calendar = owed.calendar and late.committed_date = owed.day
    left join {{ ref('dim_dates') }} as refused on late.destination_calendar = refused.calendar and late.recipient_day = refused.day
),

weighed as (
    select
        * replace (
            -- equal days: a parcel that the carrier sent astray is the carrier's
            handover_days - case when has_carrier_mishap and handover_days > 0 then 0.5 else 0 end as handover_days
        ),
        handover_days as whole_handover_days,
        coalesce(days_beyond_commitment, late_days - coalesce(handover_days, 0)) - recipient_days as transit_days
    from counted
),

lateness as (
    select
        shipment_id,
        cast(whole_handover_days as integer) as handover_days,
        case
            when is_too_late then 'merchant'
            when late_days is null then case when recipient_fault_at is not null then 'recipient' else 'carrier' end
            when recipient_days > 0 and recipient_days >= late_days and recipient_days >= greatest(coalesce(handover_days, 0), transit_days)
                then 'recipient'
            when has_weather_incident and not has_carrier_mishap and transit_days > 0 then 'weather'
            when has_customs_incident and transit_days > coalesce(handover_days, 0) then 'customs'
            when handover_days >= late_days and handover_days >= transit_days then 'merchant'
            when transit_days >= late_days and transit_days > coalesce(handover_days, 0) then 'carrier'
            when handover_days >= late_days then 'merchant'
            when recipient_days > 0 and recipient_days >= greatest(coalesce(handover_days, 0), transit_days) then 'recipient'
            when handover_days > 0 and handover_days >= transit_days then 'merchant'
            when days_beyond_commitment <= 0 then 'merchant'
            else 'carrier'
        end as fault
    from weighed
)
{% endmacro %}
