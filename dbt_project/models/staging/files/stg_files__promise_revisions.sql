-- One row per change of a promise and arrival, from every file source: landing already holds the canonical entity.
select
    *,
    order_id || '|' || cast(changed_at as varchar) as revision_key
from {{ landing('files', 'promise_revisions') }}
