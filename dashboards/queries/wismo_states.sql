-- One row per state of the parcel when the customer wrote about its delivery: how many asked where it is, how many reported a
-- problem, and how many of both a notice could have avoided.
select
    state_at_contact as state,
    count(*) as contacts,
    count(*) filter (where topic = 'wismo') as wismo_tickets,
    count(*) filter (where topic = 'delivery_problem') as delivery_problem_tickets,
    count(*) filter (where was_avoidable) as avoidable_tickets,
    count(*) filter (where was_avoidable) * $cost_per_contact::double as avoidable_cost
from marts.fct_tickets
where created_date >= $first_week and created_date < $last_week + interval 7 day and not is_after_as_of
    and topic in ('wismo', 'delivery_problem')
group by all
order by avoidable_tickets desc, contacts desc, state
