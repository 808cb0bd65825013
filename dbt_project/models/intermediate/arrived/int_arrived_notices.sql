-- One row per notice sent to a customer and arrival, from whatever source, as this refresh has to take it in.
{{ arrived(['stg_files__notices']) }}
