-- One row per parcel behind the scorecard's figures, most days late first; matching says how many there are in all.
-- Parcels are found and put in order by few columns; the others are fetched for those listed.
with clocked as (
    select
        rowid as parcel,
        tracking_number,
        end_milestone,
        delivered_local,
        case when $clock = 'Commitment' then committed_date else promised_date end as due_date,
        case when $clock = 'Commitment' then is_due_commitment and not is_on_time_commitment else is_due and not is_on_time end as is_late
    from marts.fct_shipments
    where week between $first_week and $last_week
        and is_first_delivery
        and (len($carriers) = 0 or list_contains($carriers, coalesce(carrier, 'unknown')))
        and (len($services) = 0 or list_contains($services, coalesce(service, 'unknown')))
        and (len($lanes) = 0 or list_contains($lanes, coalesce(lane, 'unknown')))
),

matching as (
    select
        parcel,
        tracking_number,
        due_date,
        case when is_late then date_diff('day', due_date, coalesce(cast(delivered_local as date), $today)) end as days_late
    from clocked
    where $show = 'All' or (is_late and ($show = 'Late' or end_milestone is null))
),

listed as (
    select *, (select count(*) from matching) as matching
    from matching
    order by days_late desc nulls last, due_date, tracking_number
    limit $at_most
)

select
    listed.tracking_number,
    order_id,
    coalesce(carrier, 'unknown') as carrier,
    coalesce(service, 'unknown') as service,
    coalesce(lane, 'unknown') as lane,
    due_date,
    parcels.delivered_local,
    days_late,
    coalesce(end_milestone, last_milestone) as status,
    last_scan_at,
    lateness_fault,
    attempts,
    matching
from listed
join marts.fct_shipments as parcels on listed.parcel = parcels.rowid
order by days_late desc nulls last, due_date, listed.tracking_number
