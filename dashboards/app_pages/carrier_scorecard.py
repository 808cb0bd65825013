"""Which carrier and service keeps its dates, on which lanes, and the parcels behind each figure."""

from typing import Final

import polars as pl
import streamlit as st

from dashboards import charts, comparison, data, filters, page, parcel_list, publication, words
from dashboards.filters import Scope
from dashboards.publication import WEEK, Publication

TREND: Final = 13  # weeks at least
DRAWN_ROWS: Final = 30
DRAWN_CARRIERS: Final = 6
DRAWN_LANES: Final = 12
DRAWN_REGIONS: Final = 20

COUNTS: Final = {
    "sample": page.text("Sample", "sample"),
    "on_time_rate": page.share("On time", "on_time_rate"),
    "on_time_rate_low": page.share("from", "on_time_rate_low"),
    "on_time_rate_high": page.share("to", "on_time_rate_high"),
    "due": page.number("Due", "due"),
    "on_time": page.number("Met", "on_time"),
    "entered": page.number("Entered", "entered"),
    "delivered": page.number("Delivered", "delivered"),
    "open": page.number("Open", "open"),
    "ended_otherwise": page.number("Ended otherwise", "ended_otherwise"),
    "overdue": page.number("Overdue", "overdue"),
    "first_attempt_rate": page.share("First attempt", "first_attempt_rate"),
    "exceptions": page.number("Exceptions", "exceptions"),
    "lost": page.number("Lost", "lost"),
    "damaged": page.number("Damaged", "damaged"),
    "returned_to_sender": page.number("Sent back", "returned_to_sender"),
}


def main() -> None:
    """Draw the page."""
    now = publication.current()
    scope = filters.scorecard_scope(now)
    if scope is None:
        st.info(
            "No complete week holds a parcel yet. The scorecard counts whole weeks, Monday to Sunday: come back after "
            f"{words.day(now.last_complete_week + WEEK + WEEK - WEEK / 7)}, or look at Data health to see what came in."
        )
        return
    card = rates(now, scope, "carrier", "service")
    if card.rows.is_empty():
        st.info("No parcel matches these filters. Take one away, or choose more weeks.")
        return
    verdict(now, scope, card)
    scorecard(now, scope, card)
    comparison.draw(now, scope)
    trends(now, scope)
    lane_rates = lanes(now, scope)
    parcel_list.draw(now, scope, card.rows, lane_rates)


def rates(now: Publication, scope: Scope, *grain: str) -> data.Answer:
    """Counts, rates and intervals of the scope, one row per combination of `grain`."""
    return data.ask(
        "scorecard",
        **scope.values(),
        grain=list(grain),
        suppress_under=now.suppress_under,
        grey_under=now.grey_under,
    )


def verdict(now: Publication, scope: Scope, card: data.Answer) -> None:
    """The answer in one sentence, for those who read no further."""
    total = rates(now, scope).rows.to_dicts()[0]
    date_met = "the carrier's committed date" if scope.clock == "Commitment" else "the date promised to the customer"
    period = words.period(scope.first_week, scope.last_day)
    if total["on_time_rate"] is None:
        st.markdown(f"### Only {words.count(total['due'], 'parcel')} due in this selection: too few for a rate")
        st.markdown(
            f"Scanned first {period}. Rates need {now.suppress_under} due parcels: choose more weeks or fewer filters."
        )
        return
    spread = words.interval(total["on_time_rate_low"], total["on_time_rate_high"])
    st.markdown(f"### {words.percent(total['on_time_rate'])} on time", help=words.define("on_time_rate"))
    sentence = (
        f"{total['on_time']:,} of {total['due']:,} due parcels met {date_met}; 95 % interval {spread}. "
        f"Parcels first scanned {period}" + (", the newest weeks with parcels." if newest_is_old(now, scope) else ".")
    )
    sure = card.rows.filter(pl.col("on_time_rate_high") < total["on_time_rate_low"])
    if not sure.is_empty():
        names = ", ".join(f"**{words.plain(name)}**" for name in parcel_list.names(sure.head(4)))
        sentence += f" Clearly below the rest: {names}."
    st.markdown(sentence)


def newest_is_old(now: Publication, scope: Scope) -> bool:
    """Whether the default period had to go back, because recent weeks hold no parcel."""
    return scope.last_week < now.last_complete_week and "until" not in st.query_params


