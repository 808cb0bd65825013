-- One row per invoiced or rated charge of a parcel: its latest arrival. A refund is negative.
-- depends_on: {{ ref('int_arrived_shipments') }}
{{ config(unique_key='charge_id', incremental_strategy='upsert', materialized='incremental') }}

with repeated as (
    {{ repeated_arrivals(ref('int_arrived_carrier_charges'), 'charge_id') }}
),

reused_numbers as (
    select tracking_number, shipment_id, min(shipped_at) as shipped_at
    from {{ ref('int_parcels') }}
    where shipment_id <> tracking_number
    group by tracking_number, shipment_id
),

arrivals as (
    select
        arrivals.shop,
        case when arrivals._deleted then null else arrivals.source end as source,
        arrivals.charge_id,
        arrivals.tracking_number,
        coalesce(aliases.carrier, arrivals.carrier) as carrier,
        arrivals.charge_kind as kind,
        arrivals.amount,
        arrivals.currency,
        arrivals.billed_at,
        coalesce(arrivals.basis, 'invoiced') as basis
    from {{ ref('int_arrived_carrier_charges') }} as arrivals
    left join repeated
        on arrivals._seq = repeated._seq and arrivals._row = repeated._row
    left join {{ ref('carrier_aliases') }} as aliases
        on lower(trim(arrivals.carrier)) = aliases.alias
    where coalesce(repeated.copy_no, 1) = 1
    {%- if not is_incremental() %} and not arrivals._deleted{% endif %}
    {%- if is_incremental() %}
    -- charges already here whose tracking number has been used again since, or no longer is
    union all
    select shop, source, charge_id, split_part(shipment_id, '@', 1), carrier, kind, amount, currency, billed_at, basis
    from {{ this }}
    where shipment_id in ({{ renumbered_ids() }})
        and charge_id not in (select charge_id from {{ ref('int_arrived_carrier_charges') }})
    {%- endif %}
),

-- of a number used again, the latest parcel shipped before the invoice
reassigned as (
    select arrivals.charge_id, max_by(reused_numbers.shipment_id, reused_numbers.shipped_at) as shipment_id
    from arrivals
    inner join reused_numbers
        on arrivals.tracking_number = reused_numbers.tracking_number
        and arrivals.billed_at >= reused_numbers.shipped_at
    group by arrivals.charge_id
)

select
    arrivals.shop,
    arrivals.source,
    arrivals.charge_id,
    coalesce(reassigned.shipment_id, arrivals.tracking_number) as shipment_id,
    arrivals.carrier,
    arrivals.kind,
    arrivals.amount,
    arrivals.currency,
    arrivals.billed_at,
    arrivals.basis
from arrivals
left join reassigned
    on arrivals.charge_id = reassigned.charge_id
