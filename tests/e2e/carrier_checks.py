"""Figures of carriers beside the truth, and beside an independent recomputation. Each check yields what it saw."""

from __future__ import annotations

import duckdb
import numpy as np
from statsmodels.duration.survfunc import CumIncidenceRight

POINT = 0.01  # of a rate
Z = 1.959963984540054
COUNTED = (
    ("entered", "accepted_at is not null"),
    ("due", "is_due"),
    ("on_time", "is_on_time"),
    ("due_commitment", "is_due_commitment"),
    ("on_time_commitment", "is_on_time_commitment"),
    ("promised", "has_promise"),
    ("on_time_so_far", "has_promise and delivered_at < due_at"),
    ("late_so_far", "has_promise and (delivered_at >= due_at or (is_due and delivered_at is null))"),
    ("delivered", "accepted_at is not null and delivered_at is not null"),
    ("open", "accepted_at is not null and end_milestone is null"),
    ("ended_otherwise", "accepted_at is not null and end_milestone <> 'delivered'"),
    ("lost", "accepted_at is not null and end_milestone = 'lost'"),
    ("attempted", "first_attempt_at is not null"),
    ("late_carrier", "lateness_fault = 'carrier'"),
    ("late_merchant", "lateness_fault = 'merchant'"),
    ("costed", "accepted_at is not null and shipping_cost is not null"),
)
ROLLUPS = {
    "carrier": "'all' as service, 'all' as lane",
    "carrier_service": "coalesce(service, 'unknown') as service, 'all' as lane",
    "carrier_lane": "'all' as service, lane",
}
PERIODS = {
    "quarter": "cast(date_trunc('quarter', week) as date)",
    "4_weeks": "cast(date '1970-01-05' + cast(28 * floor(date_diff('day', date '1970-01-05', week) / 28) as integer) as date)",
}


def wilson_coverage(con: duckdb.DuckDBPyConnection, least: int = 30) -> tuple[int, int]:
    """Cells whose bounds cover the mean of the true chances of their parcels, and all cells with enough of them.

    The rate with presumed deliveries: 0.7 % of the simulated deliveries are never scanned, and on_time_rate counts them
    as late, which is not what the chances speak of.
    """
    return con.execute(
        """
        with cells as (
            select carrier, coalesce(service, 'unknown') as service, lane, week, count(*) as n, avg(p_promise_at_order) as truth
            from judged where is_due and not is_ready_week group by all
        )
        select count(*) filter (on_time_presumed_rate_low <= truth and truth <= on_time_presumed_rate_high), count(*)
        from cells join p.marts.carrier_scorecard as board using (carrier, service, lane, week)
        where not board.is_ready_week and board.due >= ? and cells.n >= 0.98 * board.due
        """,
        [least],
    ).fetchone()


def differences(con: duckdb.DuckDBPyConnection) -> list[dict]:
    """Each pair of carriers of the worlds' own quarter, over all services and by service level: shown and true."""
    query = """
        with rates as (
            select service as service_level, carrier, sum(sum_p_promise) as p, sum(parcels) as n from effects group by all
            union all select 'all', carrier, sum(sum_p_promise), sum(parcels) from effects group by all
        ), raw as (
            select service_level, carrier, avg(is_on_time::int) as rate from judged where is_due group by all
            union all select 'all', carrier, avg(is_on_time::int) from judged where is_due group by all
        )
        select shown.*, one.p / one.n - other.p / other.n as truth, a.rate - b.rate as raw_difference
        from p.marts.carrier_differences as shown
        join rates as one on one.service_level = shown.service_level and one.carrier = shown.carrier
        join rates as other on other.service_level = shown.service_level and other.carrier = shown.other_carrier
        join raw as a on a.service_level = shown.service_level and a.carrier = shown.carrier
        join raw as b on b.service_level = shown.service_level and b.carrier = shown.other_carrier
        where period = 'quarter|2026-07-01' and clock = 'promise' and adjusted_difference is not null
        """
    cursor = con.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def survival_cohorts(con: duckdb.DuckDBPyConnection, week: str, least: int = 1000) -> list[dict]:
    """Carrier and service of one week's hand-overs: the curve's median, the delivered-only one and the true one."""
    hours = con.execute(
        "select carrier, service, transit_hour, sum(delivered), sum(ended_otherwise), sum(censored) "
        "from p.marts.delivery_transit_hours where week = ? group by all order by all",
        [week],
    ).fetchall()
    truth = con.execute(
        "select carrier, service, count(*), median(case when true_delivered_at is null then 1e9 "
        "else date_diff('second', accepted_at, true_delivered_at) / 3600 end), median(transit_hours) "
        "from judged where week = ? and accepted_at is not null group by all",
        [week],
    ).fetchall()
    found = []
    for carrier, service, n, true_median, delivered_only in truth:
        if n >= least:
            own = [row[2:] for row in hours if row[:2] == (carrier, service)]
            times, incidence, deviation = incidence_curve(own)
            reached = np.flatnonzero(incidence >= 0.5)
            median = float(times[reached[0]]) if len(reached) else None
            found.append(
                {
                    "cohort": (carrier, service),
                    "n": n,
                    "median": median,
                    "interval": median_interval(times, incidence, deviation),
                    "delivered_only": delivered_only,
                    "truth": true_median,
                }
            )
    return found


