-- One row per source and entity: its newest record, and how long it may be silent.
select
    source,
    entity,
    case when is_stale then 'stale' when policy_hours is null then 'no limit set' else 'fresh' end as state,
    newest_record_at,
    -- null stays null (greatest() would turn it into 0); a record dated after as_of has no age yet
    case
        when newest_record_at > $as_of then 0.0
        else date_diff('minute', newest_record_at, $as_of) / 60.0
    end as age_hours,
    policy_hours,
    last_batch_at
from ops.freshness
order by is_stale desc, source, entity
