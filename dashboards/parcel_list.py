"""The parcels behind a figure: a list that a row of the scorecard, or of the lanes, narrows down."""

from __future__ import annotations

from typing import Final

import polars as pl
import streamlit as st

from dashboards import data, filters, page, words
from dashboards.filters import Scope
from dashboards.publication import Publication

AT_MOST: Final = 1000
EVERY: Final = "All shown above"
SHOWN: Final = ["Late", "Late and still open", "All"]


def names(cards: pl.DataFrame) -> list[str]:
    """What the rows of the scorecard are called."""
    return cards.select(name()).to_series().to_list()


def name() -> pl.Expr:
    """Carrier and service in words."""
    return pl.concat_str(words.carrier_name("carrier"), "service", separator=" · ")


def choose_carrier() -> None:
    """A row of the scorecard was chosen: list its parcels."""
    st.session_state["of"] = _label_at("carrier_scorecard", "_cards")


def choose_lane() -> None:
    """A row of the lanes was chosen: list its parcels."""
    st.session_state["on"] = _label_at("lanes", "_lanes")


def draw(now: Publication, scope: Scope, cards: pl.DataFrame, lanes: pl.DataFrame) -> None:
    """Draw the list. `cards` are the scorecard's rows (carrier, service), `lanes` those of the lanes."""
    st.subheader("Parcels behind these figures")
    cards_named, lane_names = names(cards), lanes["lane"].to_list()
    st.session_state["_cards"], st.session_state["_lanes"] = cards_named, lane_names
    with st.container(horizontal=True, vertical_alignment="bottom", key="parcel_filters"):
        show = filters.switch("Show", SHOWN, "show")
        of = filters.one_of("Carrier and service", [EVERY, *cards_named], "of", 260)
        on = filters.one_of("Lane", [EVERY, *lane_names], "on", 260)
    pair = cards.row(cards_named.index(of), named=True) if of in cards_named else None
    answer = data.ask(
        "parcels",
        clock=scope.clock,
        first_week=scope.first_week,
        last_week=scope.last_week,
        carriers=[pair["carrier"]] if pair else list(scope.carriers),
        services=[pair["service"]] if pair else list(scope.services),
        lanes=[on] if on in lane_names else list(scope.lanes),
        show=show,
        today=now.today,
        at_most=AT_MOST,
    )
    if not answer.rows.is_empty():
        matching = answer.rows["matching"][0]
        more = f", the first {AT_MOST:,} listed" if matching > AT_MOST else ""
        st.caption(f"{words.count(matching, 'parcel')}{more}. Last scans in {words.plain(str(now.zone))} time.")
    page.table(
        page.local_times(answer, now, "last_scan_at"),
        COLUMNS,
        "parcels",
        empty="No parcel matches." if show == "All" else "No such parcel: nothing is late here.",
    )


COLUMNS: Final = {
    "tracking_number": page.text("Tracking number"),
    "order_id": page.text("Order"),
    "carrier": page.text("Carrier", "carrier"),
    "service": page.text("Service", "service"),
    "lane": page.text("Lane", "lane"),
    "due_date": page.day("Due", "due_date"),
    "delivered_local": page.moment("Delivered (local)"),
    "days_late": page.number("Days late", "days_late"),
    "status": page.text("Status", "parcel_status"),
    "last_scan_at": page.moment("Last scan", "last_scan_at"),
    "lateness_fault": page.text("Whose lateness", "lateness_fault"),
    "attempts": page.number("Attempts", "attempts"),
}


def _label_at(table: str, labels: str) -> str:
    row = page.chosen_row(table)
    known: list[str] = st.session_state.get(labels, [])
    return known[row] if row is not None and row < len(known) else EVERY
