-- One row per distinct carrier event.
--
-- Copies of an event are one event: the latest arrival's content, known since the first arrival of that same content.
-- Vendors' codes are kept beside what the status maps make of them; a code that no map knows is `unknown`.
-- depends_on: {{ ref('int_arrived_shipments') }}
-- depends_on: {{ ref('int_touched') }}
{{ config(unique_key='scan_id', incremental_strategy='upsert', materialized='incremental') }}

with repeated as (
    {{ repeated_arrivals(
        ref('int_arrived_scans'), 'scan_id',
        ', min(known_at) over (partition by scan_id, occurred_at, status_code) as first_known_at') }}
),

arrivals as (
    select
        arrivals.shop,
        case when arrivals._deleted then null else arrivals.source end as source,
        arrivals.scan_id,
        arrivals.tracking_number,
        arrivals.carrier,
        arrivals.occurred_at,
        {% if is_incremental() -%}
        least(repeated.first_known_at, arrivals.known_at, before.known_at) as known_at,
        {%- else -%}
        coalesce(repeated.first_known_at, arrivals.known_at) as known_at,
        {%- endif %}
        arrivals.known_at_basis,
        arrivals.status_code,
        arrivals.facility,
        arrivals.city,
        arrivals.region,
        arrivals.country
    from {{ ref('int_arrived_scans') }} as arrivals
    left join repeated
        on arrivals._seq = repeated._seq and arrivals._row = repeated._row
    {%- if is_incremental() %}
    left join {{ this }} as before
        on arrivals.scan_id = before.scan_id
        and arrivals.occurred_at = before.occurred_at
        and arrivals.status_code = before.status_code
    {%- endif %}
    where coalesce(repeated.copy_no, 1) = 1
    {%- if not is_incremental() %} and not arrivals._deleted{% endif %}
    {%- if is_incremental() %}
    -- scans already here whose tracking number has been used again since, or no longer is
    union all
    select
        shop, source, scan_id, split_part(shipment_id, '@', 1), carrier, occurred_at, known_at, known_at_basis, status_code,
        facility, city, region, country
    from {{ this }}
    where shipment_id in ({{ renumbered_ids() }})
        and scan_id not in (select scan_id from {{ ref('int_arrived_scans') }})
    {%- endif %}
),

reused_numbers as (
    select tracking_number, shipment_id, min(shipped_at) as shipped_at
    from {{ ref('int_parcels') }}
    where shipment_id <> tracking_number
    group by tracking_number, shipment_id
),

-- A label may be printed the day before the first scan, and clocks differ: one day of slack. By number, since a corrected
-- event arrived under another.
reassigned as (
    select
        scans.scan_id, scans.occurred_at, scans.tracking_number,
        max_by(reused_numbers.shipment_id, reused_numbers.shipped_at) as shipment_id
    from (
        select scan_id, occurred_at, tracking_number from {{ ref('int_arrived_scans') }}
        {%- if is_incremental() %}
        union all
        select scan_id, occurred_at, split_part(shipment_id, '@', 1) from {{ this }}
        where shipment_id in ({{ renumbered_ids() }})
        {%- endif %}
    ) as scans
    inner join reused_numbers
        on scans.tracking_number = reused_numbers.tracking_number
        and scans.occurred_at >= reused_numbers.shipped_at - interval '1' day
    group by scans.scan_id, scans.occurred_at, scans.tracking_number
),

any_carrier as (
    select * from {{ ref('int_status_codes') }} where carrier is null
),

one_carrier as (
    select * from {{ ref('int_status_codes') }} where carrier is not null
)

select
    arrivals.shop,
    arrivals.source,
    arrivals.scan_id,
    coalesce(reassigned.shipment_id, arrivals.tracking_number) as shipment_id,
    arrivals.carrier,
    arrivals.occurred_at,
    {{ to_local('arrivals.occurred_at', run_value('time_zone')) }} as occurred_local,
    arrivals.known_at,
    arrivals.known_at_basis,
    arrivals.status_code,
    coalesce(one_carrier.milestone, any_carrier.milestone, 'unknown') as milestone,
    case when one_carrier.milestone is not null then one_carrier.incident else any_carrier.incident end as incident,
    case when one_carrier.milestone is not null then one_carrier.fault else any_carrier.fault end as fault,
    arrivals.facility,
    arrivals.city,
    arrivals.region,
    arrivals.country
from arrivals
left join reassigned
    on arrivals.scan_id = reassigned.scan_id
    and arrivals.occurred_at = reassigned.occurred_at
    and arrivals.tracking_number = reassigned.tracking_number
left join one_carrier
    on arrivals.source = one_carrier.source
    and arrivals.carrier = one_carrier.carrier
    and arrivals.status_code = one_carrier.status_code
left join any_carrier
    on arrivals.source = any_carrier.source
    and arrivals.status_code = any_carrier.status_code
