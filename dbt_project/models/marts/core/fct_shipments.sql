-- One row per outbound or return parcel: its life from label to end, judged by several clocks.
--
-- A parcel is one that somebody declared, or one that only its scans speak of. Events after as_of are kept in fct_scans
-- and not counted here. Due dates are met until the end of their local day at the destination. Commitments and whose
-- lateness it is: macros/clocks.sql.
-- depends_on: {{ ref('int_touched') }}
{{ config(unique_key='shipment_id', incremental_strategy='touched', touched_kind='shipment', materialized='incremental') }}
{%- set as_of = as_of() %}
{%- set lost_days = setting('thresholds.presumed_lost_days') %}
{%- set floor_days = setting('thresholds.lost_after_days') %}

with declared as (
    select
        parcels.* replace (coalesce(aliases.carrier, parcels.carrier) as carrier)
    from {{ ref('int_parcels') }} as parcels
    left join {{ ref('carrier_aliases') }} as aliases
        on lower(trim(parcels.carrier)) = aliases.alias
    where parcels.is_current
    {%- if is_incremental() %} and parcels.shipment_id in ({{ touched('shipment') }}){% endif %}
),

lives as (
    select * from {{ ref('int_lives') }}
    {%- if is_incremental() %} where shipment_id in ({{ touched('shipment') }}){% endif %}
),

undeclared as (
    select shipment_id, min(shop) as shop, min(source) as source, min(carrier) as carrier
    from {{ ref('fct_scans') }}
    where shipment_id in (
        select shipment_id from {{ ref('int_lives') }}
        {%- if is_incremental() %} where shipment_id in ({{ touched('shipment') }}){% endif %}
        except
        select shipment_id from {{ ref('int_parcels') }} where is_current
        {%- if is_incremental() %} and shipment_id in ({{ touched('shipment') }}){% endif %}
    )
    group by shipment_id
),

parcels as (
    select
        shipment_id, shop, source, order_id, carrier, service, tracking_number, shipped_at, origin_node, origin_region,
        origin_country, destination_region, destination_country, destination_time_zone, label_created_at,
        committed_date, first_estimate_date, last_estimate_date, is_cancelled, cancelled_at, is_return,
        replaces_tracking_number, shipping_cost, currency, cost_basis, weight_grams, true as is_declared
    from declared
    union all
    select
        undeclared.shipment_id, undeclared.shop, undeclared.source, null, coalesce(aliases.carrier, undeclared.carrier), null,
        split_part(undeclared.shipment_id, '@', 1), null, null, null, null, null, null, null, null, null, null, null,
        false, null, false, null, null, null, null, null, false
    from undeclared
    left join {{ ref('carrier_aliases') }} as aliases
        on lower(trim(undeclared.carrier)) = aliases.alias
),

placed as (
    select
        parcels.* replace (
            coalesce(parcels.origin_node, orders.origin_node) as origin_node,
            coalesce(parcels.origin_region, orders.origin_region) as origin_region,
            coalesce(parcels.destination_region, orders.destination_region) as destination_region,
            coalesce(parcels.destination_country, orders.destination_country) as destination_country,
            coalesce(parcels.cancelled_at, orders.cancelled_at) as cancelled_at,
            parcels.is_cancelled or coalesce(orders.is_cancelled, false) as is_cancelled,
            coalesce(parcels.destination_time_zone, orders.destination_time_zone, {{ run_value('time_zone') }})
                as destination_time_zone
        ),
        orders.promised_date,
        orders.due_at,
        orders.ready_at,
        orders.ordered_at,
        lives.* exclude (shipment_id) replace (coalesce(lives.future_scan_count, 0) as future_scan_count)
    from parcels
    left join {{ ref('int_orders') }} as orders
        on parcels.order_id = orders.order_id
    left join lives
        on parcels.shipment_id = lives.shipment_id
),

charges as (
    select
        shipment_id,
        sum(amount) filter (where basis = 'invoiced') as invoiced,
        sum(amount) filter (where basis <> 'invoiced') as rated,
        sum(amount) filter (where kind = 'correction') as corrections,
        sum(amount) filter (where kind = 'refund') as refunds,
        bool_or(basis = 'invoiced' and kind = 'freight') as has_invoice,
        min(currency) as currency
    from {{ ref('fct_carrier_charges') }}
    {%- if is_incremental() %} where shipment_id in ({{ touched('shipment') }}){% endif %}
    group by shipment_id
),

{{ commitment_ctes('placed') }},

