-- One row per check of the published run, the failed ones first.
select
    case when passed then 'passed' when severity = 'error' then 'failed' else 'warning' end as result,
    asset,
    check_name,
    failures,
    nullif(examples_json, '[]') as examples_json,
    checked_at
from ops.checks
where run_id = $run_id
order by passed, severity, asset, check_name
