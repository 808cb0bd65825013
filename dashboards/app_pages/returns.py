"""What comes back, why and whose fault it is, and how long customers wait for their money."""

from datetime import timedelta
from typing import Final

import polars as pl
import streamlit as st

from dashboards import charts, data, filters, page, publication, words
from dashboards.publication import WEEK, Publication

CYCLE_DAYS: Final = 90
WEEKS: Final = 13
SCOPES: Final = {"Category": "category", "Variant": "variant", "Channel": "channel", "Region": "region"}
ITEMS: Final = {"SKU": "sku", "Product": "product"}
OUTCOMES: Final = {"returned": "A return", "repeat_purchase": "Another order within 90 days"}
TROUBLES: Final = {
    "received_not_refunded": "Back, not refunded",
    "refund_without_return": "Refunded, nothing came back",
    "refund_over_paid": "Refunded more than was paid",
}


def main() -> None:
    """Draw the page."""
    now = publication.current()
    with page.section("Return rate by month of the order", "return_rate_mature"):
        cohorts(now)
    with page.section("Who and what comes back", "return_by"):
        groups(now)
    with page.section("Why things come back", "reason_group"):
        reasons()
    with page.section("Products that come back beyond the usual", "return_excess"):
        excess(now)
    with page.section("What a late delivery changes", "delivery_effects"):
        effects()
    with page.section("Refunds", "refund_days"):
        refunds(now)
    with page.section("Refund watch", "refund_watch"):
        watch(now)
    with page.section("Bracketing", "return_bracketing"):
        bracketing()
    with page.section("Serial returners", "serial_returners"):
        serial()


def cohorts(now: Publication) -> None:
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
        value, kept = mature["returned_amount"].sum(), mature["retained_amount"].sum()
        st.markdown(
            f"**{words.percent(back / sold)} of order lines come back** "
            f"({back:,} of {sold:,}, months whose return window has closed)."
            + (f" {words.percent(kept / value)} of their value was kept by exchange or credit." if value else "")
        )
    st.altair_chart(
        charts.mature_bars(rows), alt="Share of order lines returned by month of the order; figures in the table"
    )
    st.caption("Filled: the return window has closed. Shaded: still open; dashed: what the rate is likely to become.")
    page.table(
        answer,
        {
            "cohort": page.text("Month of order", "cohort"),
            "is_mature": page.tick("Window closed", "is_mature"),
            "return_rate": page.share("Lines returned", "line_return_rate"),
            "return_rate_low": page.share("from", "interval"),
            "return_rate_high": page.share("to", "interval"),
            "completed_return_rate": page.share("Likely in the end", "completed_return_rate"),
            "order_return_rate": page.share("Orders", "order_return_rate"),
            "revenue_return_rate": page.share("Revenue", "revenue_return_rate"),
            "retained_revenue_rate": page.share("Value kept", "retained_revenue_rate"),
            "sold_lines": page.number("Lines sold", "sold_lines"),
            "returned_lines": page.number("Lines returned", "returned_lines"),
            "returned_amount": page.number(f"Value returned, {now.currency}", "returned_amount", "%.0f"),
        },
        "return_cohorts",
        empty="No order line is known yet.",
    )


