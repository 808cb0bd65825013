-- One row per parcel and arrival, from whatever source, as this refresh has to take it in.
{{ arrived(['stg_files__shipments', 'stg_shopify__fulfillments', 'stg_easypost__trackers', 'stg_aftership__trackings']) }}
