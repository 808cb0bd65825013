-- One row per carrier and service: parcels past their promise and still open, the most first.
select
    coalesce(carrier, 'unknown') as carrier,
    coalesce(service, 'unknown') as service,
    count(*) as parcels,
    max(date_diff('day', promised_date, $today))::bigint as most_days_late
from marts.fct_shipments
where end_milestone is null and is_due and is_first_delivery
group by all
order by parcels desc, carrier, service
limit 20
