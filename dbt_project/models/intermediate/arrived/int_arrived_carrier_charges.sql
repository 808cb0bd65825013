-- One row per invoiced or rated charge and arrival, from whatever source, as this refresh has to take it in.
{{ arrived(['stg_files__carrier_charges']) }}
