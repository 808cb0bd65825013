-- One row per state of the parcel when the customer asked: WISMO contacts and those that a notice could have avoided.
select
    state_at_contact as state,
    count(*) filter (where topic = 'wismo') as wismo_tickets,
    count(*) filter (where was_avoidable) as avoidable_tickets,
    count(*) filter (where was_avoidable) * $cost_per_contact::double as avoidable_cost
from marts.fct_tickets
where created_date >= $first_week and created_date < $last_week + interval 7 day and not is_after_as_of
    and topic in ('wismo', 'delivery_problem')
group by all
order by avoidable_tickets desc, wismo_tickets desc, state
