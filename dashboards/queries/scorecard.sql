-- One row per combination of the columns named in $grain (carrier, service, lane, week; the others read 'all').
-- Rates and intervals are computed on summed counts, never by averaging rates.
with chosen as (
    select
        *,
        case when $clock = 'Commitment' then due_commitment else due end as clock_due,
        case when $clock = 'Commitment' then on_time_commitment else on_time end as clock_on_time
    from marts.carrier_scorecard
    where week between $first_week and $last_week
        and (len($carriers) = 0 or list_contains($carriers, coalesce(carrier, 'unknown')))
        and (len($services) = 0 or list_contains($services, coalesce(service, 'unknown')))
        and (len($lanes) = 0 or list_contains($lanes, coalesce(lane, 'unknown')))
),

summed as (
    select
        case when list_contains($grain, 'carrier') then coalesce(carrier, 'unknown') else 'all' end as carrier,
        case when list_contains($grain, 'service') then coalesce(service, 'unknown') else 'all' end as service,
        case when list_contains($grain, 'lane') then coalesce(lane, 'unknown') else 'all' end as lane,
        case when list_contains($grain, 'week') then week end as week,
        sum(clock_due)::bigint as due,
        sum(clock_on_time)::bigint as on_time,
        sum(entered)::bigint as entered,
        sum(delivered)::bigint as delivered,
        sum(open)::bigint as open,
        sum(ended_otherwise)::bigint as ended_otherwise,
        sum(overdue)::bigint as overdue,
        sum(attempted)::bigint as attempted,
        sum(first_attempt_delivered)::bigint as first_attempt_delivered,
        sum(exceptions)::bigint as exceptions,
        sum(lost)::bigint as lost,
        sum(damaged)::bigint as damaged,
        sum(returned_to_sender)::bigint as returned_to_sender
    from chosen
    group by all
)

select
    carrier,
    service,
    lane,
    week,
    case when due < $suppress_under then 'too few' when due < $grey_under then 'small' else 'enough' end as sample,
    case when due >= $suppress_under then on_time / due::double end as on_time_rate,
    case when due >= $suppress_under then wilson_low(on_time, due) end as on_time_rate_low,
    case when due >= $suppress_under then wilson_high(on_time, due) end as on_time_rate_high,
    due,
    on_time,
    entered,
    delivered,
    open,
    ended_otherwise,
    overdue,
    case when attempted >= $suppress_under then first_attempt_delivered / attempted::double end as first_attempt_rate,
    exceptions,
    lost,
    damaged,
    returned_to_sender
from summed
order by on_time_rate nulls last, due desc, carrier, service, lane, week
