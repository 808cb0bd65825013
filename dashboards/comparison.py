"""Carriers compared fairly: standings with ties, the funnel, transit curves, whose lateness, what-if and claims."""

from __future__ import annotations

from typing import Final

import polars as pl
import streamlit as st

from dashboards import charts, data, filters, page, words
from dashboards.filters import Scope
from dashboards.publication import Publication

MEASURES: Final = ["Adjusted", "Raw", "Shrunk"]
KINDS: Final = {"4_weeks": "4 weeks", "quarter": "quarter"}
AT_MOST: Final = 1000


def draw(now: Publication, scope: Scope) -> None:
    """Draw all parts; a part whose table the file lacks says so."""
    clock = scope.clock.lower()
    with page.section("Compared fairly", "measure"):
        periods = data.ask("periods", clock=clock).rows
        if periods.is_empty():
            st.info("No period holds due parcels yet: carriers are compared over 4 weeks and over quarters.")
        else:
            labels = {
                f"{KINDS.get(row['period_kind'], row['period_kind'])} from {words.day(row['period_start'])}": row
                for row in periods.to_dicts()
            }
            with st.container(horizontal=True, vertical_alignment="bottom", key="standing_filters"):
                measure = filters.switch("Measure", MEASURES, "measure", "measure")
                chosen = filters.one_of("Period", list(labels), "period", 240, "period_compared")
            period = labels[chosen]["period"]
            standings(clock, period, measure)
            funnel(now, clock, period)
    with page.section("How long parcels take", "transit_curve"):
        transit(now, scope)
    with page.section("Whose lateness", "lateness_fault"):
        faults(scope)
    with page.section("What if another carrier had them", "what_if"):
        what_if(scope)
    with page.section("Claims", "claims"):
        claims(now, scope)


def standings(clock: str, period: str, measure: str) -> None:
    """Carriers in order, ties shown as ties."""
    answer = data.ask("standings", clock=clock, period=period, measure=measure)
    rated = answer.rows.filter(pl.col("place").is_not_null())
    first = rated.filter(pl.col("place") == 1)["carrier"].to_list()
    first = [words.carrier(carrier) for carrier in first]
    if rated.is_empty():
        st.info(
            "No carrier shares enough lanes with others for an adjusted rate here. Look at raw rates, or a quarter."
        )
    elif len(first) == len(rated) > 1:
        st.markdown("**No carrier can be told apart from the others** in this period.")
    elif len(first) > 1:
        st.markdown(
            f"**Tied for first: {', '.join(words.plain(name) for name in first)}.** Their difference may be chance."
        )
    else:
        st.markdown(f"**{words.plain(first[0])} is ahead**, by more than chance explains.")
    drawn = charts.in_cells(answer.rows, "shown_rate")
    page.table(
        data.Answer(drawn, answer.sql),
        {
            "place": page.number("Place", "place"),
            "carrier": page.text("Carrier", "carrier"),
            "drawn": page.picture("Rate with 95 % interval"),
            "shown_rate": page.share("On time", "measure"),
            "shown_rate_low": page.share("from", "measure"),
            "shown_rate_high": page.share("to", "measure"),
            "due": page.number("Due", "due"),
            "on_time": page.number("Met", "on_time"),
            "overlap_rate": page.share("Overlap", "overlap"),
            "observed_to_expected": page.number("Observed / expected", "observed_to_expected", "%.2f"),
            "transit_hours_p50": page.number("Hours p50", "transit_hours_p50"),
            "transit_hours_p50_low": page.number("no sooner than", "transit_hours_p50_low"),
            "transit_hours_p50_high": page.number("no later than", "transit_hours_p50_high"),
            "transit_hours_p90": page.number("p90", "transit_hours_p90"),
            "transit_hours_p95": page.number("p95", "transit_hours_p95"),
            "loss_rate": page.share("Lost", "loss_rate"),
            "damage_rate": page.share("Damaged", "damage_rate"),
            "cost_per_parcel": page.number("Cost a parcel", "cost_per_parcel", "%.2f"),
            "cost_per_on_time_parcel": page.number("Cost per one on time", "cost_per_on_time_parcel", "%.2f"),
        },
        "standings",
        empty="No carrier had due parcels in this period.",
        blank="not enough",
    )


def funnel(now: Publication, clock: str, period: str) -> None:
    """Carrier by lane: which ones chance does not explain."""
    answer = data.ask("funnel", clock=clock, period=period, suppress_under=now.suppress_under)
    if len(answer.rows) < 3:
        st.info(
            f"Fewer than three carrier and lane pairs have {now.suppress_under} due parcels: no funnel can be drawn."
        )
        return
    worse = answer.rows.filter(pl.col("verdict") == "worse than chance explains")
    named = ", ".join(
        f"{words.plain(words.carrier(row['carrier']))} on {words.plain(row['lane'])}"
        for row in worse.sort("on_time_rate").head(3).to_dicts()
    )
    st.markdown(
        f"**{words.count(len(worse), 'carrier and lane pair')} of {len(answer.rows)} did worse than chance explains"
        + (f"**, first of all {named}." if named else "**."),
        help=words.define("funnel_low_998"),
    )
    st.altair_chart(
        charts.funnel(answer.rows.with_columns(words.carrier_name("carrier"))),
        alt="On-time rate of each carrier and lane over parcels due, with funnel limits",
    )
    st.caption(
        f"Inside the lines: chance. Inner 95 %, outer 99.8 %. Dispersion φ = {answer.rows['funnel_phi'][0] or 1:.1f}."
    )
    page.take_along(answer.rows, answer.sql, "funnel")


