-- One row per week (Monday) in which returns were asked for, and one for those that say nothing of when: how many, beside the
-- orders placed that week, what of their value was kept, and how long each step takes, counting those still open.
{{ config(materialized='table') }}
{%- set as_of = as_of() %}
{%- set zone = run_value('time_zone') %}
{%- set steps = ['first_scan', 'received', 'refunded'] %}

with lines as (
    select
        shop,
        cast(date_trunc('week', {{ to_local('requested_at', zone) }}) as date) as week,
        cast(count(*) as integer) as returned_lines,
        cast(count(*) filter (where not is_matched) as integer) as unmatched_lines,
        cast(sum(quantity) as bigint) as returned_units,
        sum(amount) as returned_amount
    from {{ ref('fct_return_lines') }}
    where requested_at is null or requested_at <= {{ as_of }}
    group by shop, cast(date_trunc('week', {{ to_local('requested_at', zone) }}) as date)
),

returns as (
    select
        shop,
        return_id,
        cast(date_trunc('week', {{ to_local('requested_at', zone) }}) as date) as week,
        requested_at,
        outcome,
        status,
        retained_amount,
        label_first_scan_at as first_scan_at,
        received_at,
        refunded_at,
        coalesce(outcome in ('rejected', 'cancelled', 'expired'), false) as is_void
    from {{ ref('fct_returns') }}
    where requested_at is null or requested_at <= {{ as_of }}
),

requests as (
    select
        shop,
        week,
        cast(count(*) as integer) as returns,
        {%- for outcome in ['refund', 'exchange', 'store_credit', 'rejected', 'expired', 'cancelled'] %}
        cast(count(*) filter (where outcome = '{{ outcome }}') as integer) as {{ outcome }}_returns,
        {%- endfor %}
        cast(count(*) filter (where first_scan_at is null and received_at is null and outcome = 'expired') as integer) as unused_labels,
        sum(retained_amount) as retained_amount
    from returns
    group by shop, week
),

-- whole days from the request to each step; one not reached yet is open since then
waits as (
    {%- for step in steps %}
    select
        shop, week, '{{ step }}' as step,
        case when {{ step }}_at <= {{ as_of }} then 1 else 0 end as reached,
        cast(ceil({{ hours_between('requested_at', 'least(coalesce(' ~ step ~ '_at, ' ~ as_of ~ '), ' ~ as_of ~ ')') }} / 24.0) as integer) as days
    from returns
    where requested_at is not null and not is_void
    {{- " union all" if not loop.last }}
    {%- endfor %}
),

counted as (
    select shop, week, step, greatest(days, 0) as days, sum(reached) as reached, count(*) as seen
    from waits
    group by shop, week, step, greatest(days, 0)
),

at_risk as (
    select
        *,
        sum(seen) over (partition by shop, week, step order by days desc rows between unbounded preceding and current row) as n
    from counted
),

-- Kaplan-Meier
curves as (
    select
        *,
        exp(sum(case when reached < n then ln(1.0 - cast(reached as double) / n) else -1e9 end) over (
            partition by shop, week, step order by days rows between unbounded preceding and current row
        )) as still_open
    from at_risk
),

percentiles as (
    select
        shop,
        week
        {%- for step in steps %}{% for p in [50, 90] %},
        min(case when step = '{{ step }}' and still_open <= {{ (100 - p) / 100 }} + 1e-9 then days end) as days_to_{{ step }}_p{{ p }}
        {%- endfor %}{% endfor %}
    from curves
    group by shop, week
),

placed as (
    select shop, cast(date_trunc('week', ordered_date) as date) as week, cast(count(*) as integer) as orders_placed
    from {{ ref('fct_orders') }}
    where not is_after_as_of
    group by shop, cast(date_trunc('week', ordered_date) as date)
),

weeks as (
    select shop, week from lines
    union
    select shop, week from requests
)

select
    weeks.shop,
    weeks.week,
    coalesce(placed.orders_placed, 0) as orders_placed,
    coalesce(requests.returns, 0) as returns,
    {%- for outcome in ['refund', 'exchange', 'store_credit', 'rejected', 'expired', 'cancelled'] %}
    coalesce(requests.{{ outcome }}_returns, 0) as {{ outcome }}_returns,
    {%- endfor %}
    coalesce(requests.unused_labels, 0) as unused_labels,
    coalesce(lines.returned_lines, 0) as returned_lines,
    coalesce(lines.unmatched_lines, 0) as unmatched_lines,
    coalesce(lines.returned_units, 0) as returned_units,
    lines.returned_amount,
    requests.retained_amount,
    {{ rate('requests.retained_amount', 'lines.returned_amount') }} as retained_revenue_rate,
    {{ rate('coalesce(requests.returns, 0)', 'placed.orders_placed') }} as return_request_ratio
    {%- for step in steps %}{% for p in [50, 90] %},
    percentiles.days_to_{{ step }}_p{{ p }}
    {%- endfor %}{% endfor %}
from weeks
left join lines
    on weeks.shop = lines.shop and weeks.week is not distinct from lines.week
left join requests
    on weeks.shop = requests.shop and weeks.week is not distinct from requests.week
left join percentiles
    on weeks.shop = percentiles.shop and weeks.week = percentiles.week
left join placed
    on weeks.shop = placed.shop and weeks.week = placed.week