def incidence_curve(hours: list[tuple]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cumulative incidence of delivery by a library, from (hour, delivered, ended otherwise, censored): hours, shares and
    their standard deviations."""
    times = np.concatenate([np.repeat(row[0], sum(row[1:])) for row in hours]).astype(float)
    status = np.concatenate([np.repeat([1, 2, 0], row[1:]) for row in hours])
    with np.errstate(invalid="ignore", divide="ignore"):  # where nobody is left, its deviation is nan
        curve = CumIncidenceRight(times, status)
    return curve.times, curve.cinc[0], np.nan_to_num(curve.cinc_se[0])


def median_interval(
    times: np.ndarray, incidence: np.ndarray, deviation: np.ndarray
) -> tuple[float | None, float | None]:
    """Hours between which half may have been delivered, as far as the curve's 95 % interval tells; None: not yet."""
    ends = (np.flatnonzero(incidence + sign * Z * deviation >= 0.5 - 1e-12) for sign in (1, -1))
    low, high = (float(times[reached[0]]) if len(reached) else None for reached in ends)
    return low, high


def fault_agreement(con: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """Late parcels whose cause left a trace: laid to whom it was, and all."""
    return con.execute(
        "select count(*) filter (lateness_fault = true_fault), count(*) from judged "
        "where is_due and not is_on_time and is_late and cause_left_trace"
    ).fetchone()


def rows_that_differ(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """Weekly cells and roll-ups against a recount of parcels: rows that one side lacks or counts otherwise."""
    counts = ", ".join(f"count(*) filter ({condition}) as {name}" for name, condition in COUNTED)
    parcels = "from p.marts.fct_shipments where not is_return and replaces_shipment_id is null and week is not null"
    key = ["carrier", "service", "lane", "week", "is_ready_week"]
    cells = (
        f"select coalesce(carrier, 'unknown') as carrier, coalesce(service, 'unknown') as service, lane, week, "
        f"is_ready_week, {counts} {parcels} group by all"
    )
    found = {"carrier_scorecard": _differing(con, f"({cells})", "p.marts.carrier_scorecard", key)}
    for scope, columns in ROLLUPS.items():
        for kind, start in PERIODS.items():
            recount = f"select coalesce(carrier, 'unknown') as carrier, {columns}, {start} as period_start, {counts} {parcels} group by all"
            shown = f"(select * from p.marts.carrier_scorecard_rollup where scope = '{scope}' and period_kind = '{kind}' and clock = 'promise')"
            found[f"{scope} {kind}"] = _differing(
                con, f"({recount})", shown, ["carrier", "service", "lane", "period_start"]
            )
    hours = (
        "select coalesce(carrier, 'unknown') as carrier, coalesce(service, 'unknown') as service, lane, week, "
        "count(*) filter (delivered_at is not null) as delivered, count(*) filter (end_milestone <> 'delivered') as ended_otherwise, "
        f"count(*) filter (end_milestone is null) as censored {parcels} and accepted_at is not null group by all"
    )
    shown = (
        "(select carrier, service, lane, week, sum(delivered) as delivered, sum(ended_otherwise) as ended_otherwise, "
        "sum(censored) as censored from p.marts.delivery_transit_hours group by all)"
    )
    found["delivery_transit_hours"] = _differing(
        con, f"({hours})", shown, ["carrier", "service", "lane", "week"], ("delivered", "ended_otherwise", "censored")
    )
    return found


def _differing(
    con: duckdb.DuckDBPyConnection, recount: str, shown: str, key: list[str], counts: tuple[str, ...] = ()
) -> int:
    names = counts or tuple(name for name, _ in COUNTED)
    differs = " or ".join(f"a.{name} is distinct from b.{name}" for name in names)
    query = f"select count(*) from {recount} as a full join {shown} as b using ({', '.join(key)}) where {differs}"
    return con.execute(query).fetchone()[0]
