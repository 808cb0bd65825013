-- One row per source, carrier and week: how well parcels can be followed. Weeks are of the first physical scan (without one:
-- of being ready), over every parcel that was not cancelled.
-- depends_on: {{ ref('int_touched_weeks') }}
{{ config(unique_key='week', incremental_strategy='touched', touched_kind='week', materialized='incremental') }}

with parcels as (
    select *
    from {{ ref('fct_shipments') }}
    where is_first_delivery and week is not null and coalesce(end_milestone, '') <> 'cancelled'
    {%- if is_incremental() %} and week in ({{ touched('week') }}){% endif %}
),

weeks as (
    select
        shop,
        source,
        coalesce(carrier, 'unknown') as carrier,
        week,
        cast(count(*) as integer) as parcels,
        cast(count(*) filter (where has_acceptance_scan) as integer) as with_acceptance_scan,
        cast(count(*) filter (where end_milestone is not null) as integer) as ended,
        cast(count(*) filter (where end_milestone is not null and not is_presumed_lost) as integer) as with_terminal_scan,
        cast(sum(scan_count) as integer) as scans,
        cast(sum(unmapped_scans) as integer) as unmapped_scans,
        cast(count(*) filter (where longest_gap_hours > {{ setting('thresholds.stalled_hours') }}) as integer) as with_long_gap,
        cast(count(*) filter (where has_impossible_order) as integer) as impossible_orders,
        cast(count(*) filter (where is_told_by_several) as integer) as told_by_several,
        cast(sum(scans_with_known_at) as integer) as scans_with_known_at,
        cast(sum(known_after_seconds) as bigint) as known_after_seconds,
        percentile_cont(0.5) within group (order by longest_gap_hours) as longest_gap_hours_p50,
        percentile_cont(0.95) within group (order by longest_gap_hours) as longest_gap_hours_p95
    from parcels
    group by all
)

select
    *,
    {{ rate('with_acceptance_scan', 'parcels') }} as acceptance_scan_share,
    {{ rate('with_terminal_scan', 'ended') }} as terminal_scan_share,
    {{ rate('scans', 'parcels') }} as scans_per_parcel,
    {{ rate('unmapped_scans', 'scans') }} as unmapped_share,
    {{ rate('known_after_seconds', 'scans_with_known_at') }} / 3600.0 as mean_known_after_hours
from weeks
