"""Parcels that need somebody today, and how good the predictions about them are."""

from typing import Final

import polars as pl
import streamlit as st

from dashboards import charts, data, filters, page, publication, words
from dashboards.publication import Publication

AT_MOST: Final = 500
SHOWN: Final = ["Not broken yet", "All"]
SCOPES: Final = {"carrier": "", "lane": "the lane "}


def main() -> None:
    """Draw the page."""
    now = publication.current()
    known = data.ask("scorecard_values", last_complete_week=now.last_complete_week).rows
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        show = filters.switch("Promises", SHOWN, "show", "not_broken") if now.predicts else SHOWN[0]
        carriers = filters.some_of("Carriers", filters.options(known, "carrier"), "carrier", "carrier", words.carrier)
    with page.section("Most likely to miss their promise", "at_risk"):
        if now.predicts:
            at_risk(now, show, carriers)
        else:
            page.predictions_are_off()
    with page.section("Late, silent or due soon", "urgent"):
        urgent(now, carriers)
    if now.predicts:
        with page.section("Warnings", "early_warnings"):
            warnings()
        with page.section("How good the predictions are", "model_performance"):
            performance(now)


def at_risk(now: Publication, show: str, carriers: tuple[str, ...]) -> None:
    """Open parcels by what a broken promise or a loss would cost."""
    answer = data.ask("at_risk", show=show, carriers=list(carriers), at_most=AT_MOST)
    rows = answer.rows
    if not rows.is_empty():
        first = rows.row(0, named=True)
        listed = f" (the dearest {AT_MOST} listed)" if first["matching"] > AT_MOST else ""
        st.markdown(
            f"**{words.count(first['matching'], 'promise')} at risk{listed}.** "
            f"Expected cost of them all: {first['total_cost']:,.0f} {words.plain(now.currency)}."
        )
        st.caption("Bar: eight times in ten it comes on one of these days; dot: the middle; line: the promised date.")
    page.table(
        data.Answer(charts.dates_in_cells(rows, now.today), answer.sql),
        {
            "tracking_number": page.text("Tracking number", "tracking_number"),
            "order_id": page.text("Order", "order_id"),
            "carrier": page.text("Carrier", "carrier"),
            "lane": page.text("Lane", "lane"),
            "miss_percent": page.percent("Miss", "miss_probability"),
            "lead_days": page.number("Days left", "lead_hours", "%.1f"),
            "promised_date": page.day("Promised", "promised_date"),
            "drawn": page.picture("Expected"),
            "p50_date": page.day("Middle", "p50_date"),
            "reasons": page.text("Why", "reasons", width="large"),
            "expected_cost": page.number(f"Cost, {now.currency}", "expected_cost", "%.2f"),
            "lost_percent": page.percent("Lost", "presumed_lost_probability"),
            "p10_date": page.day("p10", "p10_date"),
            "p80_date": page.day("p80", "p80_date"),
            "p90_date": page.day("p90", "p90_date"),
            "service": page.text("Service", "service"),
            "is_unshipped": page.tick("Not shipped"),
            "basis": page.text("Basis", "basis"),
        },
        "at_risk",
        empty="No open parcel is at risk.",
    )


def urgent(now: Publication, carriers: tuple[str, ...]) -> None:
    """What the scans alone say: past the promise, silent, or due within two days."""
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


def warnings() -> None:
    """Carriers and lanes that deliver less than usual, in sentences; how often such a warning is false."""
    answer = data.ask("early_warnings")
    if answer.rows.is_empty():
        st.markdown("**Nothing unusual**: every carrier and lane delivers what its parcels should bring.")
        return
    for row in answer.rows.to_dicts():
        st.markdown(
            f"- :material/trending_down: {SCOPES.get(row['scope'], '')}**{words.plain(_named(row))}** delivers less "
            f"than usual since {words.day(row['since_day'])}: {row['delivered_since']:,} in the last seven days, "
            f"where {row['expected_since']:,.0f} were to be expected."
        )
    first = answer.rows.row(0, named=True)
    st.caption(
        f"{first['series_watched']:,} carriers and lanes are watched so that chance alone gives about "
        f"{first['false_alarms_per_quarter']:g} warning a quarter."
    )
    page.take_along(answer.rows, answer.sql, "early_warnings")


def _named(row: dict[str, str]) -> str:
    return words.carrier(row["subject"]) if row["scope"] == "carrier" else row["subject"]


def performance(now: Publication) -> None:
    """Predicted days against what came, beside the promise; whether intervals held what they say."""
    answer = data.ask("model_performance", suppress_under=now.suppress_under)
    rows = answer.rows
    if rows.is_empty():
        st.info(
            f"No week of predictions has {now.suppress_under} outcomes yet. They are judged as parcels arrive: "
            "come back in a week or two."
        )
        return
    total = rows["outcomes"].sum()
    ours, promise = ((rows[name] * rows["outcomes"]).sum() / total for name in ("mae_days", "mae_days_promise"))
    held = (rows["coverage"] * rows["outcomes"]).sum() / total
    st.markdown(
        f"**Off by {ours:.1f} days on average, the promise by {promise:.1f}; intervals that should hold 80 % held "
        f"{held:.0f} %** ({total:,} parcels judged)."
    )
    if rows["has_drifted"].any():
        weeks = ", ".join(words.day(week) for week in rows.filter("has_drifted")["week"].unique().sort())
        st.warning(f"Intervals held too little in the weeks of {weeks}: trust the bars above less.")
    left, right = st.columns(2)
    by_week = rows.group_by("week", maintain_order=True).agg(
        *(
            ((pl.col(name) * pl.col("outcomes")).sum() / pl.col("outcomes").sum()).alias(name)
            for name in ("mae_days", "mae_days_promise", "coverage", "predicted_misses", "misses")
        )
    )
    left.caption("Mean days off, by week of prediction")
    left.altair_chart(
        charts.weekly_lines(by_week, {"mae_days": "predictions", "mae_days_promise": "promise"}, ".1f"),
        alt="Mean days off by week: predictions and the promise; figures in the table",
    )
    right.caption("Promises missed, predicted and what came, in percent")
    right.altair_chart(
        charts.weekly_lines(by_week, {"predicted_misses": "predicted", "misses": "came"}, ".1f"),
        alt="Missed promises by week in percent: predicted and what came; figures in the table",
    )
    page.table(
        answer,
        {
            "week": page.day("Week", "week"),
            "basis": page.text("Basis", "basis"),
            "outcomes": page.number("Parcels", "outcomes"),
            "mae_days": page.number("Days off", "mae_days", "%.2f"),
            "mae_days_promise": page.number("Promise, days off", "mae_days_promise", "%.2f"),
            "within_one_day": page.percent("Within a day", "within_one_day_rate"),
            "coverage": page.percent("80 % intervals held", "coverage_80"),
            "width_80_days": page.number("Width, days", "width_80_days", "%.1f"),
            "predicted_misses": page.percent("Misses predicted", "miss_probability_mean"),
            "misses": page.percent("Misses", "miss_rate"),
            "brier": page.number("Brier", "brier", "%.3f"),
        },
        "model_performance",
        empty="No prediction has been judged yet.",
    )


main()
