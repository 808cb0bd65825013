-- One row per outbound or return parcel: its life from label to end, judged by several clocks.
--
-- A parcel is one that somebody declared, or one that only its scans speak of. Events after as_of are kept in fct_scans
-- and not counted here. Due dates are met until the end of their local day at the destination.
-- depends_on: {{ ref('int_touched') }}
{{ config(unique_key='shipment_id', incremental_strategy='touched', touched_kind='shipment', materialized='incremental') }}
{%- set zone = 'coalesce(parcels.destination_time_zone, orders.destination_time_zone, ' ~ run_value('time_zone') ~ ')' %}
{%- set as_of = as_of() %}
{%- set lost_days = setting('thresholds.presumed_lost_days') %}

with lives as (
    select
        scans.shipment_id,
        min(case when milestones.is_physical then occurred_at end) as accepted_at,
        min(case when scans.milestone = 'label_created' then occurred_at end) as label_scan_at,
        min(case when scans.milestone = 'out_for_delivery' then occurred_at end) as out_for_delivery_at,
        min(case when scans.milestone in ('delivery_attempted', 'available_for_pickup', 'delivered') then occurred_at end)
            as first_attempt_at,
        min(case when scans.milestone = 'delivery_attempted' and fault = 'recipient' then occurred_at end) as excused_attempt_at,
        min(case when scans.milestone = 'delivered' then occurred_at end) as delivered_at,
        max(case when milestones.is_terminal then occurred_at end) as last_end_at,
        max_by(
            case when milestones.is_terminal then scans.milestone end,
            case when milestones.is_terminal then {{ event_order() }} end
        ) as last_end,
        max(occurred_at) as last_scan_at,
        max_by(scans.milestone, {{ event_order() }}) as last_milestone,
        cast(count(*) filter (where scans.milestone = 'delivery_attempted') as integer) as failed_attempts,
        cast(count(*) as integer) as scan_count,
        cast(count(*) filter (where scans.milestone = 'exception' or incident is not null) as integer) as exception_scans,
        bool_or(coalesce(fault, '') = 'carrier') as has_carrier_incident,
        bool_or(coalesce(fault, '') = 'merchant') as has_merchant_incident,
        bool_or(coalesce(fault, '') = 'recipient') as has_recipient_incident,
        bool_or(coalesce(fault, '') = 'customs') as has_customs_incident,
        bool_or(coalesce(fault, '') = 'weather') as has_weather_incident,
        bool_or(scans.milestone = 'damaged' or coalesce(incident, '') = 'carrier_damaged') as is_damaged
    from {{ ref('fct_scans') }} as scans
    inner join {{ ref('milestones') }} as milestones
        on scans.milestone = milestones.milestone
    where scans.occurred_at <= {{ as_of }}
    {%- if is_incremental() %} and scans.shipment_id in ({{ touched('shipment') }}){% endif %}
    group by scans.shipment_id
),

-- apart from the lives, so that only two columns are sorted
gaps as (
    select
        shipment_id,
        {{ seconds_between('lag(occurred_at) over (partition by shipment_id order by occurred_at)', 'occurred_at') }} as gap_seconds
    from {{ ref('fct_scans') }}
    where occurred_at <= {{ as_of }}
    {%- if is_incremental() %} and shipment_id in ({{ touched('shipment') }}){% endif %}
),

longest_gaps as (
    select shipment_id, max(gap_seconds) as longest_gap_seconds
    from gaps
    group by shipment_id
),

future as (
    select shipment_id, count(*) as scans
    from {{ ref('fct_scans') }}
    where occurred_at > {{ as_of }}
    {%- if is_incremental() %} and shipment_id in ({{ touched('shipment') }}){% endif %}
    group by shipment_id
),

declared as (
    select
        parcels.* replace (coalesce(aliases.carrier, parcels.carrier) as carrier)
    from {{ ref('int_parcels') }} as parcels
    left join {{ ref('carrier_aliases') }} as aliases
        on lower(trim(parcels.carrier)) = aliases.alias
    where parcels.is_current
    {%- if is_incremental() %} and parcels.shipment_id in ({{ touched('shipment') }}){% endif %}
),

undeclared as (
    select shipment_id, min(shop) as shop, min(source) as source, min(carrier) as carrier
    from {{ ref('fct_scans') }}
    where shipment_id in (
        select shipment_id from lives
        union
        select shipment_id from future
        except
        select shipment_id from declared
    )
    group by shipment_id
),

parcels as (
    select
        shipment_id, shop, source, order_id, carrier, service, tracking_number, shipped_at, origin_node, origin_region,
        destination_region, destination_country, destination_time_zone, label_created_at, committed_date,
        first_estimate_date, last_estimate_date, is_cancelled, cancelled_at, is_return, replaces_tracking_number,
        shipping_cost, currency, cost_basis, weight_grams, true as is_declared
    from declared
    union all
    select
        undeclared.shipment_id, undeclared.shop, undeclared.source, null, coalesce(aliases.carrier, undeclared.carrier), null,
        split_part(undeclared.shipment_id, '@', 1), null, null, null, null, null, null, null, null, null, null, false,
        null, false, null, null, null, null, null, false
    from undeclared
    left join {{ ref('carrier_aliases') }} as aliases
        on lower(trim(undeclared.carrier)) = aliases.alias
),

