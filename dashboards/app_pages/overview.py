"""The morning's first look: how much is moving, how much of it is late, what customers ask."""

from datetime import date, timedelta
from typing import Final

import polars as pl
import streamlit as st

from dashboards import charts, data, page, publication, words
from dashboards.publication import WEEK, Publication

PERIOD: Final = 4  # weeks
TREND: Final = 13  # weeks
CYCLE: Final = timedelta(days=90)
BEYOND: Final = 3.0  # standard errors; several rows are looked at, so more than the usual two


def main() -> None:
    """Draw the page."""
    now = publication.current()
    newest = data.ask("orders_newest_week", last_complete_week=now.last_complete_week).rows["week"].to_list()[0]
    last_week = newest or now.last_complete_week
    figures(now, last_week)
    if newest is None:
        st.info("No order has come due in a complete week yet, so there is no on-time rate to show.")
    else:
        changes(now, last_week)
        trend(now, last_week)
    late_open(now)


def figures(now: Publication, last_week: date) -> None:
    """The figures, each with what stands behind it."""
    first_week = last_week - (PERIOD - 1) * WEEK
    counts = data.ask(
        "overview",
        first_week=first_week,
        last_week=last_week,
        week_before=first_week - PERIOD * WEEK,
    ).rows.to_dicts()[0]
    rates = on_time(now, first_week, last_week, by_week=False).rows.to_dicts()
    rate = rates[0] if rates else {"on_time_rate": None, "on_time": 0, "due": 0}
    period = words.period(first_week, last_week + WEEK - WEEK / 7)
    if last_week < now.last_complete_week:
        period += ", the newest weeks in which orders were due"
    st.markdown(f"**{PERIOD} weeks**, {period}, and what is on its way now")
    with st.grid(columns=4, min_column_width=200):
        spread = words.interval(rate.get("on_time_rate_low"), rate.get("on_time_rate_high"))
        figure(
            "Orders on time",
            words.percent(rate["on_time_rate"]),
            f"95 % interval {spread}" if spread else "",
            f"{rate['on_time']:,} of {rate['due']:,} due",
            " ".join(filter(None, (words.define("order_on_time_rate"), words.define("interval")))),
        )
        figure(
            "Late and still open",
            f"{counts['late_open']:,}",
            "right now",
            "parcels past their promise",
            words.define("late_open"),
        )
        figure("Parcels moving", f"{counts['moving']:,}", "right now", "scanned, not yet there", words.define("moving"))
        figure(
            "Orders",
            f"{counts['orders']:,}",
            f"{counts['orders_before']:,} in the {PERIOD} weeks before",
            "",
            words.define("orders"),
        )
        asked = counts["wismo_per_thousand"]
        figure(
            "“Where is it?” tickets",
            "–" if asked is None else f"{asked:.1f}",
            "per 1,000 orders",
            f"{words.count(counts['wismo_tickets'], 'ticket')}, {words.count(counts['orders_placed'], 'order')}",
            words.define("wismo_per_thousand"),
        )
        returned(now)
        if now.predicts:
            at_risk(now)


def returned(now: Publication) -> None:
    """What came back of mature months, and how long settlements take."""
    try:
        cohorts = data.ask("return_totals").rows.filter(pl.col("is_mature") & (pl.col("sold_lines") > 0))
        cycle = data.ask("refund_cycle", first_at=now.as_of - CYCLE, as_of=now.as_of).rows.row(0, named=True)
    except data.LacksError:
        return
    sold, back = cohorts["sold_lines"].sum(), cohorts["returned_lines"].sum()
    figure(
        "Returned",
        f"{back / sold:.1%}" if sold else "–",
        "of order lines, mature months",
        f"{back:,} of {sold:,} sold" if sold else "no month is complete yet",
        words.define("return_rate_mature") or "",
    )
    days = cycle["refund_days_p50"]
    figure(
        "Days to a refund",
        "–" if days is None else f"{days:.1f}",
        "median, requested in 90 days",
        f"{words.count(cycle['waiting'], 'return')} still waiting",
        words.define("refund_days") or "",
    )


