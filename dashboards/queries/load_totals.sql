-- One row: where all records read so far ended.
select
    count(*) as batches,
    count(*) filter (where outcome = 'held') as held,
    count(*) filter (where outcome = 'failed') as failed,
    coalesce(sum(read), 0)::bigint as read,
    coalesce(sum(landed), 0)::bigint as landed,
    coalesce(sum(quarantined), 0)::bigint as quarantined,
    coalesce(sum(duplicate), 0)::bigint as duplicate,
    coalesce(sum(not_applicable), 0)::bigint as not_applicable,
    count(*) filter (where read <> landed + quarantined + duplicate + not_applicable) as not_adding_up
from ops.loads
