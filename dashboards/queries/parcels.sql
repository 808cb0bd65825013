-- One row per parcel behind the scorecard's figures, most days late first; matching says how many there are in all.
with clocked as (
    select
        *,
        case when $clock = 'Commitment' then committed_date else promised_date end as due_date,
        case when $clock = 'Commitment' then is_due_commitment else is_due end as clock_is_due,
        case when $clock = 'Commitment' then is_on_time_commitment else is_on_time end as clock_is_on_time
    from marts.fct_shipments
    where week between $first_week and $last_week
        and is_first_delivery
        and (len($carriers) = 0 or list_contains($carriers, coalesce(carrier, 'unknown')))
        and (len($services) = 0 or list_contains($services, coalesce(service, 'unknown')))
        and (len($lanes) = 0 or list_contains($lanes, coalesce(lane, 'unknown')))
)

select
    tracking_number,
    order_id,
    coalesce(carrier, 'unknown') as carrier,
    coalesce(service, 'unknown') as service,
    coalesce(lane, 'unknown') as lane,
    due_date,
    delivered_local,
    case
        when clock_is_due and not clock_is_on_time
            then date_diff('day', due_date, coalesce(cast(delivered_local as date), $today))
    end as days_late,
    coalesce(end_milestone, last_milestone) as status,
    last_scan_at,
    lateness_fault,
    attempts,
    count(*) over () as matching
from clocked
where $show = 'All'
    or ($show = 'Late' and clock_is_due and not clock_is_on_time)
    or ($show = 'Late and still open' and clock_is_due and not clock_is_on_time and end_milestone is null)
order by days_late desc nulls last, due_date, tracking_number
limit $at_most
