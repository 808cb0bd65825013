-- One row per support ticket and arrival, from whatever source, as this refresh has to take it in.
{{ arrived(['stg_files__tickets', 'stg_zendesk__tickets', 'stg_gorgias__tickets']) }}
