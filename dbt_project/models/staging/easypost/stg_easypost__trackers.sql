-- One row per parcel and arrival, from EasyPost's trackers.
--
-- A place in words ends in `CITY NY US` or `CITY NY`. An estimate is a day at the destination, whatever the hour that
-- comes with it; the first one is not kept by EasyPost.
with worded as (
    select
        *,
        split_part(destination_location, ' ', -1) as last_word,
        split_part(destination_location, ' ', -2) as word_before,
        length(split_part(destination_location, ' ', -1)) = 2
            and length(split_part(destination_location, ' ', -2)) between 2 and 3 as has_country
    from {{ landing('easypost', 'trackers') }}
)

select
    shop,
    source,
    _seq,
    _row,
    _deleted,
    coalesce(shipment_id, id) as shipment_ref,
    coalesce(shipment_id, id) as parcel_key,
    carrier,
    service,
    tracking_code as tracking_number,
    created_at as shipped_at,
    created_at as label_created_at,
    coalesce(destination_state, case
        when has_country then word_before
        when length(last_word) between 2 and 3 then last_word
    end) as destination_region,
    coalesce(destination_country, case when has_country then last_word end) as destination_country,
    origin_state as origin_region,
    origin_country,
    guaranteed_delivery_date as committed_date,
    coalesce(est_delivery_date_local, cast(est_delivery_date as date)) as last_estimate_date,
    status = 'cancelled' as is_cancelled,
    is_return,
    cast(weight * 28.349523125 as double) as weight_grams
from worded
