-- One row per returned line and arrival, from whatever source, as this refresh has to take it in.
{{ arrived(['stg_files__return_lines', 'stg_shopify__return_line_items', 'stg_loop__line_items']) }}
