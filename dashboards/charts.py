"""Altair charts of rates with their intervals, in colours that hold in light and dark and for colour-blind readers.

What lives here: marks, colours, sizes. What does not: which rows are drawn and what the numbers are (`queries`).
Nothing is told by colour alone: a small sample is a hollow point, one too small for a rate is written out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import altair as alt
import polars as pl
import streamlit as st

from dashboards import words

ROW_HEIGHT: Final = 30
Chart = alt.LayerChart | alt.FacetChart  # altair types what layer() gives as either
_FONT: Final = '"Source Sans", sans-serif'


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one theme; each stands out from its background at 3:1, text at 4.5:1."""

    strong: str
    faint: str
    text: str
    band: str


LIGHT: Final = Palette(strong="#0b62a4", faint="#7b8190", text="#31333f", band="#0b62a4")
DARK: Final = Palette(strong="#6db3f2", faint="#9aa0ad", text="#fafafa", band="#6db3f2")


def palette() -> Palette:
    """The colours of the theme that the reader has chosen."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def rate_rows(rows: pl.DataFrame, label: pl.Expr, overall: float | None) -> Chart:
    """One line per row: rate, 95 % interval and counts; a dashed rule at the overall rate.

    `rows` carries sample, on_time_rate (+_low, _high), due, on_time; they are drawn in the order given.
    """
    ink = palette()
    drawn = rows.with_columns(label.alias("label"), _said().alias("said"))
    floor = _floor(drawn)
    room = (1 - floor) * 0.4
    scale = alt.Scale(domain=[floor, 1 + room], nice=False, zero=False)
    ticks = [tick / 100 for tick in range(100, round(floor * 100) - 1, -_step(floor))]
    axis = alt.Axis(values=ticks, format=".0%", title=None, labelFlush=False, labelColor=ink.text, labelFontSize=13)
    colour = alt.condition("datum.sample == 'enough'", alt.value(ink.strong), alt.value(ink.faint))
    base = alt.Chart(drawn.select(_DRAWN)).encode(
        y=alt.Y(
            "label:N",
            sort=drawn["label"].to_list(),
            title=None,
            axis=alt.Axis(
                labelLimit=200, labelFontSize=14, labelColor=ink.text, labelFlush=False, ticks=False, domain=False
            ),
        ),
        tooltip=_tooltip(),
    )
    layers = [
        base.mark_rule(strokeWidth=4, strokeCap="round", opacity=0.55).encode(
            x=alt.X("on_time_rate_low:Q", scale=scale, axis=axis), x2="on_time_rate_high:Q", color=colour
        ),
        base.mark_point(size=95, opacity=1, strokeWidth=2).encode(
            x=alt.X("on_time_rate:Q", scale=scale),
            stroke=colour,
            fill=alt.condition("datum.sample == 'enough'", alt.value(ink.strong), alt.value("transparent")),
        ),
        base.mark_text(align="left", fontSize=13, font=_FONT).encode(
            x=alt.datum(1 + (1 - floor) * 0.03, scale=scale),
            text="said:N",
            color=alt.condition("datum.sample == 'enough'", alt.value(ink.text), alt.value(ink.faint)),
        ),
    ]
    if overall is not None:
        rule = alt.Chart(pl.DataFrame({"overall": [overall]})).mark_rule(strokeDash=[4, 4], color=ink.faint)
        layers.insert(0, rule.encode(x=alt.X("overall:Q", scale=scale)))
    return _dressed(alt.layer(*layers), height=ROW_HEIGHT * len(drawn) + 40)


def weekly_rate(rows: pl.DataFrame, floor: float, height: int = 190) -> Chart:
    """A rate by week with its 95 % interval as a band. Weeks with too few due leave a gap. `rows` as in rate_rows."""
    ink = palette()
    scale = alt.Scale(domain=[floor, 1], nice=False, zero=False)
    base = alt.Chart(_every_week(rows)).encode(
        # ordinal ISO days: as times they would slip to the day before in browsers west of Greenwich
        x=alt.X(
            "week:O",
            title=None,
            axis=alt.Axis(
                labelExpr="utcFormat(toDate(datum.value), '%-d %b')",
                labelAngle=0,
                labelOverlap=True,
                labelColor=ink.text,
                ticks=False,
            ),
        ),
        tooltip=[alt.Tooltip("week:O", title="week of"), *_tooltip()[1:]],
    )
    y_axis = alt.Axis(format=".0%", title=None, tickCount=4, labelColor=ink.text, labelFlush=False)
    layers = [
        base.mark_area(opacity=0.22, color=ink.band).encode(
            y=alt.Y("on_time_rate_low:Q", scale=scale, axis=y_axis), y2="on_time_rate_high:Q"
        ),
        base.mark_line(color=ink.strong, strokeWidth=2).encode(y=alt.Y("on_time_rate:Q", scale=scale)),
        base.mark_point(size=38, opacity=1, strokeWidth=1.5).encode(
            y=alt.Y("on_time_rate:Q", scale=scale),
            stroke=alt.condition("datum.sample == 'enough'", alt.value(ink.strong), alt.value(ink.faint)),
            fill=alt.condition("datum.sample == 'enough'", alt.value(ink.strong), alt.value("transparent")),
        ),
    ]
    return _dressed(alt.layer(*layers), height=height)


def timeline(rows: pl.DataFrame) -> Chart:
    """An order's events (`at`, `kind`, `what`), a lane for each kind."""
    ink = palette()
    kinds = [kind for kind in ("Order", "Promise", "Parcel", "Notice", "Ticket", "Return") if kind in set(rows["kind"])]
    drawn = rows.with_columns(pl.col("at").dt.replace_time_zone(None).dt.to_string("%Y-%m-%dT%H:%M:%S"))
    base = alt.Chart(drawn).encode(
        x=alt.X("at:T", title=None, axis=alt.Axis(format="%-d %b", labelColor=ink.text, tickCount=8, grid=True)),
        y=alt.Y(
            "kind:N",
            sort=kinds,
            title=None,
            axis=alt.Axis(labelFontSize=14, labelColor=ink.text, ticks=False, domain=False),
        ),
        tooltip=[
            alt.Tooltip("at:T", title="when", format="%-d %b %Y, %H:%M"),
            alt.Tooltip("what:N"),
            alt.Tooltip("where:N"),
        ],
    )
    layers = [
        base.mark_line(color=ink.faint, strokeWidth=1).encode(detail="kind:N"),
        base.mark_point(size=90, filled=True, opacity=1, color=ink.strong),
    ]
    return _dressed(alt.layer(*layers), height=ROW_HEIGHT * len(kinds) + 40)