def groups(now: Publication) -> None:
    """Categories, variants, channels or regions by the lower end of their interval."""
    scope = filters.switch("By", list(SCOPES), "by")
    answer = data.ask("return_by", scope=SCOPES[scope], suppress_under=now.suppress_under)
    page.table(
        data.Answer(charts.in_cells(answer.rows, "return_rate"), answer.sql),
        {
            "scope_value": page.text(scope),
            "drawn": page.picture("Rate with 95 % interval"),
            "return_rate": page.share("Returned", "line_return_rate"),
            "return_rate_low": page.share("from", "interval"),
            "return_rate_high": page.share("to", "interval"),
            "sold_lines": page.number("Lines sold", "sold_lines"),
            "returned_lines": page.number("Lines returned", "returned_lines"),
            "too_small_lines": page.number("Too small", "too_small_lines"),
            "too_large_lines": page.number("Too large", "too_large_lines"),
            "retained_revenue_rate": page.share("Value kept", "retained_revenue_rate"),
        },
        "return_by",
        empty=f"None has sold {now.suppress_under} lines in months whose return window has closed.",
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
        data.Answer(rows.with_columns(pl.col("reason_group").str.replace_all("_", " ")), answer.sql),
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


def excess(now: Publication) -> None:
    """SKUs or products with more returns than their category's usual spread, and sizes that miss in one direction."""
    item = filters.switch("Of each", list(ITEMS), "item")
    answer = data.ask("return_excess", scope=ITEMS[item], suppress_under=now.suppress_under)
    rows = answer.rows
    if rows.is_empty():
        st.info(f"Nothing has sold {now.suppress_under} lines in months whose return window has closed.")
        return
    listed = rows.filter("is_listed")
    of = words.count(rows["matching"][0], "SKU" if item == "SKU" else "product")
    st.markdown(
        f"**{rows['listed'][0]:,} of {of} come back "
        "beyond the usual spread of their category**"
        + (f": {_named(listed, 'excess_lines', '{:+.0f} lines')}." if len(listed) else ".")
    )
    for direction in ("runs small", "runs large"):
        sized = rows.filter(pl.col("size_direction") == direction)
        if len(sized):
            column = "too_small_lines" if direction == "runs small" else "too_large_lines"
            st.markdown(f"- {direction.capitalize()}: {_named(sized, column, '{:.0f} say so')}")
    page.table(
        data.Answer(charts.in_cells(rows, "return_rate"), answer.sql),
        {
            "item": page.text(item),
            "is_listed": page.tick("Beyond the usual", "is_listed"),
            "drawn": page.picture("Rate with 95 % interval"),
            "return_rate": page.share("Returned", "line_return_rate"),
            "return_rate_low": page.share("from", "interval"),
            "return_rate_high": page.share("to", "interval"),
            "category_rate": page.share("Category", "category_rate"),
            "excess_lines": page.number("Excess lines", "excess_lines", "%+.1f"),
            "size_direction": page.text("Size", "size_direction"),
            "category": page.text("Category", "category"),
            "sold_lines": page.number("Lines sold", "sold_lines"),
            "returned_lines": page.number("Lines returned", "returned_lines"),
            "too_small_lines": page.number("Too small", "too_small_lines"),
            "too_large_lines": page.number("Too large", "too_large_lines"),
            "q_value": page.number("False discovery", "q_value", "%.3f"),
        },
        "return_excess",
        empty="Nothing has sold enough.",
    )


def _named(rows: pl.DataFrame, value: str, form: str) -> str:
    """The first five in words, with that figure."""
    first = rows.head(5).to_dicts()
    named = ", ".join(f"**{words.plain(row['item'])}** ({form.format(row[value])})" for row in first)
    return named + (f" and {len(rows) - 5:,} more" if len(rows) > 5 else "")


def effects() -> None:
    """What follows a late delivery, beside orders like it that came in time."""
    answer = data.ask("delivery_effects")
    if answer.rows.is_empty():
        st.info("Too few late and timely orders are alike yet to tell.")
        return
    rows = answer.rows.with_columns(pl.col("outcome").replace(OUTCOMES).alias("what"))
    for row in rows.filter(pl.col("adjusted_ratio").is_not_null()).to_dicts():
        low, high = row["adjusted_ratio_low"], row["adjusted_ratio_high"]
        sure = low is not None and (low > 1 or high < 1)
        between = f" ({low:.2f} to {high:.2f})" if low is not None else ""
        verdict = (
            f"**{row['adjusted_ratio']:.2f} times as likely**{between}"
            if sure
            else f"not surely more or less likely{between}"
        )
        st.markdown(f"- {row['what']} is {verdict} after a late delivery.")
    page.table(
        data.Answer(rows, answer.sql),
        {
            "what": page.text("What follows", "outcome"),
            "after_late_rate": page.share("After late", "after_late_rate"),
            "after_in_time_rate": page.share("After in time", "after_in_time_rate"),
            "adjusted_ratio": page.number("Ratio, like orders", "adjusted_ratio", "%.2f"),
            "adjusted_ratio_low": page.number("from", "interval", "%.2f"),
            "adjusted_ratio_high": page.number("to", "interval", "%.2f"),
            "raw_ratio": page.number("Raw ratio", "raw_ratio", "%.2f"),
            "after_late": page.number("Late", "after_late"),
            "after_in_time": page.number("In time", "after_in_time"),
            "compared_rate": page.share("Compared", "compared_share"),
        },
        "delivery_effects",
        empty="Too few to tell.",
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
    weeks(now)
    waiting = data.ask("refund_waiting", as_of=now.as_of)
    st.markdown("**Who waits**")
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


def weeks(now: Publication) -> None:
    """Each step of the cycle and the value kept, by the week of the request."""
    answer = data.ask(
        "return_weeks", first_week=now.last_complete_week - (WEEKS - 1) * WEEK, last_week=now.last_complete_week
    )
    if answer.rows.is_empty():
        return
    left, right = st.columns(2)
    left.caption("Days from request to refund, by week of the request; open ones counted for as long as they wait")
    left.altair_chart(
        charts.weekly_lines(
            answer.rows, {"days_to_refunded_p50": "half within", "days_to_refunded_p90": "nine of ten within"}, ".0f"
        ),
        alt="Days to a refund by week, median and 90th percentile; figures in the table",
    )
    right.caption("Value returned that was kept by exchange or credit, by week of the request")
    right.altair_chart(
        charts.weekly_lines(answer.rows, {"retained_revenue_rate": "kept"}, ".0%"),
        alt="Share of returned value kept by week; figures in the table",
    )
    page.table(
        answer,
        {
            "week": page.day("Week", "week"),
            "returns": page.number("Returns", "returns"),
            "return_request_ratio": page.number("For each order", "return_request_ratio", "%.2f"),
            "refund_returns": page.number("Refund", "outcome"),
            "exchange_returns": page.number("Exchange", "outcome"),
            "store_credit_returns": page.number("Credit", "outcome"),
            "rejected_returns": page.number("Rejected", "outcome"),
            "unused_labels": page.number("Labels unused", "unused_labels"),
            "retained_revenue_rate": page.share("Value kept", "retained_revenue_rate"),
            "days_to_first_scan_p50": page.number("Days to scan", "days_to_first_scan_p50"),
            "days_to_received_p50": page.number("to receipt", "days_to_received_p50"),
            "days_to_refunded_p50": page.number("to refund", "days_to_refunded_p50"),
            "days_to_refunded_p90": page.number("p90", "days_to_refunded_p90"),
        },
        "return_weeks",
        empty="No return was requested in these weeks.",
        blank="not yet",
    )


def watch(now: Publication) -> None:
    """Refunds that somebody should look at today."""
    troubles = data.ask("refund_troubles").rows.to_dicts()
    if not troubles:
        st.markdown("**Nothing to act on**: no refund is overdue, beyond what was paid, or without its return.")
        return
    labels = {TROUBLES.get(row["trouble"], row["trouble"]): row for row in troubles}
    chosen = filters.switch("Trouble", list(labels), "trouble", "trouble")
    row = labels[chosen]
    st.markdown(
        f"**{words.count(row['returns'], 'return')}, {row['amount_at_stake'] or 0:,.0f} "
        f"{words.plain(now.currency)} at stake**"
    )
    answer = data.ask("refund_watch", trouble=row["trouble"])
    page.table(
        page.local_times(answer, now, "requested_at", "received_at", "refunded_at"),
        {
            "return_id": page.text("Return", "return_id"),
            "order_id": page.text("Order", "order_id"),
            "days_waiting": page.number("Days waiting", "days_waiting"),
            "amount_at_stake": page.number("At stake", "amount_at_stake", "%.2f"),
            "refund_amount": page.number("Refund", "refund_amount", "%.2f"),
            "paid_amount": page.number("Paid", "paid_amount", "%.2f"),
            "currency": page.text("Currency", "currency"),
            "requested_at": page.moment("Requested", "requested_at"),
            "received_at": page.moment("Received", "received_at"),
            "refunded_at": page.moment("Refunded", "refunded_at"),
        },
        "refund_watch",
        empty="No return is in this trouble.",
    )


def bracketing() -> None:
    """Several variants of one product in one order, to keep one."""
    answer = data.ask("return_bracketing")
    if answer.rows.is_empty():
        st.markdown("**Nobody orders several variants of one product** in months whose return window has closed.")
        return
    bought, back = answer.rows["bracketed_lines"].sum(), answer.rows["returned_bracketed_lines"].sum()
    st.markdown(
        f"**{words.count(bought, 'line')} were bought in several variants of one product; "
        f"{words.percent(back / bought)} of them came back.**"
    )
    page.table(
        answer,
        {
            "category": page.text("Category", "category"),
            "bracketed_rate": page.share("Of lines sold", "bracketed_lines"),
            "bracketed_return_rate": page.share("Came back", "returned_bracketed_lines"),
            "other_return_rate": page.share("Other lines", "line_return_rate"),
            "bracketed_lines": page.number("Lines", "bracketed_lines"),
            "returned_bracketed_lines": page.number("came back", "returned_bracketed_lines"),
            "sold_lines": page.number("Lines sold", "sold_lines"),
        },
        "bracketing",
        empty="Nobody does.",
    )


def serial() -> None:
    """Customers whose returns stand out, for a person to look at."""
    answer = data.ask("serial_returners")
    if not answer.rows.is_empty():
        number = answer.rows["matching"][0]
        verb = "sends" if number == 1 else "send"
        st.markdown(
            f"**{words.count(number, 'customer')} surely {verb} back more than twice the usual share.** "
            "A token stands for a customer; look at the orders before you act: a list alone is no reason."
        )
    page.table(
        answer,
        {
            "customer_token": page.text("Customer", "customer_token"),
            "returned_lines": page.number("Lines returned", "returned_lines"),
            "sold_lines": page.number("Lines bought", "sold_lines"),
            "line_return_rate": page.share("Returned", "line_return_rate"),
            "shrunk_return_rate_low": page.share("at least", "shrunk_return_rate_low"),
            "shop_return_rate": page.share("Shop", "shop_return_rate"),
            "orders": page.number("Orders", "orders"),
            "bracketed_lines": page.number("Bracketed", "bracketed_lines"),
        },
        "serial_returners",
        empty="No customer stands out.",
    )


main()
