-- One row per order cohort (month of the order; `unmatched`), scope (all; category; variant; channel; region) and value of it:
-- what was sold, what of it came back so far, and what share of all that will come back is likely to have been asked for.
--
-- A returned line counts once in every scope. Lines of a cohort whose window is open are completed by how long others took.
-- depends_on: {{ ref('int_touched') }}
-- depends_on: {{ ref('return_reasons') }}
-- depends_on: {{ ref('int_arrived_order_lines') }}
{{ config(unique_key='cohort', incremental_strategy='touched', touched_kind='cohort', materialized='incremental') }}
{%- set as_of = as_of() %}
{%- set mature = "cohort_month + interval '1' month + interval '" ~ setting('thresholds.return_window_days') ~ "' day <= " ~ as_of %}

with {% if is_incremental() %}touched_cohorts as (
    {{ touched('cohort') }}
),

{% endif %}sales as (
    select
        lines.shop,
        lines.order_line_id,
        lines.order_id,
        {{ month_label('orders.ordered_date') }} as cohort,
        cast(date_trunc('month', orders.ordered_date) as date) as cohort_month,
        {{ days_between('orders.ordered_date', as_of) }} as age_days,
        lines.quantity,
        lines.quantity * lines.unit_price as amount,
        coalesce(lines.category, 'unknown') as category,
        coalesce(lines.variant, 'unknown') as variant,
        coalesce(orders.channel, 'unknown') as channel,
        coalesce(orders.destination_region, 'unknown') as region
    from {{ ref('fct_order_lines') }} as lines
    inner join {{ ref('fct_orders') }} as orders
        on lines.order_id = orders.order_id
    where not orders.is_after_as_of
    {%- if is_incremental() %} and {{ month_label('orders.ordered_date') }} in (select cohort from touched_cohorts){% endif %}
),

-- all that scopes are sums of, in one pass over the lines
sold_cells as (
    select
        shop, cohort, cohort_month, age_days, category, variant, channel, region,
        count(*) as sold_lines,
        sum(quantity) as sold_units,
        sum(amount) as sold_amount
    from sales
    group by all
),

returned as (
    select
        lines.shop,
        lines.order_id,
        lines.order_line_id,
        lines.cohort,
        try_cast(lines.cohort || '-01' as date) as cohort_month,
        lines.quantity,
        lines.amount,
        cast(
            returns.retained_amount * {{ rate('lines.amount', 'sum(lines.amount) over (partition by lines.return_id)') }} as decimal(38, 4)
        ) as retained_amount,
        lines.delivery_failure_present,
        lines.reason,
        coalesce(sold.category, 'unknown') as category,
        coalesce(sold.variant, 'unknown') as variant,
        coalesce(orders.channel, 'unknown') as channel,
        coalesce(orders.destination_region, 'unknown') as region,
        {{ days_between('orders.ordered_date', 'lines.requested_at') }} as lag_days
    from {{ ref('fct_return_lines') }} as lines
    left join {{ ref('fct_returns') }} as returns
        on lines.return_id = returns.return_id
    left join {{ ref('fct_order_lines') }} as sold
        on lines.order_line_id = sold.order_line_id
    left join {{ ref('fct_orders') }} as orders
        on lines.order_id = orders.order_id
    where lines.requested_at is null or lines.requested_at <= {{ as_of }}
),

-- of what came back of closed cohorts, the share asked for by each age
asked as (
    select shop, lag_days, count(*) as lines
    from returned
    where {{ mature }} and lag_days >= 0
    group by shop, lag_days
),

ages as (
    select
        ages.shop,
        ages.age_days,
        {{ rate('sum(asked.lines) filter (where asked.lag_days <= ages.age_days)', 'sum(asked.lines)') }} as asked_share
    from (select distinct shop, age_days from sold_cells where not ({{ mature }})) as ages
    inner join asked
        on ages.shop = asked.shop
    group by ages.shop, ages.age_days
),

sold_by_scope as (
    {%- for scope in ['all', 'category', 'variant', 'channel', 'region'] %}
    select
        cells.shop, cells.cohort, '{{ scope }}' as scope, {{ "'all'" if scope == 'all' else 'cells.' ~ scope }} as scope_value,
        cells.sold_lines, cells.sold_units, cells.sold_amount, ages.asked_share
    from sold_cells as cells
    left join ages
        on cells.shop = ages.shop and cells.age_days = ages.age_days
    {{- " union all" if not loop.last }}
    {%- endfor %}
),

-- an order is in one channel and region, and in as many categories and variants as its lines
ordered as (
    select
        shop,
        {{ month_label('ordered_date') }} as cohort,
        coalesce(channel, 'unknown') as channel,
        coalesce(destination_region, 'unknown') as region,
        count(*) as orders
    from {{ ref('fct_orders') }}
    where not is_after_as_of and order_id in (select order_id from {{ ref('fct_order_lines') }})
    {%- if is_incremental() %} and {{ month_label('ordered_date') }} in (select cohort from touched_cohorts){% endif %}
    group by all
),