ended as (
    select
        committed.* replace (
            case
                when charges.has_invoice then charges.invoiced
                else coalesce(charges.rated, committed.shipping_cost) + coalesce(charges.invoiced, 0)
            end as shipping_cost,
            case
                when charges.has_invoice then 'invoiced'
                when coalesce(charges.rated, committed.shipping_cost) is not null then coalesce(committed.cost_basis, 'rated')
            end as cost_basis,
            coalesce(committed.currency, charges.currency) as currency
        ),
        charges.corrections as cost_corrections,
        charges.refunds as cost_refunds,
        {{ to_utc(add_days('committed.committed_date', 1), 'committed.destination_time_zone') }} as commitment_due_at,
        coalesce(last_scan_at, label_created_at, shipped_at, ordered_at) as last_sign_at,
        coalesce(
            delivered_at is null and last_end is null and accepted_at is not null
            and {{ seconds_between('last_scan_at', as_of) }} >= least(
                {{ lost_days }} * 86400, greatest({{ floor_days }} * 86400, coalesce(silences.silence_seconds, 0))
            ), false) as is_presumed_lost,
        is_cancelled and (cancelled_at is null or cancelled_at < due_at or due_at is null) as is_cancelled_in_time
    from committed
    left join charges
        on committed.shipment_id = charges.shipment_id
    left join {{ ref('int_lane_silences') }} as silences
        on committed.carrier is not distinct from silences.carrier
        and committed.service is not distinct from silences.service
        and coalesce(committed.origin_node, committed.origin_region, 'unknown') = silences.origin
        and coalesce(committed.destination_region, 'unknown') = silences.destination_region
),

-- a parcel presumed lost is closed presumed_lost_days after its last scan, however early it is presumed: that moment does
-- not move when a lane's usual silence does
judged as (
    select
        *,
        least(delivered_at, case when first_failure_at <= recipient_sign_at then first_failure_at else excused_attempt_at end)
            as commitment_stop_at,
        case
            when delivered_at is not null then 'delivered'
            when last_end is not null then last_end
            when is_cancelled and accepted_at is null then 'cancelled'
            when is_presumed_lost then 'lost'
        end as end_milestone,
        case
            when delivered_at is not null then delivered_at
            when last_end is not null then last_end_at
            when is_cancelled and accepted_at is null then cancelled_at
            when is_presumed_lost then last_scan_at + interval '{{ lost_days }}' day
        end as ended_at,
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
),

{{ lateness_ctes('timed') }}

select
    shop,
    source,
    timed.shipment_id,
    order_id,
    carrier,
    service,
    service_level,
    tracking_number,
    origin_node,
    origin_region,
    destination_region,
    destination_country,
    coalesce(origin_node, origin_region, 'unknown') || ' > ' || coalesce(destination_region, 'unknown') as lane,
    promised_date,
    committed_date,
    commitment_basis,
    is_money_back,
    late_claim_days,
    first_estimate_date,
    last_estimate_date,
    due_at,
    commitment_due_at,
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
    {%- for fault in ['carrier', 'merchant', 'recipient', 'customs', 'weather'] %}
    coalesce(has_{{ fault }}_incident, false) as has_{{ fault }}_incident,
    {%- endfor %}
    coalesce(unmapped_scans, 0) as unmapped_scans,
    coalesce(scans_with_known_at, 0) as scans_with_known_at,
    known_after_seconds,
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
    case when is_due_commitment then coalesce(delivered_at < commitment_due_at, false) end as is_on_time_commitment_delivered,
    case when is_due_commitment then coalesce(first_attempt_at < commitment_due_at, false) end as is_on_time_commitment_any_attempt,
    case when due_at is not null and not is_cancelled_in_time then delivered_at < due_at end as is_on_time_so_far,
    case when commitment_due_at is not null and not is_cancelled_in_time then commitment_stop_at < commitment_due_at end
        as is_on_time_commitment_so_far,
    not is_cancelled_in_time and due_at is not null as has_promise,
    not is_cancelled_in_time and commitment_due_at is not null as has_commitment,
    lateness.fault as lateness_fault,
    lateness.handover_days as late_handover_days,
    coalesce(last_moving_at > delivered_at or acceptance_scan_at > least(out_for_delivery_at, delivered_at), false)
        as has_impossible_order,
    coalesce(is_told_by_several, false) as is_told_by_several,
    acceptance_scan_at is not null as has_acceptance_scan,
    coalesce(is_damaged, false) as is_damaged,
    is_presumed_lost,
    is_presumed_lost and last_milestone = 'out_for_delivery' as is_delivery_presumed,
    case when is_due then is_on_time or (is_presumed_lost and last_milestone = 'out_for_delivery' and last_scan_at < due_at) end
        as is_on_time_presumed,
    end_milestone is null and accepted_at is not null as is_open,
    coalesce(end_milestone is not null or last_sign_at + interval '{{ lost_days }}' day <= {{ as_of }}, true)
        and future_scan_count = 0
        and (is_due or is_cancelled_in_time or due_at is null)
        and (is_due_commitment or is_cancelled_in_time or commitment_due_at is null) as is_settled,
    cast(shipping_cost as decimal(18, 4)) as shipping_cost,
    cast(cost_corrections as decimal(18, 4)) as cost_corrections,
    cast(cost_refunds as decimal(18, 4)) as cost_refunds,
    currency,
    cost_basis,
    weight_grams,
    cast(date_trunc('week', {{ to_local('coalesce(accepted_at, label_created_at, shipped_at, ready_at, ordered_at)', run_value('time_zone')) }}) as date) as week,
    accepted_at is null as is_ready_week
from timed
left join lateness
    on timed.shipment_id = lateness.shipment_id
