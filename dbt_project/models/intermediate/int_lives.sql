-- One row per parcel that any event speaks of: its life so far, from its scans alone.
--
-- Events after as_of are counted and otherwise left out. One event told by two vendors (same moment to the minute, same
-- milestone) is one event; copies within a vendor are gone already.
--
-- Scans come in the order of time, and a life is wide: first each parcel's events are gathered as one number each, then
-- figures are taken from parcel after parcel. Taking them from all parcels at once costs three times the CPU and memory.
-- depends_on: {{ ref('int_touched') }}
{{ config(unique_key='shipment_id', incremental_strategy='touched', touched_kind='shipment') }}
{%- set as_of = as_of() %}
{%- set faults = ['carrier', 'merchant', 'recipient', 'customs', 'weather'] %}
{%- set touched_only %}
    {%- if is_incremental() %} and shipment_id in ({{ touched('shipment') }}) and occurred_at >= {{ touched_from_scan() }}{% endif %}
{%- endset %}

with scans as (
    select scans.*, milestones.milestone_rank
    from {{ ref('fct_scans') }} as scans
    inner join {{ ref('milestones') }} as milestones
        on scans.milestone = milestones.milestone
    where occurred_at <= {{ as_of }} {{ touched_only }}
),

-- an event as a number: its microsecond, then the place of its milestone, whose fault, and the kind of incident
gathered as (
    select
        shipment_id,
        {{ sorted_list("epoch_us(occurred_at) * 1024 + milestone_rank * 32"
            ~ " + case fault when 'carrier' then 4 when 'merchant' then 8 when 'recipient' then 12 when 'customs' then 16 when 'weather' then 20 else 0 end"
            ~ " + case when incident is null then 0 when incident in ('carrier_capacity', 'carrier_delay') then 1 when incident = 'carrier_damaged' then 2 else 3 end") }}
            as events,
        count(*) filter (where known_at_basis = 'reported') as scans_with_known_at,
        sum(case when known_at_basis = 'reported' then {{ seconds_between('occurred_at', 'known_at') }} end) as known_after_seconds,
        min({{ key_hash('source') }}) <> max({{ key_hash('source') }}) as is_told_by_several
    from scans
    group by shipment_id
),

each_event as (
    select * exclude (events), {{ each('events') }} as event
    from (select *, {{ longest_step('events', 1024 * 1000000) }} as longest_gap_seconds from gathered)
),

told as (
    select
        each_event.* exclude (event),
        milestones.milestone,
        milestones.milestone_rank,
        milestones.is_physical,
        milestones.is_terminal,
        event,
        {{ moment_of(whole_part('event', 1024)) }} as occurred_at,
        {{ whole_part('event', 4) }} % 8 as fault_no,
        event % 4 as incident_no
    from each_event
    inner join {{ ref('milestones') }} as milestones
        on {{ whole_part('event', 32) }} % 32 = milestones.milestone_rank
),

lives as (
    select
        shipment_id,
        min(occurred_at) as first_scan_at,
        min(case when is_physical then occurred_at end) as accepted_at,
        min(case when milestone = 'accepted' then occurred_at end) as acceptance_scan_at,
        min(case when milestone = 'label_created' then occurred_at end) as label_scan_at,
        min(case when milestone = 'out_for_delivery' then occurred_at end) as out_for_delivery_at,
        min(case when milestone in ('delivery_attempted', 'available_for_pickup', 'delivered') then occurred_at end)
            as first_attempt_at,
        min(case when milestone = 'delivery_attempted' then occurred_at end) as first_failure_at,
        min(case when milestone = 'delivery_attempted' and fault_no = 3 then occurred_at end) as excused_attempt_at,
        min(case when fault_no = 3 then occurred_at end) as recipient_fault_at,
        max(case when fault_no = 3 or milestone = 'available_for_pickup' then occurred_at end) as recipient_sign_at,
        min(case when milestone = 'delivered' then occurred_at end) as delivered_at,
        max(case when is_terminal then event end) as last_end_event,
        max(case when milestone_rank between 2 and 7 and incident_no = 0 then occurred_at end) as last_moving_at,
        max(event) as last_event,
        count(*) filter (where milestone = 'delivery_attempted') as failed_attempts,
        count(*) as scan_count,
        count(*) filter (where milestone = 'exception' or incident_no > 0) as exception_scans,
        count(*) filter (where milestone = 'unknown') as unmapped_scans,
        max(scans_with_known_at) as scans_with_known_at,
        max(known_after_seconds) as known_after_seconds,
        {%- for fault in faults %}
        bool_or(fault_no = {{ loop.index }}) as has_{{ fault }}_incident,
        {%- endfor %}
        bool_or(fault_no = 1 and incident_no <> 1) as has_carrier_mishap,
        bool_or(milestone = 'damaged' or incident_no = 2) as is_damaged,
        bool_or(is_told_by_several) as is_told_by_several,
        max(longest_gap_seconds) as longest_gap_seconds
    from told
    group by shipment_id
),

told_twice as (
    select
        shipment_id,
        count(*) as scan_count,
        count(*) filter (where milestone = 'delivery_attempted') as failed_attempts
    from (
        select distinct shipment_id, milestone, date_trunc('minute', occurred_at) as minute
        from {{ ref('fct_scans') }}
        where occurred_at <= {{ as_of }} and shipment_id in (select shipment_id from lives where is_told_by_several)
    )
    group by shipment_id
),

future as (
    select shipment_id, min(occurred_at) as first_scan_at, cast(count(*) as integer) as scans
    from {{ ref('fct_scans') }}
    where occurred_at > {{ as_of }} {{ touched_only }}
    group by shipment_id
)

select
    coalesce(lives.shipment_id, future.shipment_id) as shipment_id,
    coalesce(lives.first_scan_at, future.first_scan_at) as first_scan_at,
    accepted_at,
    acceptance_scan_at,
    label_scan_at,
    out_for_delivery_at,
    first_attempt_at,
    first_failure_at,
    excused_attempt_at,
    recipient_fault_at,
    recipient_sign_at,
    delivered_at,
    {{ moment_of(whole_part('last_end_event', 1024)) }} as last_end_at,
    ends.milestone as last_end,
    last_moving_at,
    {{ moment_of(whole_part('last_event', 1024)) }} as last_scan_at,
    lasts.milestone as last_milestone,
    cast(coalesce(told_twice.failed_attempts, lives.failed_attempts) as integer) as failed_attempts,
    cast(coalesce(told_twice.scan_count, lives.scan_count) as integer) as scan_count,
    cast(exception_scans as integer) as exception_scans,
    cast(unmapped_scans as integer) as unmapped_scans,
    cast(scans_with_known_at as integer) as scans_with_known_at,
    cast(known_after_seconds as bigint) as known_after_seconds,
    {%- for fault in faults %}
    has_{{ fault }}_incident,
    {%- endfor %}
    has_carrier_mishap,
    is_damaged,
    is_told_by_several,
    longest_gap_seconds,
    coalesce(future.scans, 0) as future_scan_count
from lives
full join future
    on lives.shipment_id = future.shipment_id
left join told_twice
    on lives.shipment_id = told_twice.shipment_id
left join {{ ref('milestones') }} as ends
    on {{ whole_part('last_end_event', 32) }} % 32 = ends.milestone_rank
left join {{ ref('milestones') }} as lasts
    on {{ whole_part('last_event', 32) }} % 32 = lasts.milestone_rank
