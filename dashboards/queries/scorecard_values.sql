-- One row per value that a filter of the scorecard may take, with the parcels behind it.
select 'carrier' as filter, coalesce(carrier, 'unknown') as value, sum(entered)::bigint as parcels
from marts.carrier_scorecard
group by all
union all
select 'service', coalesce(service, 'unknown'), sum(entered)::bigint
from marts.carrier_scorecard
group by all
union all
select 'lane', coalesce(lane, 'unknown'), sum(entered)::bigint
from marts.carrier_scorecard
group by all
union all
select 'week', cast(week as varchar), sum(entered)::bigint
from marts.carrier_scorecard
where week <= $last_complete_week
group by all
order by filter, value
