-- One row per parcel under way that is past its promise, due within two days, or silent: the most urgent first.
select
    tracking_number,
    order_id,
    carrier,
    service,
    lane,
    promised_date,
    date_diff('day', $today, promised_date)::integer as days_left,
    coalesce(last_milestone, 'label_created') as status,
    last_scan_at,
    date_diff('hour', last_scan_at, $as_of)::integer as silent_hours,
    case when is_due then 'past its promise'
        when date_diff('hour', last_scan_at, $as_of) >= $stalled_hours then 'no scan for ' || (date_diff('hour', last_scan_at, $as_of) // 24)::integer || ' days'
        else 'due soon' end as reason,
    count(*) over () as matching
from marts.fct_shipments
where end_milestone is null and is_first_delivery and not is_cancelled and promised_date is not null
    and (is_due or promised_date <= $today + 2 or date_diff('hour', last_scan_at, $as_of) >= $stalled_hours)
    and (len($carriers) = 0 or list_contains($carriers, coalesce(carrier, 'unknown')))
order by is_due desc, promised_date, silent_hours desc nulls last, tracking_number
limit $at_most
