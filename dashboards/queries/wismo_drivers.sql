-- One row per value of the scope, over the 28 days before as_of: contacts about deliveries, the costliest avoidable ones first.
select
    scope_value, avoidable_tickets, avoidable_tickets * $cost_per_contact::double as avoidable_cost,
    preventable_tickets * $cost_per_contact::double as preventable_cost, notice_deflection,
    wismo_tickets, delivery_problem_tickets, repeat_tickets, hours_known_before_p50,
    case when scope not in ('state', 'channel') then orders_placed end as orders_placed,
    case when scope not in ('state', 'channel') then wismo_per_1000_orders end as per_thousand_orders,
    case when scope not in ('state', 'channel') then wismo_per_1000_parcels_open end as per_thousand_open
from marts.wismo_drivers
where scope = $scope
order by driver_rank
limit 200
