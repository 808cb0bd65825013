-- One row per return and arrival, from whatever source, as this refresh has to take it in.
{{ arrived(['stg_files__returns', 'stg_shopify__returns', 'stg_loop__returns']) }}
