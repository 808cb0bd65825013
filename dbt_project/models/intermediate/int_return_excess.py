"""One row per shop, scope (sku; product) and item of mature cohorts: its returns beside its category's normal spread.

SKUs of a category differ by nature: their log odds of a return are fitted as a normal distribution. What is tested is
an excess over *that*, with false discoveries controlled (Benjamini and Hochberg); listed items are left out of the fit
they are tested against. The same for the share of `too small` among the sizes that did not fit, which points at a size
chart. Bracketed lines (two variants of one product in one order) are meant to come back and are left out.
"""

import numpy as np
import pyarrow

FALSE_DISCOVERIES = 0.05
LEAST_GROUP = 20  # items of a category whose spread can be fitted; smaller categories are fitted together
ROUNDS = 4  # of fitting, listing, and fitting again without what was listed
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(41)
WEIGHTS = WEIGHTS / WEIGHTS.sum()

COLUMNS = {
    "shop": pyarrow.string(),
    "scope": pyarrow.string(),
    "item": pyarrow.string(),
    "category": pyarrow.string(),
    "sold_lines": pyarrow.int64(),
    "returned_lines": pyarrow.int64(),
    "category_rate": pyarrow.float64(),
    "category_spread": pyarrow.float64(),
    "shrunk_rate": pyarrow.float64(),
    "excess_spreads": pyarrow.float64(),
    "p_value": pyarrow.float64(),
    "q_value": pyarrow.float64(),
    "too_small_lines": pyarrow.int64(),
    "too_large_lines": pyarrow.int64(),
    "too_small_q_value": pyarrow.float64(),
    "too_large_q_value": pyarrow.float64(),
}
COHORTS = """
    select shop, '{scope}' as scope, {item} as item, coalesce(max(category), 'unknown') as category,
        sum(sold_lines - bracketed_lines) as sold_lines,
        sum(least(returned_lines - returned_bracketed_lines, sold_lines - bracketed_lines)) as returned_lines,
        sum(too_small_lines) as too_small_lines, sum(too_large_lines) as too_large_lines
    from m_cohorts
    where is_mature and cohort_month >= {since} and {item} is not null
    group by shop, {item}
    having sum(sold_lines - bracketed_lines) > 0
    order by shop, item
"""


def sigmoid(x):
    """Logistic function."""
    return 1.0 / (1.0 + np.exp(-x))


def fitted(n, y):
    """Centre and spread of the log odds of items with y of n: maximum likelihood, scoring by outer products.

    A faint prior keeps the spread finite where the items are too few or too small to tell.
    """
    overall = np.clip(y.sum() / n.sum(), 1e-4, 1 - 1e-4)
    centre, log_spread = np.log(overall / (1 - overall)), np.log(0.3)
    for _ in range(40):
        spread = np.exp(log_spread)
        _, offs = posterior(n, y, centre, spread)
        scores = np.stack([offs[0] / spread, offs[1] - 1.0])
        gradient = scores.sum(axis=1) - np.array([0.0, 0.02 * log_spread])
        information = scores @ scores.T + np.diag([1e-6, 0.02])
        step = np.clip(np.linalg.solve(information, gradient), -0.5, 0.5)
        centre, log_spread = centre + step[0], np.clip(log_spread + step[1], -5.0, 1.0)
        if np.abs(step).max() < 1e-4:
            break
    return centre, np.exp(log_spread)


def posterior(n, y, centre, spread):
    """Weights of the nodes for each item, and the means of z and z squared under them."""
    odds = centre + spread * NODES
    by_node = y[:, None] * odds - n[:, None] * np.logaddexp(0.0, odds)
    weights = np.exp(by_node - by_node.max(axis=1, keepdims=True)) * WEIGHTS
    weights /= weights.sum(axis=1, keepdims=True)
    return weights, (weights @ NODES, weights @ NODES**2)


