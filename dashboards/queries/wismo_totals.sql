-- One row per week (or one in all, unless $by_week): contacts, both exposures, and what could have been avoided.
select
    case when $by_week then date_trunc('week', day)::date end as week,
    sum(tickets)::bigint as tickets,
    sum(wismo_tickets)::bigint as wismo_tickets,
    sum(avoidable_tickets)::bigint as avoidable_tickets,
    sum(orders_placed)::bigint as orders_placed,
    sum(parcels_open)::bigint as parcel_days,
    1000.0 * sum(wismo_tickets) / nullif(sum(orders_placed), 0) as per_thousand_orders,
    1000.0 * sum(wismo_tickets) / nullif(sum(parcels_open), 0) as per_thousand_open,
    sum(wismo_tickets)::double / nullif(sum(tickets), 0) as wismo_share_rate
from marts.wismo_daily
where day >= $first_week and day < $last_week + interval 7 day
group by all
order by week
