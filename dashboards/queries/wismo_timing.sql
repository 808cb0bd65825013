-- One row per day relative to the promised date: WISMO contacts (negative: before the promised day).
select greatest(least(days_past_promise, 10), -10)::integer as days_past_promise, count(*) as wismo_tickets
from marts.fct_tickets
where created_date >= $first_week and created_date < $last_week + interval 7 day and not is_after_as_of
    and topic = 'wismo' and days_past_promise is not null
group by all
order by days_past_promise
