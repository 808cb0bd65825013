""" "Where is my order?": how often it is asked, in which state of the parcel, and what silence cost."""

from datetime import date

import polars as pl
import streamlit as st

from dashboards import charts, data, filters, page, publication, words
from dashboards.publication import Publication


def main() -> None:
    """Draw the page."""
    now = publication.current()
    first_week, last_week, cost = choose(now)
    total = data.ask("wismo_totals", first_week=first_week, last_week=last_week, by_week=False).rows
    if total.is_empty() or not total["tickets"][0]:
        st.info(
            "No ticket came in during these weeks. Choose others, or look at Data health to see whether tickets arrive."
        )
        return
    verdict(now, total.row(0, named=True), cost)
    by_week(first_week, last_week)
    with page.section("What the parcel was doing", "state_at_contact"):
        states(now, first_week, last_week, cost)
    with page.section("When they ask", "days_past_promise"):
        timing(first_week, last_week)
    with page.section("By carrier", "wismo_per_open"):
        carriers(first_week, last_week, cost)
    with page.section("What drives it", "avoidable_tickets"):
        page.whole(data.ask("wismo_drivers"), "wismo_drivers", empty="No driver stands out.")


def choose(now: Publication) -> tuple[date, date, float]:
    """Weeks, and what one contact costs: from the settings, but a reader may try another figure."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        first_week, last_week = filters.weeks(now)
        cost = st.number_input(
            f"Cost per contact, {now.currency}",
            min_value=0.0,
            max_value=10_000.0,
            value=now.cost_per_contact,
            step=0.5,
            key="cost",
            bind="query-params",
            persist_state="session",
            help=words.define("cost_per_contact"),
            width=180,
        )
    return first_week, last_week, float(cost or 0.0)


def verdict(now: Publication, total: dict[str, float], cost: float) -> None:
    """The answer in one sentence."""
    per = total["per_thousand_orders"]
    st.markdown(
        f"### {'–' if per is None else f'{per:.0f}'} “where is it?” for each 1,000 orders",
        help=words.define("wismo_per_thousand"),
    )
    st.markdown(
        f"{total['wismo_tickets']:,} of {total['tickets']:,} tickets ({words.percent(total['wismo_share_rate'])}). "
        f"**{words.count(int(total['avoidable_tickets']), 'contact')} could have been avoided by a notice: "
        f"{total['avoidable_tickets'] * cost:,.0f} {words.plain(now.currency)}.**"
    )


def by_week(first_week: date, last_week: date) -> None:
    """Contacts week by week."""
    answer = data.ask("wismo_totals", first_week=first_week, last_week=last_week, by_week=True)
    page.table(
        answer,
        {
            "week": page.day("Week", "week"),
            "per_thousand_orders": page.number("For 1,000 orders", "wismo_per_thousand", "%.1f"),
            "per_thousand_open": page.number("For 1,000 open parcel-days", "wismo_per_open", "%.1f"),
            "wismo_share_rate": page.share("Of all tickets", "wismo_share"),
            "wismo_tickets": page.number("WISMO", "wismo_tickets"),
            "avoidable_tickets": page.number("Avoidable", "avoidable_tickets"),
            "tickets": page.number("Tickets", "tickets"),
            "orders_placed": page.number("Orders", "orders_placed"),
        },
        "wismo_by_week",
        empty="No ticket came in.",
    )


def states(now: Publication, first_week: date, last_week: date, cost: float) -> None:
    """State of the parcel when the customer asked."""
    answer = data.ask("wismo_states", first_week=first_week, last_week=last_week, cost_per_contact=cost)
    rows = answer.rows.with_columns(pl.col("state").str.replace_all("_", " "))
    if rows.is_empty():
        st.info("No ticket about delivery came in during these weeks.")
        return
    first = rows.row(0, named=True)
    st.markdown(f"**Most avoidable contacts: {words.plain(first['state'])}** ({first['avoidable_tickets']:,}).")
    st.altair_chart(
        charts.bars(rows, "state", "wismo_tickets", "WISMO contacts"),
        alt="WISMO contacts by state of the parcel; figures in the table",
    )
    page.table(
        data.Answer(rows, answer.sql),
        {
            "state": page.text("State", "state_at_contact"),
            "wismo_tickets": page.number("WISMO", "wismo_tickets"),
            "avoidable_tickets": page.number("Avoidable", "avoidable_tickets"),
            "avoidable_cost": page.number(f"Avoidable cost, {now.currency}", "cost_per_contact", "%.0f"),
        },
        "wismo_states",
        empty="No ticket about delivery came in.",
    )


def timing(first_week: date, last_week: date) -> None:
    """Contacts by day around the promised date."""
    answer = data.ask("wismo_timing", first_week=first_week, last_week=last_week)
    if answer.rows.is_empty():
        st.info("No WISMO ticket of these weeks belongs to an order with a promise.")
        return
    early = answer.rows.filter(pl.col("days_past_promise") <= 0)["wismo_tickets"].sum()
    total = answer.rows["wismo_tickets"].sum()
    st.markdown(f"**{words.percent(early / total)} ask before the promise is broken**: these worry, the rest wait.")
    st.altair_chart(
        charts.columns(answer.rows, "days_past_promise", "wismo_tickets", "days after the promised date"),
        alt="WISMO contacts by days after the promised date",
    )
    page.take_along(answer.rows, answer.sql, "wismo_timing")


def carriers(first_week: date, last_week: date, cost: float) -> None:
    """Contacts by carrier, against the parcels it had open."""
    page.table(
        data.ask("wismo_carriers", first_week=first_week, last_week=last_week, cost_per_contact=cost),
        {
            "carrier": page.text("Carrier", "carrier"),
            "per_thousand_open": page.number("For 1,000 open parcel-days", "wismo_per_open", "%.1f"),
            "wismo_tickets": page.number("WISMO", "wismo_tickets"),
            "avoidable_tickets": page.number("Avoidable", "avoidable_tickets"),
            "avoidable_cost": page.number("Avoidable cost", "cost_per_contact", "%.0f"),
            "parcel_days": page.number("Open parcel-days", "parcels_open"),
        },
        "wismo_carriers",
        empty="No ticket belongs to a carrier's parcel.",
    )


main()
