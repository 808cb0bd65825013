-- One row per order cohort (month of the order; `unmatched` for returns that belong to no known order) and SKU: what was
-- sold, what of it came back so far, and whether the return window of the whole month has closed.
-- depends_on: {{ ref('int_touched') }}
-- depends_on: {{ ref('return_reasons') }}
-- depends_on: {{ ref('return_rates') }}
-- depends_on: {{ ref('int_arrived_order_lines') }}
{{ config(unique_key='cohort', incremental_strategy='touched', touched_kind='cohort', materialized='incremental') }}

with {% if is_incremental() %}touched_cohorts as (
    {{ touched('cohort') }}
),

{% endif %}sales as (
    select
        lines.*,
        {{ month_label('orders.ordered_date') }} as cohort,
        cast(date_trunc('month', orders.ordered_date) as date) as cohort_month
    from {{ ref('fct_order_lines') }} as lines
    inner join {{ ref('fct_orders') }} as orders
        on lines.order_id = orders.order_id
    where not orders.is_after_as_of
    {%- if is_incremental() %} and {{ month_label('orders.ordered_date') }} in (select cohort from touched_cohorts){% endif %}
),

-- two variants of one product in one order: all but one are meant to come back
bracketed as (
    select sales.order_line_id
    from sales
    inner join (
        select order_id, product_id
        from sales
        where product_id is not null
        group by order_id, product_id
        having min(sku) <> max(sku)
    ) as pairs
        on sales.order_id = pairs.order_id and sales.product_id = pairs.product_id
),

sold as (
    select
        sales.shop,
        sales.cohort,
        sales.cohort_month,
        coalesce(sales.sku, 'unknown') as sku,
        max(sales.product_id) as product_id,
        max(sales.category) as category,
        cast(count(*) as integer) as sold_lines,
        cast(sum(sales.quantity) as bigint) as sold_units,
        sum(sales.quantity * sales.unit_price) as sold_amount,
        cast(count(bracketed.order_line_id) as integer) as bracketed_lines
    from sales
    left join bracketed
        on sales.order_line_id = bracketed.order_line_id
    group by sales.shop, sales.cohort, sales.cohort_month, coalesce(sales.sku, 'unknown')
),

returned as (
    select
        lines.shop,
        lines.cohort,
        coalesce(lines.sku, 'unknown') as sku,
        cast(count(*) as integer) as returned_lines,
        cast(sum(lines.quantity) as bigint) as returned_units,
        sum(lines.amount) as returned_amount,
        cast(count(bracketed.order_line_id) as integer) as returned_bracketed_lines,
        cast(count(*) filter (where lines.reason = 'too_small') as integer) as too_small_lines,
        cast(count(*) filter (where lines.reason = 'too_large') as integer) as too_large_lines
    from {{ ref('fct_return_lines') }} as lines
    left join bracketed
        on lines.order_line_id = bracketed.order_line_id
    where (lines.requested_at is null or lines.requested_at <= {{ as_of() }})
    {%- if is_incremental() %} and lines.cohort in (select cohort from touched_cohorts){% endif %}
    group by lines.shop, lines.cohort, coalesce(lines.sku, 'unknown')
),

joined as (
    select
        coalesce(sold.shop, returned.shop) as shop,
        coalesce(sold.cohort, returned.cohort) as cohort,
        coalesce(sold.cohort_month, try_cast(returned.cohort || '-01' as date)) as cohort_month,
        coalesce(sold.sku, returned.sku) as sku,
        sold.product_id,
        sold.category,
        coalesce(sold.sold_lines, 0) as sold_lines,
        coalesce(sold.sold_units, 0) as sold_units,
        sold.sold_amount,
        coalesce(returned.returned_lines, 0) as returned_lines,
        coalesce(returned.returned_units, 0) as returned_units,
        returned.returned_amount,
        coalesce(sold.bracketed_lines, 0) as bracketed_lines,
        coalesce(returned.returned_bracketed_lines, 0) as returned_bracketed_lines,
        coalesce(returned.too_small_lines, 0) as too_small_lines,
        coalesce(returned.too_large_lines, 0) as too_large_lines
    from sold
    full join returned
        on sold.shop = returned.shop and sold.cohort = returned.cohort and sold.sku = returned.sku
)

select
    *,
    {{ rate('returned_lines', 'sold_lines') }} as line_return_rate,
    {{ rate('returned_units', 'sold_units') }} as unit_return_rate,
    coalesce(
        cohort_month + interval '1' month + interval '{{ setting("thresholds.return_window_days") }}' day <= {{ as_of() }}, false
    ) as is_mature
from joined
