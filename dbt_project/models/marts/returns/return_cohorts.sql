-- One row per order cohort (month of the order; `unmatched` for returns that belong to no known order) and SKU: what was
-- sold, what of it came back so far, and whether the return window of the whole month has closed.
-- depends_on: {{ ref('int_touched') }}
-- depends_on: {{ ref('return_reasons') }}
-- depends_on: {{ ref('int_arrived_order_lines') }}
{{ config(unique_key='cohort', incremental_strategy='touched', touched_kind='cohort', materialized='incremental') }}

with sold as (
    select
        lines.shop,
        {{ month_label('orders.ordered_date') }} as cohort,
        cast(date_trunc('month', orders.ordered_date) as date) as cohort_month,
        coalesce(lines.sku, 'unknown') as sku,
        cast(count(*) as integer) as sold_lines,
        cast(sum(lines.quantity) as bigint) as sold_units,
        sum(lines.quantity * lines.unit_price) as sold_amount
    from {{ ref('fct_order_lines') }} as lines
    inner join {{ ref('fct_orders') }} as orders
        on lines.order_id = orders.order_id
    where not orders.is_after_as_of
    {%- if is_incremental() %} and {{ month_label('orders.ordered_date') }} in ({{ touched('cohort') }}){% endif %}
    group by all
),

returned as (
    select
        shop,
        cohort,
        coalesce(sku, 'unknown') as sku,
        cast(count(*) as integer) as returned_lines,
        cast(sum(quantity) as bigint) as returned_units,
        sum(amount) as returned_amount
    from {{ ref('fct_return_lines') }}
    where (requested_at is null or requested_at <= {{ as_of() }})
    {%- if is_incremental() %} and cohort in ({{ touched('cohort') }}){% endif %}
    group by all
),

joined as (
    select
        coalesce(sold.shop, returned.shop) as shop,
        coalesce(sold.cohort, returned.cohort) as cohort,
        coalesce(sold.cohort_month, try_cast(returned.cohort || '-01' as date)) as cohort_month,
        coalesce(sold.sku, returned.sku) as sku,
        coalesce(sold.sold_lines, 0) as sold_lines,
        coalesce(sold.sold_units, 0) as sold_units,
        sold.sold_amount,
        coalesce(returned.returned_lines, 0) as returned_lines,
        coalesce(returned.returned_units, 0) as returned_units,
        returned.returned_amount
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