def scorecard(now: Publication, scope: Scope, card: data.Answer) -> None:
    """Carrier by service: drawn, then in full."""
    overall = rates(now, scope).rows["on_time_rate"].to_list()[0]
    st.subheader("Carrier and service", help=words.define("interval"))
    shown = card.rows.head(DRAWN_ROWS)
    if shown["on_time_rate"].null_count() < len(shown):
        st.altair_chart(
            charts.rate_rows(shown, parcel_list.name(), overall),
            alt="On-time rate of each carrier and service with its 95 % interval, lowest first; figures in the table",
        )
    st.caption(
        f"Lowest first. Bar: 95 % interval; dashed: all parcels shown. Hollow and grey: fewer than {now.grey_under} "
        f"due; no rate under {now.suppress_under}. Choose a row of the table to list its parcels below."
    )
    page.table(
        card,
        {"carrier": page.text("Carrier", "carrier"), "service": page.text("Service", "service"), **COUNTS},
        "carrier_scorecard",
        empty="No parcel matches these filters.",
        blank="too few",
        on_select=parcel_list.choose_carrier,
    )


def trends(now: Publication, scope: Scope) -> None:
    """Each carrier week by week, on the same axis."""
    span = max(TREND, (scope.last_week - scope.first_week).days // 7 + 1)
    wide = Scope(
        scope.clock,
        scope.last_week - (span - 1) * WEEK,
        scope.last_week,
        scope.carriers,
        scope.services,
        scope.lanes,
    )
    weekly = rates(now, wide, "carrier", "week")
    st.subheader(f"By week, {span} weeks", help=words.define("week"))
    rated = weekly.rows.filter(pl.col("on_time_rate").is_not_null())
    if rated.is_empty():
        st.info(
            f"No carrier has {now.suppress_under} due parcels in any single week: look at more weeks together above."
        )
        return
    biggest = weekly.rows.group_by("carrier").agg(pl.sum("due")).sort("due", "carrier", descending=[True, False])
    floor = charts.common_floor(rated)
    drawn = [carrier for carrier in biggest["carrier"].to_list() if carrier in set(rated["carrier"])]
    with st.grid(columns=min(3, len(drawn)), min_column_width=300):
        for carrier in drawn[:DRAWN_CARRIERS]:
            one = weekly.rows.filter(pl.col("carrier") == carrier).sort("week")
            with st.container():
                st.markdown(f"**{words.plain(words.carrier(carrier))}**")
                st.altair_chart(
                    charts.weekly_rate(one, floor),
                    alt=f"On-time rate of {words.carrier(carrier)} by week with 95 % intervals",
                    key=f"trend_{carrier}",
                )
    st.caption(
        "Band: 95 % interval. Hollow: fewer than "
        f"{now.grey_under} due that week; a gap: fewer than {now.suppress_under}."
    )
    left_out = len(biggest) - len(drawn[:DRAWN_CARRIERS])
    if left_out:
        st.caption(
            f"{words.count(left_out, 'carrier')} not drawn: too few parcels in a week, "
            f"or beyond the {DRAWN_CARRIERS} biggest."
        )
    page.take_along(weekly.rows, weekly.sql, "carrier_by_week")


def lanes(now: Publication, scope: Scope) -> pl.DataFrame:
    """The worst lanes drawn, all lanes in the table."""
    answer = rates(now, scope, "lane")
    st.subheader("Worst lanes", help=words.define("lane"))
    rated = answer.rows.filter(pl.col("on_time_rate").is_not_null())
    if rated.is_empty():
        st.info(f"No lane has {now.suppress_under} due parcels: choose more weeks or fewer filters.")
    else:
        # by the upper end, so that a lane with few parcels does not top the list by chance
        worst = rated.sort("on_time_rate_high", "lane").head(DRAWN_LANES)
        overall = rates(now, scope).rows["on_time_rate"].to_list()[0]
        st.altair_chart(
            charts.rate_rows(worst, pl.col("lane"), overall),
            alt="On-time rate of the worst lanes with 95 % intervals; the table below has the figures",
        )
        few = len(answer.rows) - len(rated)
        st.caption(
            "Ordered by the upper end of the interval, so that a small lane does not lead by chance. "
            + (f"{words.count(few, 'lane')} with too few parcels not drawn." if few else "")
        )
        grid = rated.with_columns(pl.col("lane").str.split_exact(" > ", 1).struct.rename_fields(["from", "to"])).unnest(
            "lane"
        )
        biggest = grid.group_by("to").agg(pl.sum("due")).sort("due", "to", descending=[True, False]).head(DRAWN_REGIONS)
        st.altair_chart(
            charts.heat(
                grid.filter(pl.col("to").is_in(biggest["to"].implode())), "to", "from", "on_time_rate", "on time"
            ),
            alt="On-time rate from each origin to each of the biggest destinations; the table below has the figures",
        )
        st.caption(f"From (rows) to (columns), the {len(biggest)} biggest destinations; darker is lower.")
    with st.expander(f"All {words.count(len(answer.rows), 'lane')}"):
        page.table(
            answer,
            {"lane": page.text("Lane", "lane"), **COUNTS},
            "lanes",
            empty="No parcel matches these filters.",
            blank="too few",
            on_select=parcel_list.choose_lane,
        )
    return answer.rows


main()