def at_risk(now: Publication) -> None:
    """Promises that may still be kept if somebody acts today."""
    try:
        rows = data.ask("at_risk", show="Not broken yet", carriers=[], at_most=1).rows.to_dicts()
    except data.LacksError:
        return
    first = rows[0] if rows else {"matching": 0, "total_cost": 0.0}
    figure(
        "At risk now",
        f"{first['matching']:,}",
        "promises not broken yet",
        f"{first['total_cost']:,.0f} {now.currency} expected cost",
        words.define("at_risk") or "",
    )


def changes(now: Publication, last_week: date) -> None:
    """What moved in the last week by more than chance explains, in sentences."""
    st.subheader(f"What changed in the week of {words.day(last_week)}", help=words.define("beyond_noise"))
    answer = data.ask("overview_changes", last_week=last_week, suppress_under=now.suppress_under)
    if answer.rows.is_empty():
        st.info(f"Too few were due to tell: it takes {now.suppress_under} in the week and in the four before it.")
        return
    moved = answer.rows.filter(pl.col("z").abs() >= BEYOND)
    if moved.is_empty():
        st.markdown("**Nothing beyond noise**: orders and every carrier did as in the four weeks before.")
    for row in moved.to_dicts():
        better = row["z"] > 0
        what = words.plain(words.carrier(row["what"]))
        st.markdown(
            f"- :material/{'trending_up' if better else 'trending_down'}: **{what}** "
            f"{'better' if better else 'worse'}: {words.percent(row['now_rate'])} on time, "
            f"after {words.percent(row['before_rate'])} ({row['due_now']:,} due)"
        )
    page.take_along(answer.rows, answer.sql, "changes")


def figure(label: str, value: str, first: str, second: str, definition: str) -> None:
    """A figure with two lines of small print."""
    with st.container(border=True, height="stretch"):
        st.metric(label, value, help=definition)
        st.caption("  \n".join(line for line in (first, second) if line))


def on_time(now: Publication, first_week: date, last_week: date, *, by_week: bool) -> data.Answer:
    """The order on-time rate of those weeks, in one or by week."""
    return data.ask(
        "orders_on_time",
        first_week=first_week,
        last_week=last_week,
        by_week=by_week,
        suppress_under=now.suppress_under,
        grey_under=now.grey_under,
    )


def trend(now: Publication, last_week: date) -> None:
    """Orders on time, week by week."""
    answer = on_time(now, last_week - (TREND - 1) * WEEK, last_week, by_week=True)
    st.subheader("Orders on time by week of promise", help=words.define("order_on_time_rate"))
    if answer.rows["on_time_rate"].drop_nulls().is_empty():
        st.info(f"No week has {now.suppress_under} orders due or more, so no rate is shown.")
        return
    st.altair_chart(
        charts.weekly_rate(answer.rows, charts.common_floor(answer.rows), height=240),
        alt=f"Share of orders on time in each of the last {TREND} weeks, with 95 % intervals",
    )
    st.caption("The band is the 95 % interval: a move inside it may be chance.")
    page.take_along(answer.rows, answer.sql, "orders_on_time")


def late_open(now: Publication) -> None:
    """Where the late parcels are, and the way to them."""
    st.subheader("Late and still open, by carrier", help=words.define("late_open"))
    answer = data.ask("late_open", today=now.today)
    page.table(
        answer,
        {
            "carrier": page.text("Carrier", "carrier"),
            "service": page.text("Service", "service"),
            "parcels": page.number("Parcels"),
            "most_days_late": page.number("Most days late", "days_late"),
        },
        "late_open",
        empty="No parcel is late and still open.",
    )
    if not answer.rows.filter(pl.col("parcels") > 0).is_empty():
        st.page_link(
            "app_pages/carrier_scorecard.py",
            label="See the parcels on the carrier scorecard",
            icon=":material/arrow_forward:",
            query_params={"show": "Late and still open", "weeks": "52"},
        )


main()
