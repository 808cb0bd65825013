-- One row per publication, the newest first.
select
    run_id,
    as_of,
    published_at,
    outcome,
    is_full,
    full_reason,
    batches,
    new_batches,
    wall_seconds,
    cpu_seconds,
    code_version,
    project_hash,
    seeds_hash,
    settings_hash
from ops.publications
order by published_at desc, run_id desc
limit 30