def transit(now: Publication, scope: Scope) -> None:
    """Share delivered by time since the first scan."""
    values = {name: value for name, value in scope.values().items() if name != "clock"}
    answer = data.ask("transit", **values, suppress_under=now.suppress_under)
    if answer.rows.is_empty():
        st.info(f"No carrier has {now.suppress_under} parcels in this selection: choose more weeks or fewer filters.")
        return
    st.altair_chart(
        charts.curves(answer.rows.with_columns(words.carrier_name("carrier"))),
        alt="Share of parcels delivered by days since the first scan, a line a carrier",
    )
    st.caption(
        "Lost and returned parcels keep a line from reaching 100 %; open ones count for as long as they were seen."
    )
    page.take_along(answer.rows, answer.sql, "transit_curves")


def faults(scope: Scope) -> None:
    """Late parcels by where the delay arose."""
    values = {name: value for name, value in scope.values().items() if name != "clock"}
    answer = data.ask("faults", **values)
    late = answer.rows["late"].sum()
    if not late:
        st.info("No parcel of this selection was late by the promise.")
        return
    ours = answer.rows["merchant"].sum()
    st.markdown(
        f"**{words.percent(ours / late)} of {late:,} late parcels were handed over late**: "
        "that is the warehouse's, not the carriers'."
    )
    page.table(
        answer,
        {
            "carrier": page.text("Carrier", "carrier"),
            "late": page.number("Late", "late"),
            "merchant": page.number("Warehouse", "late_merchant"),
            "carrier_fault": page.number("Carrier", "late_carrier"),
            "customs": page.number("Customs", "late_customs"),
            "recipient": page.number("Recipient", "late_recipient"),
            "weather": page.number("Weather", "late_weather"),
            "unknown": page.number("Unknown", "late_unknown"),
        },
        "faults",
        empty="No parcel matches.",
    )


def what_if(scope: Scope) -> None:
    """Lanes where another carrier is expected to do better, beyond doubt."""
    answer = data.ask("what_if", clock=scope.clock.lower(), carriers=list(scope.carriers), lanes=list(scope.lanes))
    if answer.rows.is_empty():
        st.info("On no lane would another carrier surely have done better in the newest quarter.")
        return
    best = answer.rows.row(0, named=True)
    st.markdown(
        f"**{words.plain(best['lane'])}, {words.plain(best['service_level'])}: "
        f"{words.plain(words.carrier(best['to_carrier']))} instead of "
        f"{words.plain(words.carrier(best['from_carrier']))}** would be expected to keep "
        f"{best['on_time_rate_change'] * 100:.0f} points more promises "
        f"on {words.count(best['parcels_moved'], 'parcel')}."
    )
    page.table(
        answer,
        {
            "lane": page.text("Lane", "lane"),
            "service_level": page.text("Level", "service_level"),
            "from_carrier": page.text("From", "from_carrier"),
            "to_carrier": page.text("To", "to_carrier"),
            "parcels_moved": page.number("Parcels", "parcels_moved"),
            "on_time_rate_change": page.number("Change", "on_time_rate_change", "percent"),
            "on_time_rate_change_low": page.number("from", "on_time_rate_change_low", "percent"),
            "on_time_rate_change_high": page.number("to", "on_time_rate_change_high", "percent"),
            "cost_change_per_parcel": page.number("Cost change a parcel", "cost_change_per_parcel", "%.2f"),
        },
        "what_if",
        empty="Nothing to move.",
    )


def claims(now: Publication, scope: Scope) -> None:
    """What carriers owe, by state; the list can be taken along and filed."""
    states = data.ask("claim_states").rows
    if states.is_empty():
        st.info("There is nothing to claim.")
        return
    status = filters.switch("State", states["status"].to_list(), "claims", "claims")
    answer = data.ask("claims", status=status, carriers=list(scope.carriers), at_most=AT_MOST)
    if not answer.rows.is_empty():
        first = answer.rows.row(0, named=True)
        st.markdown(
            f"**{words.count(first['matching'], 'claim')} {words.plain(status)}, "
            f"{first['total']:,.0f} {words.plain(first['currency'] or now.currency)}**"
        )
    page.table(
        answer,
        {
            "days_left": page.number("Days left", "days_left"),
            "kind": page.text("For", "kind"),
            "carrier": page.text("Carrier", "carrier"),
            "tracking_number": page.text("Tracking number", "tracking_number"),
            "amount": page.number("Amount", "amount", "%.2f"),
            "currency": page.text("Currency", "currency"),
            "evidence": page.text("Evidence", "evidence", width="large"),
            "deadline": page.day("File by", "deadline"),
            "order_id": page.text("Order", "order_id"),
            "claim_form": page.text("Form", "claim_form"),
        },
        "claims",
        empty="No claim is in this state for these carriers.",
    )
