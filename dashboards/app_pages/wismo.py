""" "Where is my order?": how often it is asked, in which state of the parcel, and what silence cost."""

from datetime import date
from typing import Final

import polars as pl
import streamlit as st

from dashboards import charts, data, filters, page, publication, words
from dashboards.publication import Publication

DRAWN: Final = 12
SCOPES: Final = {
    "Carrier": "carrier",
    "Service": "service",
    "Lane": "lane",
    "Category": "category",
    "State": "state",
    "Channel": "channel",
}
OF_PARCELS: Final = ("Carrier", "Service", "Lane")
STATES: Final = {
    "not_shipped": "not shipped yet",
    "label_only": "only a label",
    "in_transit_within_promise": "on its way, in time",
    "in_transit_past_promise": "on its way, late",
    "stalled": "stalled",
    "exception_open": "something went wrong",
    "out_for_delivery": "out for delivery",
    "delivered": "delivered",
    "no_shipment_found": "no parcel found",
}


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
    with page.section("What drives it, in the last four weeks", "wismo_drivers"):
        drivers(now, cost)


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
    """State of the parcel when the customer wrote."""
    answer = data.ask("wismo_states", first_week=first_week, last_week=last_week, cost_per_contact=cost)
    rows = answer.rows.with_columns(pl.col("state").replace(STATES))
    if rows.is_empty():
        st.info("No ticket about delivery came in during these weeks.")
        return
    first = rows.row(0, named=True)
    st.markdown(f"**Most avoidable contacts: {words.plain(first['state'])}** ({first['avoidable_tickets']:,}).")
    st.altair_chart(
        charts.bars(rows, "state", "contacts", "contacts"),
        alt="Contacts about delivery by state of the parcel; figures in the table",
    )
    st.caption("Contacts: “where is it?” and reported delivery problems together; either may have been avoidable.")
    page.table(
        data.Answer(rows, answer.sql),
        {
            "state": page.text("State", "state_at_contact"),
            "contacts": page.number("Contacts"),
            "wismo_tickets": page.number("“Where is it?”", "wismo_tickets"),
            "delivery_problem_tickets": page.number("Problems", "delivery_problem_tickets"),
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


def drivers(now: Publication, cost: float) -> None:
    """Where contacts that a notice could have spared come from, by what they cost."""
    scope = filters.switch("By", list(SCOPES), "by")
    answer = data.ask("wismo_drivers", scope=SCOPES[scope], cost_per_contact=cost)
    rows = answer.rows.with_columns(pl.col("scope_value").replace(STATES))
    rows = rows.with_columns(pl.col("scope_value").replace({"none": "no parcel" if scope in OF_PARCELS else "none"}))
    if scope == "Carrier":
        rows = rows.with_columns(words.carrier_name("scope_value"))
    costly = rows.filter(pl.col("avoidable_tickets") > 0)
    if len(costly):
        first = costly.row(0, named=True)
        st.markdown(
            f"**{words.plain(first['scope_value'])} costs most: {first['avoidable_cost']:,.0f} "
            f"{words.plain(now.currency)} for {words.count(first['avoidable_tickets'], 'avoidable contact')}**; "
            f"notices would spare {first['preventable_cost']:,.0f} if {first['notice_deflection']:.0%} of those told "
            "in time did not write."
        )
        st.altair_chart(
            charts.bars(costly.head(DRAWN), "scope_value", "avoidable_cost", "cost of avoidable contacts", ",.0f"),
            alt=f"Cost of avoidable contacts by {scope.lower()}; figures in the table",
        )
    page.table(
        data.Answer(rows, answer.sql),
        {
            "scope_value": page.text(scope, "scope_value"),
            "avoidable_cost": page.number(f"Avoidable cost, {now.currency}", "avoidable_cost", "%.0f"),
            "avoidable_tickets": page.number("Avoidable", "avoidable_tickets"),
            "preventable_cost": page.number("A notice would spare", "preventable_cost", "%.0f"),
            "wismo_tickets": page.number("“Where is it?”", "wismo_tickets"),
            "delivery_problem_tickets": page.number("Problems", "delivery_problem_tickets"),
            "per_thousand_orders": page.number("For 1,000 orders", "wismo_per_1000_orders", "%.1f"),
            "per_thousand_open": page.number("For 1,000 open parcel-days", "wismo_per_1000_parcels_open", "%.2f"),
            "repeat_tickets": page.number("Wrote before", "repeat_tickets"),
            "hours_known_before_p50": page.number("Hours known before", "hours_known_before_p50", "%.0f"),
        },
        "wismo_drivers",
        empty="Nobody wrote about a delivery in the last four weeks.",
    )


main()
