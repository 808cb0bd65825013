-- One row per change of a promise and arrival, from whatever source, as this refresh has to take it in.
{{ arrived(['stg_files__promise_revisions']) }}
