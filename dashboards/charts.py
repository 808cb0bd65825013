"""Altair charts of rates with their intervals, in colours that hold in light and dark and for colour-blind readers.

What lives here: marks, colours, sizes. What does not: which rows are drawn and what the numbers are (`queries`).
Nothing is told by colour alone: a small sample is a hollow point, one too small for a rate is written out.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import altair as alt
import polars as pl
import streamlit as st
from altair.utils.schemapi import disable_debug_mode

from dashboards import words

ROW_HEIGHT: Final = 30
ENOUGH: Final = "datum.sample == 'enough'"
_FONT: Final = '"Source Sans", sans-serif'


# Holding every part of a chart against Vega-Lite's schema takes longer than all else on a page; tests do it.
disable_debug_mode()


class Chart(alt.LayerChart):
    """Layers that trust themselves to be valid."""

    def to_dict(self, validate: bool = False, **how: Any) -> dict[str, Any]:
        """The chart as Vega-Lite."""
        spec: dict[str, Any] = super().to_dict(validate=False, **how)
        return spec


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one theme; each stands out from its background at 3:1, text at 4.5:1."""

    strong: str
    faint: str
    text: str
    band: str
    shade: str


LIGHT: Final = Palette(strong="#0b62a4", faint="#7b8190", text="#31333f", band="#0b62a4", shade="#c3c8d2")
DARK: Final = Palette(strong="#6db3f2", faint="#9aa0ad", text="#fafafa", band="#6db3f2", shade="#4a505c")


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
            x=alt.X("on_time_rate_low:Q", scale=scale, axis=axis),
            x2=alt.X2("on_time_rate_high:Q"),
            color=_either(alt.ColorValue, ENOUGH, ink.strong, ink.faint),
        ),
        base.mark_point(size=95, opacity=1, strokeWidth=2).encode(
            x=alt.X("on_time_rate:Q", scale=scale),
            stroke=_either(alt.StrokeValue, ENOUGH, ink.strong, ink.faint),
            fill=_either(alt.FillValue, ENOUGH, ink.strong, "transparent"),
        ),
        base.mark_text(align="left", fontSize=13, font=_FONT).encode(
            x=alt.XDatum(1 + (1 - floor) * 0.03, scale=scale),
            text=alt.Text("said:N"),
            color=_either(alt.ColorValue, ENOUGH, ink.text, ink.faint),
        ),
    ]
    if overall is not None:
        rule = alt.Chart(pl.DataFrame({"overall": [overall]})).mark_rule(strokeDash=[4, 4], color=ink.faint)
        layers.insert(0, rule.encode(x=alt.X("overall:Q", scale=scale)))
    return _layers(*layers, height=ROW_HEIGHT * len(drawn) + 40)


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
            y=alt.Y("on_time_rate_low:Q", scale=scale, axis=y_axis), y2=alt.Y2("on_time_rate_high:Q")
        ),
        base.mark_line(color=ink.strong, strokeWidth=2).encode(y=alt.Y("on_time_rate:Q", scale=scale)),
        base.mark_point(size=38, opacity=1, strokeWidth=1.5).encode(
            y=alt.Y("on_time_rate:Q", scale=scale),
            stroke=_either(alt.StrokeValue, ENOUGH, ink.strong, ink.faint),
            fill=_either(alt.FillValue, ENOUGH, ink.strong, "transparent"),
        ),
    ]
    return _layers(*layers, height=height)


def weekly_lines(rows: pl.DataFrame, lines: dict[str, str], form: str) -> Chart:
    """Columns of `rows` by `week`, each a line of the name that `lines` gives it, told apart by dashes as well."""
    ink = palette()
    names = list(lines.values())
    long = rows.unpivot(list(lines), index="week", variable_name="line", value_name="value").with_columns(
        pl.col("line").replace(lines), pl.col("week").cast(pl.String)
    )
    base = alt.Chart(long).encode(
        x=alt.X(
            "week:O",
            title=None,
            axis=alt.Axis(labelExpr="utcFormat(toDate(datum.value), '%-d %b')", labelAngle=0, labelColor=ink.text),
        ),
        y=alt.Y("value:Q", axis=alt.Axis(format=form, title=None, tickCount=4, labelColor=ink.text)),
        color=alt.Color(
            "line:N",
            scale=alt.Scale(domain=names, range=[ink.strong, ink.faint]),
            legend=alt.Legend(title=None, orient="top", labelColor=ink.text, labelFontSize=13),
        ),
        tooltip=[alt.Tooltip("line:N"), alt.Tooltip("week:O", title="week of"), alt.Tooltip("value:Q", format=form)],
    )
    layers = [
        base.mark_line(strokeWidth=2).encode(
            strokeDash=alt.StrokeDash("line:N", scale=alt.Scale(domain=names, range=_DASHES[:2]), legend=None)
        ),
        base.mark_point(size=50, filled=True, opacity=1),
    ]
    return _layers(*layers, height=200)