joined as (
    select
        parcels.* replace (
            coalesce(parcels.origin_node, orders.origin_node) as origin_node,
            coalesce(parcels.origin_region, orders.origin_region) as origin_region,
            coalesce(parcels.destination_region, orders.destination_region) as destination_region,
            coalesce(parcels.destination_country, orders.destination_country) as destination_country,
            coalesce(parcels.cancelled_at, orders.cancelled_at) as cancelled_at,
            parcels.is_cancelled or coalesce(orders.is_cancelled, false) as is_cancelled,
            {{ zone }} as destination_time_zone
        ),
        orders.promised_date,
        orders.due_at,
        {{ to_utc(add_days('parcels.committed_date', 1), zone) }} as commitment_due_at,
        orders.ready_at,
        orders.ordered_at,
        lives.* exclude (shipment_id),
        longest_gaps.longest_gap_seconds,
        coalesce(future.scans, 0) as future_scan_count
    from parcels
    left join {{ ref('int_orders') }} as orders
        on parcels.order_id = orders.order_id
    left join lives
        on parcels.shipment_id = lives.shipment_id
    left join longest_gaps
        on parcels.shipment_id = longest_gaps.shipment_id
    left join future
        on parcels.shipment_id = future.shipment_id
),

ended as (
    select
        *,
        coalesce(last_scan_at, label_created_at, shipped_at, ordered_at) as last_sign_at,
        case
            when delivered_at is not null then 'delivered'
            when last_end is not null then last_end
            when is_cancelled and accepted_at is null then 'cancelled'
            when accepted_at is not null and last_scan_at + interval '{{ lost_days }}' day <= {{ as_of }} then 'lost'
        end as end_milestone,
        case
            when delivered_at is not null then delivered_at
            when last_end is not null then last_end_at
            when is_cancelled and accepted_at is null then cancelled_at
            when accepted_at is not null and last_scan_at + interval '{{ lost_days }}' day <= {{ as_of }}
                then last_scan_at + interval '{{ lost_days }}' day
        end as ended_at,
        delivered_at is null and last_end is null and accepted_at is not null
            and last_scan_at + interval '{{ lost_days }}' day <= {{ as_of }} as is_presumed_lost,
        is_cancelled and (cancelled_at is null or cancelled_at < due_at or due_at is null) as is_cancelled_in_time,
        least(delivered_at, excused_attempt_at) as commitment_stop_at
    from joined
),

judged as (
    select
        *,
        coalesce(not is_cancelled_in_time and due_at <= {{ as_of }}, false) as is_due,
        coalesce(not is_cancelled_in_time and commitment_due_at <= {{ as_of }}, false) as is_due_commitment
    from ended
),

timed as (
    select
        *,
        case when is_due then coalesce(delivered_at < due_at, false) end as is_on_time,
        case when is_due_commitment then coalesce(commitment_stop_at < commitment_due_at, false) end as is_on_time_commitment
    from judged
)

select
    shop,
    source,
    shipment_id,
    order_id,
    carrier,
    service,
    cast(null as varchar) as service_level,
    tracking_number,
    origin_node,
    origin_region,
    destination_region,
    destination_country,
    coalesce(origin_node, origin_region, 'unknown') || ' > ' || coalesce(destination_region, 'unknown') as lane,
    promised_date,
    committed_date,
    first_estimate_date,
    last_estimate_date,
    due_at,
    label_created_at,
    accepted_at,
    out_for_delivery_at,
    first_attempt_at,
    delivered_at,
    {{ to_local('delivered_at', 'destination_time_zone') }} as delivered_local,
    ended_at,
    end_milestone,
    last_milestone,
    last_scan_at,
    coalesce(failed_attempts, 0) + case when delivered_at is not null then 1 else 0 end as attempts,
    coalesce(scan_count, 0) as scan_count,
    coalesce(exception_scans, 0) as exception_scans,
    cast(future_scan_count as integer) as future_scan_count,
    cast(longest_gap_seconds as double) / 3600.0 as longest_gap_hours,
    {{ hours_between('coalesce(label_created_at, label_scan_at)', 'accepted_at') }} as acceptance_lag_hours,
    {{ hours_between('accepted_at', 'delivered_at') }} as transit_hours,
    is_cancelled,
    is_return,
    is_declared,
    replaces_tracking_number as replaces_shipment_id,
    not is_return and replaces_tracking_number is null as is_first_delivery,
    is_due,
    is_on_time,
    is_due_commitment,
    is_on_time_commitment,
    case
        when not is_due or is_on_time then null
        when accepted_at is null or accepted_at >= due_at then 'merchant'
        when is_due_commitment and is_on_time_commitment then 'merchant'
        when has_customs_incident then 'customs'
        when has_weather_incident then 'weather'
        when has_recipient_incident then 'recipient'
        when has_merchant_incident and not has_carrier_incident then 'merchant'
        else 'carrier'
    end as lateness_fault,
    coalesce(is_damaged, false) as is_damaged,
    is_presumed_lost,
    end_milestone is null and accepted_at is not null as is_open,
    coalesce(end_milestone is not null or last_sign_at + interval '{{ lost_days }}' day <= {{ as_of }}, true)
        and future_scan_count = 0
        and (is_due or is_cancelled_in_time or due_at is null)
        and (is_due_commitment or is_cancelled_in_time or commitment_due_at is null) as is_settled,
    shipping_cost,
    currency,
    cost_basis,
    weight_grams,
    cast(date_trunc('week', {{ to_local('coalesce(accepted_at, label_created_at, shipped_at, ready_at, ordered_at)', run_value('time_zone')) }}) as date) as week,
    accepted_at is null as is_ready_week
from timed
