-- One row per parcel that any event speaks of: its life so far, from its scans alone.
--
-- Events after as_of are counted and otherwise left out. One event told by two vendors (same moment to the minute, same
-- milestone) is one event; copies within a vendor are gone already.
-- depends_on: {{ ref('int_touched') }}
{{ config(unique_key='shipment_id', incremental_strategy='touched', touched_kind='shipment') }}
{%- set as_of = as_of() %}
{%- set faults = ['carrier', 'merchant', 'recipient', 'customs', 'weather'] %}

with lives as (
    select
        scans.shipment_id,
        min(case when milestones.is_physical then occurred_at end) as accepted_at,
        min(case when scans.milestone = 'accepted' then occurred_at end) as acceptance_scan_at,
        min(case when scans.milestone = 'label_created' then occurred_at end) as label_scan_at,
        min(case when scans.milestone = 'out_for_delivery' then occurred_at end) as out_for_delivery_at,
        min(case when scans.milestone in ('delivery_attempted', 'available_for_pickup', 'delivered') then occurred_at end)
            as first_attempt_at,
        min(case when scans.milestone = 'delivery_attempted' then occurred_at end) as first_failure_at,
        min(case when scans.milestone = 'delivery_attempted' and fault = 'recipient' then occurred_at end) as excused_attempt_at,
        min(case when fault = 'recipient' then occurred_at end) as recipient_fault_at,
        max(case when fault = 'recipient' or scans.milestone = 'available_for_pickup' then occurred_at end) as recipient_sign_at,
        min(case when scans.milestone = 'delivered' then occurred_at end) as delivered_at,
        max(case when milestones.is_terminal then occurred_at end) as last_end_at,
        max_by(
            case when milestones.is_terminal then scans.milestone end,
            case when milestones.is_terminal then {{ event_order() }} end
        ) as last_end,
        max(case when milestone_rank between 2 and 7 and incident is null then occurred_at end) as last_moving_at,
        max(occurred_at) as last_scan_at,
        max_by(scans.milestone, {{ event_order() }}) as last_milestone,
        cast(count(*) filter (where scans.milestone = 'delivery_attempted') as integer) as failed_attempts,
        cast(count(*) as integer) as scan_count,
        cast(count(*) filter (where scans.milestone = 'exception' or incident is not null) as integer) as exception_scans,
        cast(count(*) filter (where scans.milestone = 'unknown') as integer) as unmapped_scans,
        cast(count(*) filter (where known_at_basis = 'reported') as integer) as scans_with_known_at,
        cast(sum(case when known_at_basis = 'reported' then {{ seconds_between('occurred_at', 'known_at') }} end) as bigint)
            as known_after_seconds,
        {%- for fault in faults %}
        bool_or(coalesce(fault, '') = '{{ fault }}') as has_{{ fault }}_incident,
        {%- endfor %}
        bool_or(coalesce(fault, '') = 'carrier' and incident not in ('carrier_capacity', 'carrier_delay')) as has_carrier_mishap,
        bool_or(scans.milestone = 'damaged' or coalesce(incident, '') = 'carrier_damaged') as is_damaged,
        min(scans.source) <> max(scans.source) as is_told_by_several
    from {{ ref('fct_scans') }} as scans
    inner join {{ ref('milestones') }} as milestones
        on scans.milestone = milestones.milestone
    where scans.occurred_at <= {{ as_of }}
    {%- if is_incremental() %} and scans.shipment_id in ({{ touched('shipment') }}){% endif %}
    group by scans.shipment_id
),

told_twice as (
    select
        shipment_id,
        cast(count(*) as integer) as scan_count,
        cast(count(*) filter (where milestone = 'delivery_attempted') as integer) as failed_attempts
    from (
        select distinct shipment_id, milestone, date_trunc('minute', occurred_at) as minute
        from {{ ref('fct_scans') }}
        where occurred_at <= {{ as_of }} and shipment_id in (select shipment_id from lives where is_told_by_several)
    )
    group by shipment_id
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
    select shipment_id, cast(count(*) as integer) as scans
    from {{ ref('fct_scans') }}
    where occurred_at > {{ as_of }}
    {%- if is_incremental() %} and shipment_id in ({{ touched('shipment') }}){% endif %}
    group by shipment_id
)

select
    lives.* exclude (shipment_id) replace (
        coalesce(told_twice.scan_count, lives.scan_count) as scan_count,
        coalesce(told_twice.failed_attempts, lives.failed_attempts) as failed_attempts
    ),
    coalesce(lives.shipment_id, future.shipment_id) as shipment_id,
    longest_gaps.longest_gap_seconds,
    coalesce(future.scans, 0) as future_scan_count
from lives
full join future
    on lives.shipment_id = future.shipment_id
left join longest_gaps
    on lives.shipment_id = longest_gaps.shipment_id
left join told_twice
    on lives.shipment_id = told_twice.shipment_id
