-- One row per SKU and arrival, from whatever source, as this refresh has to take it in.
{{ arrived(['stg_files__products']) }}
