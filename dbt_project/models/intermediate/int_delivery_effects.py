"""One row per shop and outcome (returned; repeat_purchase): what a late delivery changes, raw and between like orders.

Mantel and Haenszel's ratio and difference over strata of lane, value band and category: late deliveries are compared
with those in time of the same stratum only. Intervals by a jackknife over twenty groups of orders, so that the lines of
one order stay together. Orders with parcels of both kinds belong to neither side.
"""

import numpy as np
import pyarrow

GROUPS = 20
T = 2.093024  # of nineteen degrees of freedom, 95 %
REPEAT_DAYS = 90

COLUMNS = {
    "shop": pyarrow.string(),
    "outcome": pyarrow.string(),
    "after_late": pyarrow.int64(),
    "after_late_hits": pyarrow.int64(),
    "after_in_time": pyarrow.int64(),
    "after_in_time_hits": pyarrow.int64(),
    "compared_share": pyarrow.float64(),
    "raw_ratio": pyarrow.float64(),
    "adjusted_ratio": pyarrow.float64(),
    "adjusted_ratio_low": pyarrow.float64(),
    "adjusted_ratio_high": pyarrow.float64(),
    "rate_difference": pyarrow.float64(),
    "rate_difference_low": pyarrow.float64(),
    "rate_difference_high": pyarrow.float64(),
}

WINDOW = "select literal from control.settings where key = 'thresholds.return_window_days'"

ORDERS = """
    with delivered as (
        select order_id, min(lane) as lane, max(delivered_at) as delivered_at,
            bool_and(delivered_at >= due_at) as is_late
        from m_shipments
        where is_first_delivery and not is_cancelled and order_id is not null and due_at is not null
        group by order_id
        having count(*) = count(delivered_at) and bool_and(delivered_at >= due_at) = bool_or(delivered_at >= due_at)
    )
    select orders.shop, orders.order_id, orders.customer_token, delivered.lane, delivered.delivered_at,
        delivered.is_late, cast(floor(log2(greatest(orders.order_amount, 1))) as integer) as value_band,
        hash(orders.order_id) % {groups} as part
    from delivered
    inner join m_orders as orders on delivered.order_id = orders.order_id
    where delivered.delivered_at <= {as_of} and orders.ordered_at > {as_of} - interval 365 day
"""

RETURNED = """
    with lines as (
        select order_line_id, order_id, category,
            coalesce(min(sku) over pair <> max(sku) over pair, false) as is_bracketed
        from m_lines
        where order_id in (select order_id from m_delivered)
        window pair as (partition by order_id, product_id)
    ),
    returned as (
        select distinct order_line_id from m_returned where requested_at is null or requested_at <= {as_of}
    )
    select shop, lane || '|' || value_band || '|' || coalesce(category, '') as stratum, part, is_late,
        count(*) as n, count(returned.order_line_id) as y
    from m_delivered
    inner join lines using (order_id)
    left join returned using (order_line_id)
    where not is_bracketed and delivered_at + interval '{window}' day <= {as_of}
    group by all
    order by all
"""

REPEATED = """
    with repeated as (
        select distinct first.order_id
        from m_delivered as first
        inner join m_orders as later
            on first.customer_token = later.customer_token and first.shop = later.shop
            and later.ordered_at > first.delivered_at
            and later.ordered_at <= first.delivered_at + interval '{repeat}' day
    ),
    categories as (
        select order_id, max_by(category, order_line_id) as category
        from m_lines
        where order_id in (select order_id from m_delivered)
        group by order_id
    )
    select shop, lane || '|' || value_band || '|' || coalesce(category, '') as stratum, part, is_late,
        count(*) as n, count(repeated.order_id) as y
    from m_delivered
    left join categories using (order_id)
    left join repeated using (order_id)
    where customer_token is not null and delivered_at + interval '{repeat}' day <= {as_of}
    group by all
    order by all
"""


def compared(n, y):
    """Ratio and difference by Mantel and Haenszel; n, y: [..., stratum, (in time, late)]."""
    total = np.maximum(n.sum(axis=-1), 1)
    late, in_time = y[..., 1] * n[..., 0] / total, y[..., 0] * n[..., 1] / total
    weight = (n[..., 0] * n[..., 1] / total).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return late.sum(axis=-1) / in_time.sum(axis=-1), (late - in_time).sum(axis=-1) / weight


def effect(stratum, part, is_late, n, y):
    """The columns of one outcome from counts by stratum, part and side."""
    _, number = np.unique(stratum, return_inverse=True)
    place = (part.astype(int) * (number.max() + 1) + number) * 2 + is_late.astype(int)
    shape = (GROUPS, number.max() + 1, 2)
    n, y = (np.bincount(place, one, np.prod(shape)).reshape(shape) for one in (n, y))
    all_n, all_y = n.sum(axis=0), y.sum(axis=0)
    late, in_time = all_n[:, 1].sum(), all_n[:, 0].sum()
    both = (all_n > 0).all(axis=1)
    counts = [late, all_y[:, 1].sum(), in_time, all_y[:, 0].sum()]
    raw = (counts[1] / max(late, 1)) / (counts[3] / in_time) if counts[3] else np.nan
    ratio, difference = compared(all_n, all_y)
    ratios, differences = compared(all_n - n, all_y - y)
    ends = []
    for point, parts, scale in ((ratio, ratios, np.log), (difference, differences, np.asarray)):
        with np.errstate(divide="ignore", invalid="ignore"):
            own, others = scale(point), scale(parts)
            error = np.sqrt((GROUPS - 1) / GROUPS * ((others - others.mean()) ** 2).sum())
        back = np.exp if scale is np.log else np.asarray
        ends += [point, back(own - T * error), back(own + T * error)]
    share = all_n[both, 1].sum() / max(late, 1)
    return [*(int(one) for one in counts), *(_shown(one) for one in (share, raw, *ends))]


def _shown(value):
    return float(np.round(value, 12)) if np.isfinite(value) else None


def model(dbt, session):
    """The table; of a shop without returns, or without customers, the other row only."""
    dbt.config(materialized="table")
    dbt.ref("fct_shipments").create_view("m_shipments")
    dbt.ref("fct_orders").create_view("m_orders")
    dbt.ref("fct_order_lines").create_view("m_lines")
    dbt.ref("fct_return_lines").create_view("m_returned")
    ((as_of,),) = session.sql("select as_of from control.run").fetchall()
    ((window,),) = session.sql(WINDOW).fetchall()
    words = {"as_of": f"timestamp '{as_of}'", "window": window, "repeat": REPEAT_DAYS, "groups": GROUPS}
    session.execute("create or replace temp table m_delivered as " + ORDERS.format(**words))
    rows = []
    for outcome, query in (("returned", RETURNED), ("repeat_purchase", REPEATED)):
        cells = session.sql(query.format(**words)).pl()
        for (shop,), own in sorted(cells.partition_by("shop", as_dict=True).items()):
            if own["y"].sum() > 0 and own["is_late"].any():
                columns = (own[name].to_numpy() for name in ("stratum", "part", "is_late", "n", "y"))
                rows.append([shop, outcome, *effect(*columns)])
    session.execute("drop table m_delivered")
    columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
    return pyarrow.table(
        {name: pyarrow.array(values, kind) for (name, kind), values in zip(COLUMNS.items(), columns, strict=True)}
    )
