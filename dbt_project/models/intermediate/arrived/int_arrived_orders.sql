-- One row per order and arrival, from whatever source, as this refresh has to take it in.
{{ arrived(['stg_files__orders', 'stg_shopify__orders']) }}
