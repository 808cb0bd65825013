-- One row per carrier: contacts, and how many for each 1,000 parcels that were open.
select
    carrier,
    sum(wismo_tickets)::bigint as wismo_tickets,
    sum(avoidable_tickets)::bigint as avoidable_tickets,
    sum(avoidable_tickets) * $cost_per_contact::double as avoidable_cost,
    sum(parcels_open)::bigint as parcel_days,
    1000.0 * sum(wismo_tickets) / nullif(sum(parcels_open), 0) as per_thousand_open
from marts.wismo_daily
where day >= $first_week and day < $last_week + interval 7 day
group by all
having sum(tickets) > 0
order by avoidable_tickets desc, wismo_tickets desc, carrier
