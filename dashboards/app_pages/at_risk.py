"""Parcels that need somebody today, and how good the predictions about them are."""

from typing import Final

import streamlit as st

from dashboards import data, filters, page, publication, words
from dashboards.publication import Publication

AT_MOST: Final = 500


def main() -> None:
    """Draw the page."""
    now = publication.current()
    with page.section("Most likely to miss their promise", "at_risk"):
        page.whole(data.ask("at_risk"), "at_risk", empty="No open parcel is at risk.")
    with page.section("Late, silent or due soon", "urgent"):
        urgent(now)
    with page.section("Warnings", "early_warnings"):
        page.whole(data.ask("early_warnings"), "early_warnings", empty="Nothing unusual is going on.")
    with page.section("How good the predictions are", "model_performance"):
        page.whole(data.ask("model_performance"), "model_performance", empty="No prediction has been judged yet.")


def urgent(now: Publication) -> None:
    """What the scans alone say: past the promise, silent, or due within two days."""
    known = data.ask("scorecard_values", last_complete_week=now.last_complete_week).rows
    carriers = filters.some_of("Carriers", filters.options(known, "carrier"), "carrier", "carrier")
    answer = data.ask(
        "open_parcels",
        today=now.today,
        as_of=now.as_of,
        stalled_hours=now.stalled_hours,
        carriers=list(carriers),
        at_most=AT_MOST,
    )
    if not answer.rows.is_empty():
        late = len(answer.rows.filter(answer.rows["reason"] == "past its promise"))
        listed = f" (the first {AT_MOST} listed)" if answer.rows["matching"][0] > AT_MOST else ""
        st.markdown(
            f"**{words.count(answer.rows['matching'][0], 'parcel')} to look at{listed}; "
            f"{late:,} of those listed are late already.**"
        )
    page.table(
        page.local_times(answer, now, "last_scan_at"),
        {
            "reason": page.text("Why"),
            "days_left": page.number("Days left", "promise_days_left"),
            "tracking_number": page.text("Tracking number", "tracking_number"),
            "order_id": page.text("Order", "order_id"),
            "carrier": page.text("Carrier", "carrier"),
            "service": page.text("Service", "service"),
            "lane": page.text("Lane", "lane"),
            "promised_date": page.day("Promised", "promised_date"),
            "status": page.text("Status", "parcel_status"),
            "last_scan_at": page.moment("Last scan", "last_scan_at"),
        },
        "open_parcels",
        empty="No parcel is late, silent or due within two days.",
    )


main()