def tail(n, y, centre, spread):
    """Chance that an item of this category has at least y of n; 1 for items that are not above the centre."""
    from scipy.special import betainc

    found = np.ones(len(n))
    some = np.flatnonzero((y > 0) & (y > n * sigmoid(centre)))
    if len(some):
        chances = sigmoid(centre + spread * NODES)
        found[some] = betainc(y[some, None], n[some, None] - y[some, None] + 1.0, chances) @ WEIGHTS
    return found


def discoveries(p):
    """Q values of Benjamini and Hochberg."""
    order = np.argsort(p, kind="stable")
    steps = p[order] * len(p) / np.arange(1, len(p) + 1)
    q = np.empty(len(p))
    q[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    return q


def groups_of(categories):
    """Number of the group of each item: its category, or the one of all small categories."""
    names, number, size = np.unique(categories, return_inverse=True, return_counts=True)
    return np.where(size[number] >= LEAST_GROUP, number, len(names))


def excess(groups, n, y):
    """Of each item: rate and spread of its group, shrunk rate, how many spreads it is off, p value, q value.

    Listed are those with q <= FALSE_DISCOVERIES.
    """
    listed = np.zeros(len(n), dtype=bool)
    centre, spread, shrunk, off, p = (np.zeros(len(n)) for _ in range(5))
    for _ in range(ROUNDS):
        for group in np.unique(groups):
            own = np.flatnonzero(groups == group)
            usual = own[~listed[own]] if (~listed[own]).any() else own
            centre[own], spread[own] = fitted(n[usual], y[usual])
            p[own] = tail(n[own], y[own], centre[own[0]], spread[own[0]])
            weights, (off[own], _) = posterior(n[own], y[own], centre[own[0]], spread[own[0]])
            shrunk[own] = weights @ sigmoid(centre[own[0]] + spread[own[0]] * NODES)
        q = discoveries(p)
        if not ((q <= FALSE_DISCOVERIES) & ~listed).any():
            break
        listed |= q <= FALSE_DISCOVERIES
    return sigmoid(centre), spread, shrunk, off, p, q


def tested(frame):
    """The columns of one shop and scope, in the order of COLUMNS."""
    column = {name: frame[name].to_numpy() for name in frame.columns}
    groups = groups_of(column["category"])
    n, y = column["sold_lines"].astype(float), column["returned_lines"].astype(float)
    found = excess(groups, n, y)
    small, large = column["too_small_lines"].astype(float), column["too_large_lines"].astype(float)
    misfits = np.flatnonzero(small + large > 0)
    q_small, q_large = np.ones(len(n)), np.ones(len(n))
    if len(misfits):
        both = (small + large)[misfits]
        q_small[misfits] = excess(groups[misfits], both, small[misfits])[-1]
        q_large[misfits] = excess(groups[misfits], both, large[misfits])[-1]
    given = [column[name] for name in list(COLUMNS)[:6]]
    shown = [np.round(one, 12) for one in found]
    return [*given, *shown, column["too_small_lines"], column["too_large_lines"], q_small.round(12), q_large.round(12)]


def model(dbt, session):
    """The table, from the mature cohorts of the year before the clock."""
    dbt.config(materialized="table")
    dbt.ref("return_cohorts").create_view("m_cohorts")
    since = "(select max(cohort_month) - interval 12 month from m_cohorts where is_mature)"
    parts = []
    for scope, item in (("sku", "nullif(sku, 'unknown')"), ("product", "product_id")):
        frame = session.sql(COHORTS.format(scope=scope, item=item, since=since)).pl()
        for _, shop in sorted(frame.partition_by("shop", as_dict=True).items()):
            if shop["returned_lines"].sum() > 0:
                parts.append(tested(shop))
    columns = [np.concatenate(some) for some in zip(*parts, strict=True)] or [()] * len(COLUMNS)
    return pyarrow.table(
        {name: pyarrow.array(values, kind) for (name, kind), values in zip(COLUMNS.items(), columns, strict=True)}
    )
