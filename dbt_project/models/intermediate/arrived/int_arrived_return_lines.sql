-- One row per returned line and arrival, from whatever source, as this refresh has to take it in.
{{ arrived(['stg_files__return_lines']) }}
