-- One row per carrier event and arrival, from whatever source, as this refresh has to take it in.
{{ arrived(['stg_files__scans', 'stg_shopify__fulfillment_events', 'stg_easypost__tracking_details', 'stg_aftership__checkpoints']) }}
