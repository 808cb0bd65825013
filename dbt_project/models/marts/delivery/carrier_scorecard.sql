-- One row per carrier, service, lane and week of first physical scan (without one: of being ready, flagged).
--
-- Counts are additive: any roll-up is their sum, never a mean of rates. Rates are over all parcels due, late and open ones
-- included, with Wilson 95 % bounds.
-- depends_on: {{ ref('int_touched_weeks') }}
{{ config(unique_key='week', incremental_strategy='touched', touched_kind='week', materialized='incremental') }}

with parcels as (
    select *
    from {{ ref('fct_shipments') }}
    where is_first_delivery and week is not null
    {%- if is_incremental() %} and week in ({{ touched('week') }}){% endif %}
),

cells as (
    select
        shop,
        coalesce(carrier, 'unknown') as carrier,
        coalesce(service, 'unknown') as service,
        service_level,
        lane,
        coalesce(origin_node, origin_region, 'unknown') as origin_node,
        coalesce(destination_region, 'unknown') as destination_region,
        week,
        is_ready_week,
        cast(count(*) filter (where accepted_at is not null) as integer) as entered,
        cast(count(*) filter (where is_due) as integer) as due,
        cast(count(*) filter (where is_on_time) as integer) as on_time,
        cast(count(*) filter (where is_on_time_presumed) as integer) as on_time_presumed,
        cast(count(*) filter (where is_due_commitment) as integer) as due_commitment,
        cast(count(*) filter (where is_on_time_commitment) as integer) as on_time_commitment,
        cast(count(*) filter (where is_on_time_commitment_delivered) as integer) as on_time_commitment_delivered,
        cast(count(*) filter (where is_on_time_commitment_any_attempt) as integer) as on_time_commitment_any_attempt,
        cast(count(*) filter (where has_promise) as integer) as promised,
        cast(count(*) filter (where has_promise and is_on_time_so_far) as integer) as on_time_so_far,
        cast(count(*) filter (where has_promise and (not is_on_time_so_far or not is_on_time)) as integer) as late_so_far,
        cast(count(*) filter (where has_commitment) as integer) as committed,
        cast(count(*) filter (where has_commitment and is_on_time_commitment_so_far) as integer) as on_time_commitment_so_far,
        cast(count(*) filter (where has_commitment and (not is_on_time_commitment_so_far or not is_on_time_commitment)) as integer)
            as late_commitment_so_far,
        cast(count(*) filter (where accepted_at is not null and end_milestone = 'delivered') as integer) as delivered,
        cast(count(*) filter (where is_open) as integer) as open,
        cast(count(*) filter (where accepted_at is not null and end_milestone <> 'delivered') as integer) as ended_otherwise,
        cast(count(*) filter (where is_due and end_milestone is null) as integer) as overdue,
        cast(count(*) filter (where first_attempt_at is not null) as integer) as attempted,
        cast(count(*) filter (where delivered_at is not null and attempts = 1) as integer) as first_attempt_delivered,
        cast(count(*) filter (where accepted_at is not null and exception_scans > 0) as integer) as exceptions,
        {%- for fault in ['carrier', 'merchant', 'recipient', 'customs', 'weather'] %}
        cast(count(*) filter (where accepted_at is not null and has_{{ fault }}_incident) as integer) as exceptions_{{ fault }},
        {%- endfor %}
        cast(count(*) filter (where accepted_at is not null and end_milestone = 'lost') as integer) as lost,
        cast(count(*) filter (where is_presumed_lost) as integer) as presumed_lost,
        cast(count(*) filter (where is_delivery_presumed) as integer) as delivery_presumed,
        cast(count(*) filter (where accepted_at is not null and is_damaged) as integer) as damaged,
        cast(count(*) filter (where end_milestone = 'returned_to_sender') as integer) as returned_to_sender,
        cast(count(*) filter (where end_milestone = 'returned_to_sender' and has_recipient_incident) as integer)
            as returned_to_sender_recipient,
        cast(count(*) filter (where has_impossible_order) as integer) as impossible_orders,
        cast(count(*) filter (where accepted_at is not null and shipping_cost is not null) as integer) as costed,
        cast(count(*) filter (where accepted_at is not null and cost_basis = 'invoiced') as integer) as invoiced,
        coalesce(cast(sum(shipping_cost) filter (where accepted_at is not null) as decimal(18, 4)), 0) as cost,
        cast(count(*) filter (where is_on_time and shipping_cost is not null) as integer) as on_time_costed,
        coalesce(cast(sum(shipping_cost) filter (where is_due) as decimal(18, 4)), 0) as cost_due,
        cast(count(*) filter (where lateness_fault = 'merchant') as integer) as late_merchant,
        cast(count(*) filter (where lateness_fault = 'carrier') as integer) as late_carrier,
        cast(count(*) filter (where lateness_fault = 'customs') as integer) as late_customs,
        cast(count(*) filter (where lateness_fault = 'recipient') as integer) as late_recipient,
        cast(count(*) filter (where lateness_fault = 'weather') as integer) as late_weather,
        cast(count(*) filter (where lateness_fault = 'unknown') as integer) as late_unknown,
        percentile_cont(0.5) within group (order by transit_hours) as delivered_transit_hours_p50,
        percentile_cont(0.9) within group (order by transit_hours) as delivered_transit_hours_p90,
        percentile_cont(0.5) within group (order by acceptance_lag_hours) as acceptance_lag_hours_p50
    from parcels
    group by all
)

select
    *,
    {{ rate('on_time', 'due') }} as on_time_rate,
    {{ wilson('on_time', 'due', 'low') }} as on_time_rate_low,
    {{ wilson('on_time', 'due', 'high') }} as on_time_rate_high,
    {{ rate('on_time_presumed', 'due') }} as on_time_presumed_rate,
    {{ wilson('on_time_presumed', 'due', 'low') }} as on_time_presumed_rate_low,
    {{ wilson('on_time_presumed', 'due', 'high') }} as on_time_presumed_rate_high,
    {{ rate('on_time_commitment', 'due_commitment') }} as on_time_commitment_rate,
    {{ wilson('on_time_commitment', 'due_commitment', 'low') }} as on_time_commitment_rate_low,
    {{ wilson('on_time_commitment', 'due_commitment', 'high') }} as on_time_commitment_rate_high,
    {{ rate('first_attempt_delivered', 'attempted') }} as first_attempt_rate,
    {{ rate('exceptions', 'entered') }} as exception_rate,
    {{ rate('lost', 'entered') }} as loss_rate,
    {{ rate('damaged', 'entered') }} as damage_rate,
    {{ rate('returned_to_sender', 'entered') }} as return_to_sender_rate,
    {{ rate('on_time_so_far', 'promised') }} as on_time_so_far_rate_low,
    {{ rate('promised - late_so_far', 'promised') }} as on_time_so_far_rate_high,
    {{ rate('cost', 'costed') }} as cost_per_parcel,
    {{ rate('cost_due', 'on_time_costed') }} as cost_per_on_time_parcel,
    due < {{ setting('thresholds.suppress_under') }} as is_suppressed,
    due < {{ setting('thresholds.grey_under') }} as is_grey
from cells
