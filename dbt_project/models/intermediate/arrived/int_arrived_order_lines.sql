-- One row per order line and arrival, from whatever source, as this refresh has to take it in.
{{ arrived(['stg_files__order_lines', 'stg_shopify__line_items']) }}
