-- One row per batch and entity, the newest first. Every record read ends in exactly one of four places.
select
    landed_at,
    source,
    entity,
    label,
    regexp_extract(file, '([^/]+/)?([^/]+/)?[^/]+$') as file,
    outcome,
    read,
    landed,
    quarantined,
    duplicate,
    not_applicable,
    read = landed + quarantined + duplicate + not_applicable as adds_up,
    retired,
    message,
    min_at,
    max_at,
    seconds,
    batch_id,
    count(*) over () as matching
from ops.loads
where $show = 'All' or outcome <> 'accepted'
order by landed_at desc, seq desc
limit $at_most