def common_floor(rows: pl.DataFrame) -> float:
    """Where the axis of several charts of these rows begins, so that they can be compared."""
    return _floor(rows)


_DRAWN: Final = ["label", "sample", "on_time_rate", "on_time_rate_low", "on_time_rate_high", "due", "on_time", "said"]


def _every_week(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows by week, those without any parcel put in as gaps."""
    weeks = rows.select(pl.date_range(pl.col("week").min(), pl.col("week").max(), "1w").alias("week"))
    return weeks.join(rows.select("week", *_DRAWN[1:-1]), on="week", how="left").with_columns(
        pl.col("week").cast(pl.String)
    )


def _said() -> pl.Expr:
    def sentence(row: dict[str, float | int | str | None]) -> str:
        if row["sample"] == "too few":
            return f"too few: {row['due']:,} due"
        return f"{words.percent(_rate(row['on_time_rate']))}  ({row['on_time']:,} of {row['due']:,})"

    fields = pl.struct("sample", "on_time_rate", "due", "on_time")
    return fields.map_elements(sentence, return_dtype=pl.String)


def _rate(value: float | int | str | None) -> float | None:
    return value if isinstance(value, float) else None


def _tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("label:N", title=" "),
        alt.Tooltip("on_time_rate:Q", title="on time", format=".1%"),
        alt.Tooltip("on_time_rate_low:Q", title="95 % interval from", format=".1%"),
        alt.Tooltip("on_time_rate_high:Q", title="to", format=".1%"),
        alt.Tooltip("due:Q", format=","),
        alt.Tooltip("on_time:Q", title="met their date", format=","),
        alt.Tooltip("sample:N"),
    ]


def _floor(rows: pl.DataFrame) -> float:
    """The axis begins at the last multiple of 5 % (10 % for wide spreads) below every interval."""
    lowest = rows["on_time_rate_low"].min()
    if not isinstance(lowest, float):
        return 0.5
    step = 10 if lowest < 0.5 else 5
    return max(0, int(lowest * 100) // step * step) / 100


def _step(floor: float) -> int:
    span = round((1 - floor) * 100)
    return 5 if span <= 30 else 10 if span <= 60 else 20


def _dressed(chart: alt.LayerChart | alt.FacetChart, height: int) -> Chart:
    dressed: Chart = chart.properties(height=height, width="container").configure_view(strokeWidth=0)
    return dressed
