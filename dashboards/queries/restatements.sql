-- One row per figure of a closed week that changed after the fact, the newest first.
select
    restated_at,
    table_name,
    week,
    key_json,
    column_name,
    old_value,
    new_value,
    reason,
    run_id,
    count(*) over () as matching
from ops.restatements
order by restated_at desc, table_name, week, key_json, column_name
limit $at_most
