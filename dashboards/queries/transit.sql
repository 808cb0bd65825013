-- One row per carrier and day since the first scan: the share delivered by then (Aalen-Johansen: open parcels censored, loss
-- and return compete), with the parcels still under observation.
with hours as (
    select
        carrier,
        least(transit_hour, 480) as transit_hour,
        sum(delivered) as delivered,
        sum(delivered + ended_otherwise) as ended,
        sum(delivered + ended_otherwise + censored) as seen
    from marts.delivery_transit_hours
    where week between $first_week and $last_week
        and (len($carriers) = 0 or list_contains($carriers, coalesce(carrier, 'unknown')))
        and (len($services) = 0 or list_contains($services, coalesce(service, 'unknown')))
        and (len($lanes) = 0 or list_contains($lanes, coalesce(lane, 'unknown')))
    group by all
),

at_risk as (
    select *, sum(seen) over (partition by carrier order by transit_hour desc) as under_observation
    from hours
),

under_way as (
    select
        *,
        coalesce(exp(sum(case when ended < under_observation then ln(1.0 - ended::double / under_observation) else -1e9 end)
            over (partition by carrier order by transit_hour rows between unbounded preceding and 1 preceding)), 1.0) as share
    from at_risk
),

curves as (
    select
        carrier,
        transit_hour,
        under_observation,
        sum(share * delivered / under_observation) over (partition by carrier order by transit_hour) as delivered_share
    from under_way
),

sized as (
    select carrier, sum(seen) as parcels from hours group by all having sum(seen) >= $suppress_under
)

select carrier, transit_hour // 6 * 6 as hours, min(under_observation)::bigint as under_observation, max(delivered_share) as delivered_share
from curves
where carrier in (select carrier from sized)
group by all
order by carrier, hours
