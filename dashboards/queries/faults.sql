-- One row per carrier: whose lateness its late parcels are, by the promise.
select
    coalesce(carrier, 'unknown') as carrier,
    sum(due - on_time)::bigint as late,
    sum(late_merchant)::bigint as merchant,
    sum(late_carrier)::bigint as carrier_fault,
    sum(late_customs)::bigint as customs,
    sum(late_recipient)::bigint as recipient,
    sum(late_weather)::bigint as weather,
    sum(late_unknown)::bigint as unknown
from marts.carrier_scorecard
where week between $first_week and $last_week
    and (len($carriers) = 0 or list_contains($carriers, coalesce(carrier, 'unknown')))
    and (len($services) = 0 or list_contains($services, coalesce(service, 'unknown')))
    and (len($lanes) = 0 or list_contains($lanes, coalesce(lane, 'unknown')))
group by all
order by late desc, carrier
