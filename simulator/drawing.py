"""Small panels of lines and bars as one SVG file. Plain text, so that the same numbers give the same bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

WIDTH: Final = 440
HEIGHT: Final = 270
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 46, 44
COLOURS: Final = {"simulated": "#1f6f8b", "real": "#c8553d", "third": "#8a8d91"}


@dataclass(frozen=True, slots=True)
class Series:
    """One line, or one set of bars; `colour` is a name in COLOURS."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: str = "simulated"
    bars: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot. `labels` name the places 0, 1, 2, ... of the x axis where it has no numbers."""

    title: str
    x: str
    y: str
    series: Sequence[Series]
    labels: Sequence[str] = field(default_factory=tuple)
    percent: bool = False


def _step(span: float, count: int) -> float:
    rough = max(span / count, 1e-9)
    power = 10 ** math.floor(math.log10(rough))
    return float(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough))


def _text(x: float, y: float, text: str, anchor: str = "middle", size: int = 11, extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"{extra}>{escape(text)}</text>'


def _panel(panel: Panel, left: float, top: float) -> list[str]:
    xs = [value for series in panel.series for value in series.x]
    ys = [value for series in panel.series for value in series.y]
    if not xs:
        return []
    low, high = min(xs), max(xs)
    pad = 0.6 if any(series.bars for series in panel.series) else 0.0
    low, high = low - pad, high + pad
    step = _step(max(ys) or 1.0, 4)
    ceiling = math.ceil(max(ys) / step - 1e-9) * step or 1.0
    x0, y0 = left + LEFT, top + HEIGHT - BOTTOM
    wide, tall = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM

    def at_x(value: float) -> float:
        return x0 + (value - low) / ((high - low) or 1.0) * wide

    def at_y(value: float) -> float:
        return y0 - value / ceiling * tall

    parts = [_text(left + LEFT, top + 16, panel.title, "start", 13, ' font-weight="600"')]
    ticks = [index * step for index in range(round(ceiling / step) + 1)]
    for tick in ticks:
        parts.append(f'<line x1="{x0}" x2="{x0 + wide}" y1="{at_y(tick):.1f}" y2="{at_y(tick):.1f}" stroke="#e4e4e4"/>')
        shown = f"{100 * tick:g}%" if panel.percent else f"{tick:,g}"
        parts.append(_text(x0 - 6, at_y(tick) + 4, shown, "end"))
    if panel.labels:
        every = max(1, math.ceil(len(panel.labels) / 9))
        for place in range(0, len(panel.labels), every):
            parts.append(_text(at_x(place), y0 + 15, panel.labels[place], size=10))
    else:
        gap = _step(high - low, 6)
        first = math.ceil(low / gap) * gap
        for index in range(int((high - first) / gap) + 1):
            parts.append(_text(at_x(first + index * gap), y0 + 15, f"{first + index * gap:g}"))
    parts.append(_text(x0 + wide / 2, y0 + 33, panel.x))
    parts.append(_text(x0, top + 42, panel.y, "start", 10, ' fill="#666"'))
    for place, series in enumerate(panel.series):
        parts += _series(series, place, len(panel.series), at_x, at_y, y0)
        where = left + LEFT + 8 + place * 140
        parts.append(f'<rect x="{where}" y="{top + 23}" width="10" height="10" fill="{COLOURS[series.colour]}"/>')
        parts.append(_text(where + 14, top + 32, series.name, "start"))
    return parts


def _series(series: Series, place: int, count: int, at_x, at_y, floor: float) -> list[str]:  # type: ignore[no-untyped-def]
    colour = COLOURS[series.colour]
    if not series.bars:
        points = " ".join(f"{at_x(x):.1f},{at_y(y):.1f}" for x, y in zip(series.x, series.y, strict=True))
        return [f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points}"/>']
    wide = (at_x(1) - at_x(0)) * 0.8 / count
    return [
        f'<rect x="{at_x(x) - wide * count / 2 + place * wide:.1f}" y="{at_y(y):.1f}" width="{wide:.1f}" '
        f'height="{max(floor - at_y(y), 0):.1f}" fill="{colour}"/>'
        for x, y in zip(series.x, series.y, strict=True)
    ]


def draw(panels: Sequence[Panel], title: str, columns: int = 2) -> str:
    """The panels row by row as the text of an SVG file."""
    rows = math.ceil(len(panels) / columns)
    wide, tall = columns * WIDTH, rows * HEIGHT + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall}"'
        f' font-family="Helvetica, Arial, sans-serif" role="img" aria-label="{escape(title)}">',
        f'<rect width="{wide}" height="{tall}" fill="#ffffff"/>',
        _text(LEFT, 24, title, "start", 16, ' font-weight="700"'),
    ]
    for place, panel in enumerate(panels):
        parts += _panel(panel, (place % columns) * WIDTH, 34 + (place // columns) * HEIGHT)
    return "\n".join([*parts, "</svg>"]) + "\n"
