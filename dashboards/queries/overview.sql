-- One row: what came in during the period and the one before it, and what is on its way right now.
with orders as (
    select
        count(*) filter (where ordered_date >= $first_week) as orders,
        count(*) filter (where ordered_date < $first_week) as orders_before
    from marts.fct_orders
    where ordered_date >= $week_before
        and ordered_date < $last_week + interval 7 day
        and not is_after_as_of
),

parcels as (
    select
        count(*) filter (where is_open) as moving,
        count(*) filter (where is_due and is_first_delivery) as late_open
    from marts.fct_shipments
    where end_milestone is null and not is_return
),

tickets as (
    select
        coalesce(sum(wismo_tickets), 0)::bigint as wismo_tickets,
        coalesce(sum(orders_placed), 0)::bigint as orders_placed
    from marts.wismo_daily
    where day >= $first_week and day < $last_week + interval 7 day
)

select
    orders,
    orders_before,
    moving,
    late_open,
    wismo_tickets,
    orders_placed,
    1000.0 * wismo_tickets / nullif(orders_placed, 0) as wismo_per_thousand
from orders, parcels, tickets