orders_by_scope as (
    {%- for scope in ['all', 'channel', 'region'] %}
    select shop, cohort, '{{ scope }}' as scope, {{ "'all'" if scope == 'all' else scope }} as scope_value, sum(orders) as orders
    from ordered
    group by all
    union all
    {%- endfor %}
    {%- for scope in ['category', 'variant'] %}
    select shop, cohort, '{{ scope }}', {{ scope }}, count(distinct {{ key_hash('order_id') }})
    from sales
    group by all
    {{- " union all" if not loop.last }}
    {%- endfor %}
),

sold as (
    select
        lines.shop, lines.cohort, lines.scope, lines.scope_value,
        cast(any_value(counted.orders) as integer) as orders,
        cast(sum(lines.sold_lines) as integer) as sold_lines,
        cast(sum(lines.sold_units) as bigint) as sold_units,
        sum(lines.sold_amount) as sold_amount,
        round(sum(lines.asked_share * lines.sold_lines) / nullif(sum(lines.sold_lines) filter (where lines.asked_share is not null), 0), 9)
            as asked_share
    from sold_by_scope as lines
    left join orders_by_scope as counted
        on lines.shop = counted.shop and lines.cohort = counted.cohort
        and lines.scope = counted.scope and lines.scope_value = counted.scope_value
    group by lines.shop, lines.cohort, lines.scope, lines.scope_value
),

returned_by_scope as (
    {%- for scope in ['all', 'category', 'variant', 'channel', 'region'] %}
    select *, '{{ scope }}' as scope, {{ "'all'" if scope == 'all' else scope }} as scope_value
    from returned
    {%- if is_incremental() %} where cohort in (select cohort from touched_cohorts){% endif %}
    {{- " union all" if not loop.last }}
    {%- endfor %}
),

came_back as (
    select
        shop, cohort, scope, scope_value,
        cast(count(distinct order_id) as integer) as returned_orders,
        cast(count(*) as integer) as returned_lines,
        cast(sum(quantity) as bigint) as returned_units,
        cast(sum(amount) as decimal(38, 4)) as returned_amount,
        cast(sum(retained_amount) as decimal(38, 4)) as retained_amount,
        cast(count(*) filter (where reason = 'too_small') as integer) as too_small_lines,
        cast(count(*) filter (where reason = 'too_large') as integer) as too_large_lines,
        cast(count(*) filter (where delivery_failure_present) as integer) as lines_after_delivery_failure
    from returned_by_scope
    group by shop, cohort, scope, scope_value
),

joined as (
    select
        coalesce(sold.shop, came_back.shop) as shop,
        coalesce(sold.cohort, came_back.cohort) as cohort,
        coalesce(sold.scope, came_back.scope) as scope,
        coalesce(sold.scope_value, came_back.scope_value) as scope_value,
        coalesce(sold.orders, 0) as orders,
        coalesce(sold.sold_lines, 0) as sold_lines,
        coalesce(sold.sold_units, 0) as sold_units,
        sold.sold_amount,
        coalesce(came_back.returned_orders, 0) as returned_orders,
        coalesce(came_back.returned_lines, 0) as returned_lines,
        coalesce(came_back.returned_units, 0) as returned_units,
        came_back.returned_amount,
        came_back.retained_amount,
        coalesce(came_back.too_small_lines, 0) as too_small_lines,
        coalesce(came_back.too_large_lines, 0) as too_large_lines,
        coalesce(came_back.lines_after_delivery_failure, 0) as lines_after_delivery_failure,
        sold.asked_share
    from sold
    full join came_back
        on sold.shop = came_back.shop and sold.cohort = came_back.cohort
        and sold.scope = came_back.scope and sold.scope_value = came_back.scope_value
),

dated as (
    select *, try_cast(cohort || '-01' as date) as cohort_month
    from joined
)

select
    * exclude (asked_share),
    coalesce({{ mature }}, false) as is_mature,
    {{ rate('returned_orders', 'orders') }} as order_return_rate,
    {{ rate('returned_lines', 'sold_lines') }} as line_return_rate,
    {{ wilson('least(returned_lines, sold_lines)', 'sold_lines', 'low') }} as line_return_rate_low,
    {{ wilson('least(returned_lines, sold_lines)', 'sold_lines', 'high') }} as line_return_rate_high,
    {{ rate('returned_amount', 'sold_amount') }} as revenue_return_rate,
    {{ rate('retained_amount', 'returned_amount') }} as retained_revenue_rate,
    case when {{ mature }} then 1.0 else asked_share end as asked_share,
    case
        when {{ mature }} then {{ rate('returned_lines', 'sold_lines') }}
        when asked_share > 0 then {{ rate('returned_lines', 'sold_lines') }} / asked_share
    end as completed_return_rate
from dated
