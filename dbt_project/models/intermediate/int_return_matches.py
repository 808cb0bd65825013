"""One row per returned line that names no order: the earlier sale line it is taken to belong to, if there is one.

Rule: lines in (requested_at, return_id, return_line_id) order; each takes the latest earlier sale line of that customer
and SKU whose remaining quantity is at least its own, and reduces it; never split; of sale lines of the same moment the
one with the greater order_line_id. Each step depends on what the steps before left over, so this is a loop, not SQL.
"""

import pyarrow

COLUMNS = ("return_line_id", "order_line_id", "order_id")

LINES = """
    select lines.return_line_id, lines.return_id, lines.quantity, lines.customer_token, lines.sku,
        coalesce(lines.requested_at, returns.requested_at) as requested_at
    from {lines} as lines
    left join {returns} as returns on lines.return_id = returns.return_id
    where lines.order_id is null and returns.order_id is null
        and lines.customer_token is not null and lines.sku is not null
    order by customer_token, sku, requested_at, lines.return_id, lines.return_line_id
"""

SALES = """
    select sales.customer_token, sales.sku, sales.ordered_at, sales.order_line_id, sales.order_id, sales.quantity
    from {sales} as sales
    semi join wanted on sales.customer_token = wanted.customer_token and sales.sku = wanted.sku
    where sales.quantity > 0 and sales.ordered_at is not null
    order by sales.customer_token, sales.sku, sales.ordered_at desc, sales.order_line_id desc
"""


def matches(lines, sales):
    """Greedy matches: yields (return_line_id, order_line_id, order_id), the last two None where nothing fits."""
    stock = {}
    for customer, sku, ordered_at, order_line_id, order_id, quantity in sales:
        stock.setdefault((customer, sku), []).append([ordered_at, order_line_id, order_id, quantity])
    for return_line_id, _, quantity, customer, sku, requested_at in lines:
        for sale in stock.get((customer, sku), ()):
            if sale[0] < requested_at and sale[3] >= quantity:
                sale[3] -= quantity
                yield return_line_id, sale[1], sale[2]
                break
        else:
            yield return_line_id, None, None


def model(dbt, session):
    """The table. Lines that name an order are not in it: for most shops it is empty, and costs nothing."""
    dbt.config(materialized="table")
    returns, lines, sales = dbt.ref("fct_returns"), dbt.ref("int_return_lines"), dbt.ref("fct_order_lines")
    for name, relation in (("m_returns", returns), ("m_lines", lines), ("m_sales", sales)):
        relation.create_view(name)
    open_lines = session.sql(LINES.format(lines="m_lines", returns="m_returns")).fetchall()
    found = []
    if open_lines:
        wanted = pyarrow.table(
            {"customer_token": [line[3] for line in open_lines], "sku": [line[4] for line in open_lines]}
        )
        session.register("wanted", wanted)
        found = list(matches(open_lines, session.sql(SALES.format(sales="m_sales")).fetchall()))
        session.unregister("wanted")
    columns = list(zip(*found, strict=True)) or [(), (), ()]
    return pyarrow.table(
        {name: pyarrow.array(values, pyarrow.string()) for name, values in zip(COLUMNS, columns, strict=True)}
    )
