-- One row per customer (token) whose returns stand out even when few orders are forgiven: for a person to look at, never to act
-- on alone.
--
-- Three lines sent back at least, and the lower bound of the customer's share, shrunk to the shop's by ten lines, above twice
-- the shop's. Bracketed lines (two variants of one product in one order) are counted beside.
{{ config(materialized='table') }}
{%- set weight = 10 %}

with lines as (
    select
        sales.shop,
        orders.customer_token,
        sales.order_line_id,
        sales.order_id,
        min(sales.sku) over (partition by sales.order_id, sales.product_id)
            <> max(sales.sku) over (partition by sales.order_id, sales.product_id)
            and sales.product_id is not null as is_bracketed
    from {{ ref('fct_order_lines') }} as sales
    inner join {{ ref('fct_orders') }} as orders
        on sales.order_id = orders.order_id
    where orders.customer_token in (
        select customer_token from {{ ref('fct_return_lines') }} where customer_token is not null
        group by customer_token having count(*) > 2
    )
    and not orders.is_after_as_of
),

returned as (
    select order_line_id, true as is_returned
    from {{ ref('fct_return_lines') }}
    where order_line_id is not null and (requested_at is null or requested_at <= {{ as_of() }})
    group by order_line_id
),

customers as (
    select
        lines.shop,
        lines.customer_token,
        cast(count(distinct lines.order_id) as integer) as orders,
        cast(count(*) as integer) as sold_lines,
        cast(count(returned.order_line_id) as integer) as returned_lines,
        cast(count(*) filter (where lines.is_bracketed) as integer) as bracketed_lines,
        cast(count(returned.order_line_id) filter (where lines.is_bracketed) as integer) as returned_bracketed_lines
    from lines
    left join returned
        on lines.order_line_id = returned.order_line_id
    group by lines.shop, lines.customer_token
),

shops as (
    select shop, {{ rate('sum(returned_lines)', 'sum(sold_lines)') }} as shop_return_rate
    from {{ ref('return_cohorts') }}
    where is_mature
    group by shop
),

shrunk as (
    select
        customers.*,
        shops.shop_return_rate,
        (returned_lines + {{ weight }} * shop_return_rate) / (sold_lines + {{ weight }}) as shrunk_return_rate,
        {{ wilson('(returned_lines + ' ~ weight ~ ' * shop_return_rate)', '(sold_lines + ' ~ weight ~ ')', 'low') }} as shrunk_return_rate_low
    from customers
    inner join shops
        on customers.shop = shops.shop
    where returned_lines > 2
)

select
    shop,
    customer_token,
    orders,
    sold_lines,
    returned_lines,
    bracketed_lines,
    returned_bracketed_lines,
    {{ rate('returned_lines', 'sold_lines') }} as line_return_rate,
    shrunk_return_rate,
    shrunk_return_rate_low,
    shop_return_rate
from shrunk
where shrunk_return_rate_low > 2 * shop_return_rate
