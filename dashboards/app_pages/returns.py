"""What comes back, why and whose fault it is, and how long customers wait for their money."""

from datetime import timedelta
from typing import Final

import polars as pl
import streamlit as st

from dashboards import charts, data, page, publication, words
from dashboards.publication import Publication

CYCLE_DAYS: Final = 90
DRAWN_SKUS: Final = 10


def main() -> None:
    """Draw the page."""
    now = publication.current()
    with page.section("Return rate by month of the order", "return_rate_mature"):
        cohorts()
    with page.section("Why things come back", "reason_group"):
        reasons()
    with page.section("Products that come back most", "sku_return_rate"):
        skus(now)
    with page.section("Refunds", "refund_days"):
        refunds(now)
    for name, title in (
        ("refund_watch", "Refund watch"),
        ("return_bracketing", "Bracketing"),
        ("serial_returners", "Serial returners"),
    ):
        with page.section(title, name):
            page.whole(data.ask(name), name, empty="Nobody and nothing stands out.")


def cohorts() -> None:
    """Mature cohorts are final; the newest are still filling up."""
    answer = data.ask("return_totals")
    rows = answer.rows.filter(pl.col("sold_lines") > 0)
    if rows.is_empty():
        st.info("No order line is known yet, so there is nothing that could come back.")
        return
    mature = rows.filter(pl.col("is_mature"))
    if mature.is_empty():
        st.markdown("**No month is complete yet**: the return window of each is still open.")
    else:
        sold, back = mature["sold_lines"].sum(), mature["returned_lines"].sum()
        st.markdown(
            f"**{words.percent(back / sold)} of order lines come back** "
            f"({back:,} of {sold:,}, months whose return window has closed)."
        )
    st.altair_chart(
        charts.mature_bars(rows), alt="Share of order lines returned by month of the order; figures in the table"
    )
    st.caption("Filled: the return window has closed. Dashed outline: still open, the rate will rise.")
    page.table(
        answer,
        {
            "cohort": page.text("Month of order", "cohort"),
            "is_mature": page.tick("Window closed", "is_mature"),
            "return_rate": page.share("Returned", "line_return_rate"),
            "return_rate_low": page.share("from", "interval"),
            "return_rate_high": page.share("to", "interval"),
            "sold_lines": page.number("Lines sold", "sold_lines"),
            "returned_lines": page.number("Lines returned", "returned_lines"),
            "returned_amount": page.number("Value returned", "returned_amount", "accounting"),
        },
        "return_cohorts",
        empty="No order line is known yet.",
    )


def reasons() -> None:
    """Groups of reasons, with whose fault each is."""
    answer = data.ask("return_faults")
    if answer.rows.is_empty():
        st.info("Nothing has come back yet.")
        return
    rows = answer.rows.with_columns(
        pl.format("{} ({})", pl.col("reason_group").str.replace_all("_", " "), "reason_fault").alias("label")
    )
    first = rows.row(0, named=True)
    st.markdown(
        f"**{words.plain(first['label'][0].upper() + first['label'][1:])} leads: "
        f"{words.percent(first['share_rate'])} of returned lines.**"
    )
    st.altair_chart(
        charts.bars(rows, "label", "share_rate", "share of returned lines", ".1%"),
        alt="Returned lines by reason; figures in the table",
    )
    page.table(
        answer,
        {
            "reason_group": page.text("Reason", "reason_group"),
            "reason_fault": page.text("Whose fault", "reason_fault"),
            "share_rate": page.share("Share", "reason_group"),
            "returned_lines": page.number("Lines", "returned_lines"),
            "lines_after_delivery_failure": page.number("After a failed delivery", "lines_after_delivery_failure"),
            "returned_amount": page.number("Value", "returned_amount", "accounting"),
        },
        "return_reasons",
        empty="Nothing has come back yet.",
    )


def skus(now: Publication) -> None:
    """SKUs by the lower end of their interval, so that a small one does not lead by chance."""
    answer = data.ask("return_skus", suppress_under=now.suppress_under)
    if answer.rows.is_empty():
        st.info(f"No product has sold {now.suppress_under} lines in months whose return window has closed.")
        return
    above = answer.rows.filter(pl.col("return_rate_low") > pl.col("overall_rate"))
    st.markdown(
        f"**{words.count(len(above), 'product')} of {answer.rows['matching'][0]} surely come back more "
        f"than the average** of {words.percent(answer.rows['overall_rate'][0])}."
    )
    page.table(
        data.Answer(charts.in_cells(answer.rows, "return_rate"), answer.sql),
        {
            "sku": page.text("SKU", "sku"),
            "drawn": page.picture("Rate with 95 % interval"),
            "return_rate": page.share("Returned", "line_return_rate"),
            "return_rate_low": page.share("from", "interval"),
            "return_rate_high": page.share("to", "interval"),
            "sold_lines": page.number("Lines sold", "sold_lines"),
            "returned_lines": page.number("Lines returned", "returned_lines"),
        },
        "return_skus",
        empty="No product has sold enough.",
    )


def refunds(now: Publication) -> None:
    """How long a settlement takes, and who waits."""
    answer = data.ask("refund_cycle", first_at=now.as_of - timedelta(days=CYCLE_DAYS), as_of=now.as_of)
    cycle = answer.rows.row(0, named=True)
    if not cycle["settled"] and not cycle["waiting"]:
        st.info(f"No return was requested in the last {CYCLE_DAYS} days.")
        return
    if cycle["settled"]:
        kept = cycle["retained_revenue_rate"]
        st.markdown(
            f"**Settled in {cycle['refund_days_p50']:.0f} days at the median, "
            f"{cycle['refund_days_p90']:.0f} for one in ten** "
            f"({cycle['settled']:,} of those requested in {CYCLE_DAYS} days; {cycle['waiting']:,} still wait)."
            + (f" {words.percent(kept)} of the value was kept through exchange or credit." if kept is not None else "")
        )
    waiting = data.ask("refund_waiting", as_of=now.as_of)
    page.table(
        page.local_times(waiting, now, "requested_at", "label_first_scan_at", "received_at"),
        {
            "return_id": page.text("Return", "return_id"),
            "order_id": page.text("Order", "order_id"),
            "days_waiting": page.number("Days waiting", form="%.0f"),
            "requested_at": page.moment("Requested"),
            "label_first_scan_at": page.moment("Sent back"),
            "received_at": page.moment("Received"),
        },
        "refund_waiting",
        empty="Nobody waits for a refund.",
    )


main()
