-- One row per parcel that a claim can be or was made for: what is owed, on what evidence, until when, and where it stands.
--
-- One claim a parcel: lost goes before damaged, damaged before late. Late counts where the service refunds late parcels
-- (dim_services, as in force at the hand-over) and nothing that it excludes was scanned. What went out for delivery and was
-- never heard of again is not claimed as lost: it was delivered far more often than not. A refund on the carrier's invoice
-- is a claim paid. A claim rejected or paid stays what it is, whatever the parcel does later.
{{ config(materialized='table', tags=['clock']) }}
{%- set today %}cast({{ to_local(as_of(), run_value('time_zone')) }} as date){% endset %}

with parcels as (
    select
        *,
        case
            when end_milestone = 'lost' and not is_delivery_presumed then 'lost'
            when is_damaged then 'damaged'
            when is_money_back and not is_on_time_commitment
                and not (has_weather_incident or has_customs_incident or has_recipient_incident) then 'late'
        end as kind,
        coalesce(cast({{ to_local('accepted_at', run_value('time_zone')) }} as date), committed_date) as shipped_date
    from {{ ref('fct_shipments') }}
    where not is_return
        and (end_milestone = 'lost' or is_damaged or (is_money_back and not is_on_time_commitment))
),

filings as (
    select parcels.shipment_id, claims.claim_id, claims.status, claims.filed_at, claims.decided_at, claims.amount_paid
    from parcels
    inner join {{ ref('int_claim_filings') }} as claims
        on parcels.tracking_number = claims.tracking_number and cast({{ to_local('claims.filed_at', run_value('time_zone')) }} as date) >= parcels.shipped_date
    qualify row_number() over (partition by claims.claim_id order by parcels.shipped_date desc, parcels.shipment_id) = 1
),

filed as (
    select
        *,
        row_number() over (partition by shipment_id order by filed_at desc, claim_id desc) as newest,
        min(filed_at) over (partition by shipment_id) as first_filed_at
    from filings
),

claimable as (
    select
        parcels.*,
        carriers.claim_form,
        case parcels.kind
            when 'late' then cast({{ add_days('parcels.committed_date', 'parcels.late_claim_days') }} as date)
            when 'lost' then cast({{ add_days('coalesce(parcels.committed_date, parcels.shipped_date)', 'carriers.loss_claim_days') }} as date)
            else cast({{ add_days('coalesce(parcels.committed_date, parcels.shipped_date)', 'carriers.damage_claim_days') }} as date)
        end as deadline,
        -- goods are claimed by the parcel's share of the order
        case when parcels.kind <> 'late' then round(orders.order_amount / greatest(orders.parcels, 1), 2) end as goods_amount,
        case when parcels.kind in ('late', 'lost') then parcels.shipping_cost - coalesce(parcels.cost_refunds, 0) end as freight_amount
    from parcels
    left join {{ ref('dim_carriers') }} as own
        on parcels.carrier = own.carrier
    inner join {{ ref('dim_carriers') }} as carriers
        on coalesce(own.carrier, '*') = carriers.carrier
    left join {{ ref('fct_orders') }} as orders
        on parcels.order_id = orders.order_id
    where parcels.kind is not null
)

select
    claimable.shop,
    claimable.shipment_id,
    claimable.order_id,
    claimable.carrier,
    claimable.service,
    claimable.tracking_number,
    claimable.kind,
    cast(coalesce(freight_amount, 0) + coalesce(goods_amount, 0) as decimal(18, 4)) as amount,
    cast(freight_amount as decimal(18, 4)) as freight_amount,
    cast(goods_amount as decimal(18, 4)) as goods_amount,
    currency,
    claimable.shipped_date,
    committed_date,
    delivered_local,
    'handed over ' || coalesce(cast(accepted_at as varchar), 'unknown') || ' UTC; owed by ' || coalesce(cast(committed_date as varchar), 'no date')
        || '; ' || case kind
            when 'late' then coalesce('delivered ' || cast(delivered_local as varchar) || ' local', 'not delivered by ' || cast({{ today }} as varchar))
            when 'damaged' then 'reported damaged'
            else 'last scan ' || coalesce(cast(last_scan_at as varchar), 'none') || ' UTC' || case when is_presumed_lost then ', silent since' else ', reported lost' end
        end || '; ' || cast(scan_count as varchar) || ' scans' as evidence,
    deadline,
    {{ days_between(today, 'deadline') }} as days_left,
    case
        when filed.status in ('paid', 'rejected') then filed.status
        when cost_refunds < 0 then 'paid'
        when filed.claim_id is not null then 'filed'
        when deadline < {{ today }} then 'expired'
        else 'open'
    end as status,
    filed.claim_id,
    filed.first_filed_at as filed_at,
    filed.decided_at,
    cast(coalesce(filed.amount_paid, -cost_refunds) as decimal(18, 4)) as amount_paid,
    claim_form
from claimable
left join filed
    on claimable.shipment_id = filed.shipment_id and filed.newest = 1
