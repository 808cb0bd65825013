-- One row for all orders and one per carrier (parcels): the on-time rate of the last complete week of promise against the
-- four weeks before it, and how many standard errors lie between them.
with weekly as (
    select 'All orders' as what, week, sum(due)::bigint as due, sum(on_time)::bigint as on_time
    from marts.order_delivery
    group by all
    union all
    select coalesce(carrier, 'unknown'), cast(date_trunc('week', promised_date) as date) as week,
        count(*), count(*) filter (where is_on_time)
    from marts.fct_shipments
    where promised_date between $last_week - 28 and $last_week + 6 and is_due and is_first_delivery
    group by all
),

split as (
    select
        what,
        coalesce(sum(due) filter (where week = $last_week), 0) as due_now,
        coalesce(sum(on_time) filter (where week = $last_week), 0) as on_time_now,
        coalesce(sum(due) filter (where week < $last_week), 0) as due_before,
        coalesce(sum(on_time) filter (where week < $last_week), 0) as on_time_before
    from weekly
    where week between $last_week - 28 and $last_week
    group by what
),

rates as (
    select
        *,
        on_time_now / due_now::double as rate_now,
        on_time_before / due_before::double as rate_before,
        (on_time_now + on_time_before) / (due_now + due_before)::double as pooled
    from split
    where due_now >= $suppress_under and due_before >= $suppress_under
)

select
    what,
    due_now::bigint as due_now,
    rate_now as now_rate,
    rate_before as before_rate,
    (rate_now - rate_before) / nullif(sqrt(pooled * (1 - pooled) * (1.0 / due_now + 1.0 / due_before)), 0) as z
from rates
order by what <> 'All orders', abs(z) desc nulls last, what
