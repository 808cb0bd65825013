"""Where the days go along the chain, which promises are kept, and which could be made."""

from typing import Final

import polars as pl
import streamlit as st

from dashboards import charts, data, filters, page, publication, tiles, words
from dashboards.filters import Scope
from dashboards.publication import Publication

LONGEST: Final = 15  # days promised; longer ones are counted with it
STAGES: Final = {
    "processing": "Order to label",
    "handover": "Label to first scan",
    "linehaul": "First scan to the van",
    "last_mile": "Van to the door",
}


def main() -> None:
    """Draw the page."""
    now = publication.current()
    scope = filters.lane_scope(now)
    if scope is None:
        st.info("No complete week holds a parcel yet: come back after the first whole week, Monday to Sunday.")
        return
    with page.section("Where the days go", "chain"):
        chain(scope)
    with page.section("Promises kept, by days promised", "promised_days"):
        promises(now, scope)
    with page.section("Where promises are kept", "order_on_time_rate"):
        regions(now, scope)
    with page.section("What could be promised", "recommendation"):
        if now.predicts:
            recommended(scope)
        else:
            page.predictions_are_off()


def chain(scope: Scope) -> None:
    """Mean days per stage, against the period before."""
    answer = data.ask("chain", first_week=scope.first_week, last_week=scope.last_week, lanes=list(scope.lanes))
    rows = answer.rows.filter(pl.col("mean_days").is_not_null())
    if rows.is_empty():
        st.info("No parcel of this selection was delivered: choose more weeks or fewer lanes.")
        return
    rows = rows.with_columns(pl.col("stage").replace(STAGES).alias("label"))
    longest = rows.sort("mean_days", descending=True).row(0, named=True)
    st.markdown(
        f"**{rows['mean_days'].sum():.1f} days from order to door; {longest['mean_days']:.1f} of them "
        f"{longest['label'][0].lower()}{longest['label'][1:]}.**"
    )
    st.altair_chart(
        charts.bars(rows, "label", "mean_days", "mean days", ".2f"), alt="Mean days of each stage; figures in the table"
    )
    page.table(
        data.Answer(rows, answer.sql),
        {
            "label": page.text("Stage", "stage"),
            "mean_days": page.number("Mean days", "mean_days", "%.2f"),
            "mean_days_before": page.number("Period before", "mean_days", "%.2f"),
            "parcels": page.number("Parcels"),
        },
        "chain",
        empty="Nothing was delivered.",
    )
    changes = data.ask("chain_changes", first_week=scope.first_week, last_week=scope.last_week, lanes=list(scope.lanes))
    st.markdown(
        f"**{words.count(len(changes.rows), 'change')} beyond noise** from one week to the next",
        help=words.define("is_beyond_noise"),
    )
    page.table(
        data.Answer(changes.rows.with_columns(pl.col("stage").replace(STAGES)), changes.sql),
        {
            "lane": page.text("Lane", "lane"),
            "service_level": page.text("Level", "service_level"),
            "week": page.day("Week", "week"),
            "stage": page.text("Stage", "stage"),
            "change_days": page.number("Change, days", "change_days", "%+.2f"),
            "noise_days": page.number("Noise, days", "noise_days", "%.2f"),
            "mean_days": page.number("Mean days", "mean_days", "%.2f"),
            "parcels": page.number("Parcels"),
        },
        "chain_changes",
        empty="No stage changed by more than chance explains.",
    )


def promises(now: Publication, scope: Scope) -> None:
    """Kept promises by how many days were promised."""
    answer = data.ask("promise_days", **window(now, scope))
    rated = answer.rows.filter(pl.col("on_time_rate").is_not_null())
    if rated.is_empty():
        st.info(f"No length of promise has {now.suppress_under} orders due: choose more weeks.")
        return
    worst = rated.sort("on_time_rate").row(0, named=True)
    st.markdown(
        f"**Promises of {words.count(worst['promised_days'], 'day')} are kept least: "
        f"{words.percent(worst['on_time_rate'])} of {worst['due']:,}.**"
    )
    st.altair_chart(
        charts.rate_rows(answer.rows, _days(), None),
        alt="Share of promises kept by days promised, with 95 % intervals",
    )
    page.take_along(answer.rows, answer.sql, "promise_days")


def _days() -> pl.Expr:
    longest = pl.col("promised_days") >= LONGEST
    return (
        pl.when(longest)
        .then(pl.format("{} days or more", "promised_days"))
        .otherwise(pl.format("{} days", "promised_days"))
    )


def regions(now: Publication, scope: Scope) -> None:
    """A map of tiles where we have one, and every region in the table."""
    answer = data.ask("regions", **window(now, scope))
    if answer.rows["on_time_rate"].drop_nulls().is_empty():
        st.info(f"No region has {now.suppress_under} orders due: choose more weeks.")
        return
    mapped = answer.rows.filter(pl.col("region").is_in(list(tiles.US)) & (pl.col("country") == "US"))
    if not mapped.is_empty():
        st.altair_chart(
            charts.tile_map(mapped, tiles.US),
            alt="Order on-time rate by state as a map of tiles; the table has the figures",
            width="content",
        )
        st.caption(f"The stronger the orange, the lower; no figure: fewer than {now.suppress_under} orders due.")
    page.table(
        answer,
        {
            "region": page.text("Region", "destination_region"),
            "country": page.text("Country", "destination_country"),
            "sample": page.text("Sample", "sample"),
            "on_time_rate": page.share("On time", "order_on_time_rate"),
            "on_time_rate_low": page.share("from", "on_time_rate_low"),
            "on_time_rate_high": page.share("to", "on_time_rate_high"),
            "due": page.number("Due", "due"),
            "on_time": page.number("Met", "on_time"),
        },
        "regions",
        empty="No order was due.",
        blank="too few",
    )


def recommended(scope: Scope) -> None:
    """The days to promise on each lane, beside today's."""
    answer = data.ask("promise_recommendation", lanes=list(scope.lanes))
    told = answer.rows.filter(pl.col("recommended_days").is_not_null())
    if not told.is_empty():
        first = told.row(0, named=True)
        st.markdown(
            f"**{words.plain(first['lane'])}: {words.count(first['recommended_days'], 'day')} would be kept "
            f"{words.percent(first['recommended_rate'])} of the time; today's {first['todays_days']}: "
            f"{words.percent(first['todays_rate'])}.** It has the most orders; the others are in the table."
        )
    page.table(
        answer,
        {
            "lane": page.text("Lane", "lane"),
            "orders": page.number("Orders", "orders"),
            "todays_days": page.number("Days today", "is_todays"),
            "todays_rate": page.share("Kept today", "kept_rate"),
            "todays_rate_low": page.share("from", "kept_rate_low"),
            "todays_rate_high": page.share("to", "kept_rate_high"),
            "recommended_days": page.number("Days to promise", "is_recommended"),
            "recommended_rate": page.share("Kept then", "kept_rate"),
            "recommended_rate_low": page.share("from ", "kept_rate_low"),
            "recommended_rate_high": page.share("to ", "kept_rate_high"),
            "change_days": page.number("Change, days", "", "%+d"),
        },
        "promise_recommendation",
        empty="No lane has enough orders whose outcome is known.",
        blank="none is kept 95 %",
    )


def window(now: Publication, scope: Scope) -> dict[str, data.Value]:
    """The weeks and thresholds that the queries of this page bind."""
    return {
        "first_week": scope.first_week,
        "last_week": scope.last_week,
        "suppress_under": now.suppress_under,
        "grey_under": now.grey_under,
    }


main()
