-- One row per carrier, service and lane: the silence that 99.5 % of its parcels delivered in the calendar quarter before
-- as_of's did not exceed and yet arrived. With fewer than 200 of them there is no row.
{{ config(materialized='table', tags=['clock']) }}
{%- set quarter %}date_trunc('quarter', {{ as_of() }}){% endset %}

select
    coalesce(aliases.carrier, parcels.carrier) as carrier,
    parcels.service,
    coalesce(parcels.origin_node, orders.origin_node, parcels.origin_region, orders.origin_region, 'unknown') as origin,
    coalesce(parcels.destination_region, orders.destination_region, 'unknown') as destination_region,
    cast(count(*) as integer) as parcels,
    percentile_cont(0.995) within group (order by cast(lives.longest_gap_seconds as double)) as silence_seconds
from {{ ref('int_lives') }} as lives
inner join {{ ref('int_parcels') }} as parcels
    on lives.shipment_id = parcels.shipment_id and parcels.is_current
left join {{ ref('carrier_aliases') }} as aliases
    on lower(trim(parcels.carrier)) = aliases.alias
left join {{ ref('int_orders') }} as orders
    on parcels.order_id = orders.order_id
where lives.delivered_at >= {{ quarter }} - interval '3' month and lives.delivered_at < {{ quarter }}
    and lives.longest_gap_seconds is not null
group by all
having count(*) >= 200