def timeline(rows: pl.DataFrame) -> Chart:
    """An order's events (`at`, `kind`, `what`), a lane for each kind."""
    ink = palette()
    kinds = [
        kind
        for kind in ("Order", "Promise", "Parcel", "Forecast", "Notice", "Ticket", "Return")
        if kind in set(rows["kind"])
    ]
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
        base.mark_line(color=ink.faint, strokeWidth=1).encode(detail=alt.Detail("kind:N")),
        base.mark_point(size=90, filled=True, opacity=1, color=ink.strong),
    ]
    return _layers(*layers, height=ROW_HEIGHT * len(kinds) + 40)


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


def _layers(*layers: alt.Chart, height: int, width: int | str = "container") -> Chart:
    config = alt.Config(view=alt.ViewConfig(strokeWidth=0))
    return Chart(layer=list(layers), height=height, width=width, config=config)


def _either(channel: Any, test: str, then: str, otherwise: str) -> Any:
    """One of two colours for each mark. As alt.condition, which looks up what it is by hashing schemas."""
    return channel(otherwise, condition={"test": test, "value": then})


# Okabe and Ito's colours, darkened or lightened to 3:1 on either ground; a carrier keeps its own on every page
_CARRIERS_LIGHT: Final = ["#0b62a4", "#b34700", "#00795a", "#a8326e", "#7a5c00", "#4b3fa7", "#5c6370", "#007a8a"]
_CARRIERS_DARK: Final = ["#6db3f2", "#f0964a", "#3fc79b", "#ee85b5", "#e3c040", "#a99bf5", "#b3b9c6", "#4fd0e0"]
_DASHES: Final = [[1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [1, 0], [6, 3], [2, 2], [8, 3, 2, 3]]


def in_cells(rows: pl.DataFrame, rate: str) -> pl.DataFrame:
    """The rows with `drawn`: a small picture of the rate and its interval, all on one axis."""
    known = [value for name in (rate, f"{rate}_low", f"{rate}_high") for value in rows[name].drop_nulls()] or [0.5, 1]
    floor = max(0.0, int(min(known) * 20 - 0.5) / 20)
    top = min(1.0, int(max(known) * 20 + 1.5) / 20)
    return rows.with_columns(
        pl.struct(rate, f"{rate}_low", f"{rate}_high")
        .map_elements(
            lambda row: _cell(row[rate], row[f"{rate}_low"], row[f"{rate}_high"], floor, top),
            return_dtype=pl.String,
        )
        .alias("drawn")
    )


def _cell(rate: float | None, low: float | None, high: float | None, floor: float, top: float) -> str | None:
    if rate is None:
        return None
    ink = palette()

    def at(value: float) -> float:
        return 8 + 184 * (value - floor) / (top - floor)

    bar = ""
    if low is not None and high is not None:
        bar = (
            f'<line x1="{at(low):.1f}" x2="{at(high):.1f}" y1="15" y2="15" '
            f'stroke="{ink.band}" stroke-width="6" stroke-opacity=".5"/>'
        )
    return _image(
        f'<line x1="8" x2="192" y1="15" y2="15" stroke="{ink.faint}" stroke-opacity=".4"/>{bar}'
        f'<circle cx="{at(rate):.1f}" cy="15" r="5" fill="{ink.strong}"/>'
    )


def dates_in_cells(rows: pl.DataFrame, today: date) -> pl.DataFrame:
    """The rows with `drawn`: p10 to p90, p50 and the promised date of each on one axis, from today for three weeks."""
    shown = pl.struct("p10_date", "p50_date", "p90_date", "promised_date")
    return rows.with_columns(
        shown.map_elements(lambda row: _dates_cell(row, today), return_dtype=pl.String).alias("drawn")
    )


def _dates_cell(row: dict[str, date | None], today: date) -> str | None:
    first, middle, last, promised = (row[name] for name in ("p10_date", "p50_date", "p90_date", "promised_date"))
    if middle is None and first is None:
        return None
    ink = palette()

    def at(day: date) -> float:
        return 8 + 184 * min(max((day - today).days + 1, 0), 21) / 21

    marks = [f'<line x1="8" x2="192" y1="15" y2="15" stroke="{ink.faint}" stroke-opacity=".4"/>']
    if first is not None:
        end = at(last) if last is not None else 192.0
        marks.append(
            f'<line x1="{at(first):.1f}" x2="{end:.1f}" y1="15" y2="15" stroke="{ink.band}" stroke-width="6" '
            'stroke-opacity=".5"/>'
        )
    if middle is not None:
        marks.append(f'<circle cx="{at(middle):.1f}" cy="15" r="5" fill="{ink.strong}"/>')
    if promised is not None:
        x = at(promised)
        marks.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="4" y2="26" stroke="{ink.text}" stroke-width="2"/>')
    return _image("".join(marks))


def _image(marks: str) -> str:
    picture = f'<svg xmlns="http://www.w3.org/2000/svg" width="200" height="30">{marks}</svg>'
    return "data:image/svg+xml;base64," + b64encode(picture.encode()).decode()


def funnel(rows: pl.DataFrame) -> Chart:
    """Rate over size for each unit, with the limits of what chance explains; those outside are filled and named."""
    ink = palette()
    outside = "datum.verdict != 'within chance'"
    scale = alt.Scale(type="log", nice=False)
    y = alt.Scale(domain=[max(0.0, rows["on_time_rate"].min() - 0.05), 1], zero=False, nice=False)
    named = rows.with_columns((pl.col("carrier") + " " + pl.col("lane")).alias("label"))
    base = alt.Chart(named).encode(
        x=alt.X("due:Q", scale=scale, title="parcels due", axis=alt.Axis(format="~s", grid=False))
    )
    axis = alt.Axis(format=".0%", title=None, labelColor=ink.text)
    limits = [
        base.mark_line(clip=True, color=ink.faint, strokeDash=dash, strokeWidth=1).encode(
            y=alt.Y(f"{name}:Q", scale=y, axis=axis)
        )
        for name, dash in (
            ("funnel_low_95", [4, 3]),
            ("funnel_high_95", [4, 3]),
            ("funnel_low_998", [1, 0]),
            ("funnel_high_998", [1, 0]),
        )
    ]
    points = base.mark_point(size=45, opacity=0.9).encode(
        y=alt.Y("on_time_rate:Q", scale=y),
        stroke=_either(alt.StrokeValue, outside, ink.strong, ink.faint),
        fill=_either(alt.FillValue, outside, ink.strong, "transparent"),
        tooltip=[
            alt.Tooltip("label:N", title=" "),
            alt.Tooltip("on_time_rate:Q", title="on time", format=".1%"),
            alt.Tooltip("due:Q", format=","),
            alt.Tooltip("verdict:N"),
        ],
    )
    worst = named.filter(pl.col("verdict") == "worse than chance explains").sort("on_time_rate").head(3)
    labels = (
        alt.Chart(worst)
        .mark_text(align="left", dx=8, color=ink.text, fontSize=12)
        .encode(x=alt.X("due:Q", scale=scale), y=alt.Y("on_time_rate:Q", scale=y), text=alt.Text("label:N"))
    )
    return _layers(*limits, points, labels, height=320)


def curves(rows: pl.DataFrame) -> Chart:
    """Share delivered over days since the first scan, a line a carrier, named at its end."""
    ink = palette()
    names = sorted(set(rows["carrier"]))
    drawn = rows.with_columns((pl.col("hours") / 24).alias("days")).filter(pl.col("days") <= 14)
    x, y = alt.Scale(domain=[0, 15.5], nice=False), alt.Scale(domain=[0, 1])
    colour = alt.Color(
        "carrier:N",
        scale=alt.Scale(domain=names, range=_carrier_range(len(names))),
        legend=alt.Legend(title=None, orient="top", labelColor=ink.text, labelFontSize=13),
    )
    base = alt.Chart(drawn).encode(
        x=alt.X(
            "days:Q",
            scale=x,
            title="days since the first scan",
            axis=alt.Axis(values=list(range(0, 15, 2)), grid=False),
        ),
        y=alt.Y("delivered_share:Q", scale=y, axis=alt.Axis(format=".0%", title=None, labelColor=ink.text)),
        color=colour,
    )
    line = base.mark_line(strokeWidth=2, interpolate="step-after").encode(
        strokeDash=alt.StrokeDash(
            "carrier:N", scale=alt.Scale(domain=names, range=_DASHES[: len(names)] or _DASHES), legend=None
        )
    )
    points = base.mark_point(size=60, opacity=0).encode(
        tooltip=[
            alt.Tooltip("carrier:N"),
            alt.Tooltip("days:Q", format=".1f"),
            alt.Tooltip("delivered_share:Q", title="delivered", format=".1%"),
            alt.Tooltip("under_observation:Q", title="still observed", format=","),
        ]
    )
    return _layers(line, points, height=320)


def heat(rows: pl.DataFrame, x: str, y: str, rate: str, said: str) -> Chart:
    """A grid of rates, written in each cell; darker is lower. Cells with too few parcels stay empty."""
    ink = palette()
    known = rows.filter(pl.col(rate).is_not_null())
    dark = st.context.theme.type == "dark"
    low, high = ("#f0964a", "#1e2a38") if dark else ("#b34700", "#f3f5f9")
    base = alt.Chart(known).encode(
        x=alt.X(
            f"{x}:N",
            title=None,
            axis=alt.Axis(orient="top", labelAngle=0, labelColor=ink.text, ticks=False, domain=False),
        ),
        y=alt.Y(f"{y}:N", title=None, axis=alt.Axis(labelColor=ink.text, ticks=False, domain=False, labelLimit=160)),
        tooltip=[
            alt.Tooltip(f"{y}:N", title=" "),
            alt.Tooltip(f"{x}:N", title="to"),
            alt.Tooltip(f"{rate}:Q", title=said, format=".1%"),
            alt.Tooltip("due:Q", format=","),
        ],
    )
    bottom = known[rate].min() if len(known) else 0.5
    middle = _written_over(bottom or 0)
    cells = base.mark_rect(cornerRadius=2).encode(
        color=alt.Color(
            f"{rate}:Q", scale=alt.Scale(domain=[bottom, 1], range=[low, high], interpolate="rgb"), legend=None
        )
    )
    text = base.mark_text(fontSize=11).encode(
        text=alt.Text(f"{rate}:Q", format=".0%"),
        color=_either(alt.ColorValue, f"datum.{rate} < {middle}", "#000000" if dark else "#ffffff", ink.text),
    )
    return _layers(cells, text, height=24 * len(set(rows[y])) + 40)


def _written_over(bottom: float) -> float:
    """Rates below this stand on a colour so strong that the usual text would not be read on it."""
    return bottom + 0.3 * (1 - bottom)


def bars(rows: pl.DataFrame, label: str, value: str, said: str, form: str = ",") -> Chart:
    """Horizontal bars, in the order given, each with its figure written at its end."""
    ink = palette()
    most = max(rows[value].max() or 0, 1e-9)
    base = alt.Chart(rows).encode(
        y=alt.Y(
            f"{label}:N",
            sort=rows[label].to_list(),
            title=None,
            axis=alt.Axis(labelFontSize=14, labelColor=ink.text, ticks=False, domain=False, labelLimit=260),
        ),
        x=alt.X(f"{value}:Q", scale=alt.Scale(domain=[0, most * 1.25], nice=False), axis=None),
        tooltip=[alt.Tooltip(f"{label}:N", title=" "), alt.Tooltip(f"{value}:Q", title=said, format=form)],
    )
    layers = [
        base.mark_bar(color=ink.strong, height=16),
        base.mark_text(align="left", dx=6, color=ink.text, fontSize=13).encode(
            text=alt.Text(f"{value}:Q", format=form)
        ),
    ]
    return _layers(*layers, height=ROW_HEIGHT * len(rows) + 10)


def columns(rows: pl.DataFrame, x: str, y: str, said: str) -> Chart:
    """Upright bars over whole numbers."""
    ink = palette()
    base = alt.Chart(rows).encode(
        x=alt.X(f"{x}:O", title=said, axis=alt.Axis(labelAngle=0, labelColor=ink.text, ticks=False))
    )
    layers = [
        base.mark_bar(color=ink.strong).encode(
            y=alt.Y(f"{y}:Q", axis=None), tooltip=[alt.Tooltip(f"{x}:O", title=said), alt.Tooltip(f"{y}:Q", format=",")]
        ),
        base.mark_text(dy=-8, color=ink.text).encode(y=alt.Y(f"{y}:Q"), text=alt.Text(f"{y}:Q", format=",")),
    ]
    return _layers(*layers, height=220)


def _carrier_range(number: int) -> list[str]:
    colours = _CARRIERS_DARK if st.context.theme.type == "dark" else _CARRIERS_LIGHT
    return [colours[i % len(colours)] for i in range(number)]


def tile_map(rows: pl.DataFrame, places: dict[str, tuple[int, int]]) -> Chart:
    """A map of equal tiles: region, rate, darker is lower. `rows`: region, due, on_time_rate (null: too few)."""
    ink = palette()
    dark = st.context.theme.type == "dark"
    low, high = ("#f0964a", "#1e2a38") if dark else ("#b34700", "#f3f5f9")
    spots = pl.DataFrame([{"region": name, "x": x, "y": y} for name, (x, y) in places.items()])
    drawn = spots.join(rows.select("region", "due", "on_time_rate"), on="region", how="left").with_columns(
        pl.col("on_time_rate")
        .map_elements(lambda rate: f"{rate:.0%}", return_dtype=pl.String)
        .fill_null("")
        .alias("said")
    )
    bottom = drawn["on_time_rate"].min() or 0.5
    base = alt.Chart(drawn).encode(
        x=alt.X("x:O", axis=None),
        y=alt.Y("y:O", axis=None),
        tooltip=[
            alt.Tooltip("region:N"),
            alt.Tooltip("on_time_rate:Q", title="on time", format=".1%"),
            alt.Tooltip("due:Q", format=","),
        ],
    )
    on_dark = f"datum.on_time_rate !== null && datum.on_time_rate < {_written_over(bottom)}"
    colour = _either(alt.ColorValue, on_dark, "#000000" if dark else "#ffffff", ink.text)
    layers = [
        base.mark_rect(cornerRadius=4, stroke=ink.faint, strokeOpacity=0.4, strokeWidth=1).encode(
            color=alt.condition(
                "datum.on_time_rate === null",
                alt.value("transparent"),
                alt.Color(
                    "on_time_rate:Q",
                    scale=alt.Scale(domain=[bottom, 1], range=[low, high], interpolate="rgb"),
                    legend=None,
                ),
            )
        ),
        base.mark_text(dy=-6, fontSize=12, fontWeight="bold").encode(text=alt.Text("region:N"), color=colour),
        base.mark_text(dy=8, fontSize=11).encode(text=alt.Text("said:N"), color=colour),
    ]
    return _layers(*layers, height=46 * 8, width=58 * 11)


def mature_bars(rows: pl.DataFrame) -> Chart:
    """Return rate by order cohort with its interval; of open ones, shaded, what it may become as well."""
    ink = palette()
    base = alt.Chart(rows).encode(
        x=alt.X("cohort:O", title=None, axis=alt.Axis(labelAngle=0, labelColor=ink.text, ticks=False)),
        tooltip=[
            alt.Tooltip("cohort:O"),
            alt.Tooltip("return_rate:Q", title="returned", format=".1%"),
            alt.Tooltip("completed_return_rate:Q", title="likely in the end", format=".1%"),
            alt.Tooltip("sold_lines:Q", format=","),
            alt.Tooltip("is_mature:N", title="window closed"),
        ],
    )
    axis = alt.Axis(format=".0%", title=None, labelColor=ink.text, tickCount=4)
    layers = [
        base.mark_bar(size=46, color="transparent", stroke=ink.faint, strokeWidth=2, strokeDash=[4, 3]).encode(
            y=alt.Y("completed_return_rate:Q", axis=axis)
        ),
        base.mark_bar(size=46).encode(
            y=alt.Y("return_rate:Q"),
            color=_either(alt.ColorValue, "datum.is_mature", ink.strong, ink.shade),
        ),
        base.mark_rule(strokeWidth=2, color=ink.text).encode(y="return_rate_low:Q", y2=alt.Y2("return_rate_high:Q")),
    ]
    return _layers(*layers, height=240)
