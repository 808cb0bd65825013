-- One row per parcel and arrival, from AfterShip's trackings. An estimate is a day at the destination, whatever the hour.
select
    trackings.shop,
    trackings.source,
    trackings._seq,
    trackings._row,
    trackings._deleted,
    trackings.id as shipment_ref,
    'aftership-' || trackings.id as parcel_key,
    trackings.order_id,
    {{ aftership_carrier('trackings.slug') }} as carrier,
    trackings.shipment_type as service,
    trackings.tracking_number,
    trackings.created_at as shipped_at,
    trackings.created_at as label_created_at,
    trackings.origin_state as origin_region,
    coalesce(origins.country, trackings.origin_country_region) as origin_country,
    trackings.destination_state as destination_region,
    coalesce(destinations.country, trackings.destination_country_region) as destination_country,
    cast(trackings.first_estimated_delivery as date) as first_estimate_date,
    cast(trackings.latest_estimated_delivery as date) as last_estimate_date,
    false as is_cancelled,
    false as is_return,
    cast(trackings.shipment_weight * case trackings.shipment_weight_unit
        when 'kg' then 1000.0
        when 'oz' then 28.349523125
        when 'lb' then 453.59237
        else 1.0
    end as double) as weight_grams
from {{ landing('aftership', 'trackings') }} as trackings
left join {{ ref('country_codes') }} as origins
    on trackings.origin_country_region = origins.alpha_3
left join {{ ref('country_codes') }} as destinations
    on trackings.destination_country_region = destinations.alpha_3
