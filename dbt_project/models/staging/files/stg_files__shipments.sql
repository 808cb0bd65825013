-- One row per parcel and arrival, from every file source: landing already holds the canonical entity.
--
-- parcel_key tells two parcels apart before anything is known of recycled numbers: the vendor's own id, else the
-- number, carrier and ship date.
select
    *,
    coalesce(
        shipment_ref,
        tracking_number || '|' || coalesce(carrier, '') || '|' || coalesce(cast(cast(shipped_at as date) as varchar), '')
    ) as parcel_key
from {{ landing('files', 'shipments') }}
