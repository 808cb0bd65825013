"""The world drawn beside real data, so that anyone can judge how real it is: one figure and one table."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from simulator.curves import Curves
from simulator.drawing import Panel, Series, draw
from simulator.reality import QUANTILES, Reality, read, shared_data, spread
from simulator.records.forms import label
from simulator.settings import Request
from simulator.world import World

GAP_HOURS = range(0, 97, 4)
MONTHS = tuple(calendar.month_abbr[1:])
ASSUMED = "no open data; an assumption"


def _cumulative(rates: Sequence[float]) -> tuple[list[float], list[float]]:
    mean = sum(rates) / len(rates)
    return [100 * (place + 0.5) / len(rates) for place in range(len(rates))][::4], [
        min(rate / mean, 4.0) for rate in sorted(rates)
    ][::4]


def panels(curves: Curves, real: Reality | None) -> list[Panel]:
    """Eight panels; real curves where there are any."""
    weeks = curves.world.request.days // 7
    orders = [sum(curves.orders_by_day[week * 7 : week * 7 + 7]) / 7 for week in range(weeks)]
    tickets = [100 * sum(curves.tickets_by_day[w * 7 : w * 7 + 7]) / 7 / max(orders[w], 1) for w in range(weeks)]
    marks = [label(curves.world.request.start + 7 * week)[2:7] for week in range(weeks)]
    quantile_names = [f"p{100 * q:g}" for q in QUANTILES]
    places = list(range(len(QUANTILES)))
    transit = [Series("simulated", places, curves.transit(), bars=True)]
    late = [Series("simulated", *_by_calendar(curves.late_by_month()), bars=True)]
    asked = curves.asked_by_days_past()
    asks = [Series("simulated: ticket", [x for x, _ in asked], [y for _, y in asked])]
    rates = sorted(b / n for b, n in zip(curves.back, curves.sold, strict=True))
    skus = [Series("simulated", *_cumulative(rates))] if rates else []
    if real is not None:
        transit.append(Series("Olist", places, real.transit, "real", bars=True))
        late.append(Series("Olist", *_by_calendar(real.late_by_month), "real", bars=True))
        past = real.unhappy_by_days_past
        asks.append(Series("Olist: 1-2 stars", [x for x, _ in past], [y for _, y in past], "real"))
        text = real.asks_by_days_past
        asks.append(Series("Olist: complains", [x for x, _ in text], [y for _, y in text], "third"))
        skus.append(Series("Online Retail", *_cumulative(real.return_rates), "real"))
    gaps = Series("simulated", list(GAP_HOURS), curves.gap_shares(GAP_HOURS))
    causes = curves.causes
    months = "January to December"
    return [
        Panel("Orders a day", "week", "mean of the week", [Series("simulated", list(range(weeks)), orders)], marks),
        Panel("Tickets per 100 orders", "week", "by date", [Series("simulated", list(range(weeks)), tickets)], marks),
        Panel("Transit time over the lane's median", "quantile", "ratio", transit, quantile_names),
        Panel("Late by month", months, "share of parcels (orders)", late, MONTHS, percent=True),
        Panel("Contacts by days past the promise", "delivered - promised, days", "share", asks, percent=True),
        Panel("SKUs by return rate", "percentile of SKUs", "rate over the mean", skus),
        Panel("Hours between scans", "hours", "share of gaps", [gaps], percent=True),
        Panel(
            "Returned lines by true cause",
            "",
            "lines",
            [Series("simulated", list(range(len(causes))), [n for _, n in causes], bars=True)],
            [name.split("_")[-1][:10] for name, _ in causes],
        ),
    ]


def _by_calendar(rates: Sequence[tuple[str, float]]) -> tuple[list[float], list[float]]:
    """Mean by calendar month, January at 0."""
    found = {month: [rate for name, rate in rates if int(name[5:]) == month] for month in range(1, 13)}
    some = [(month - 1, sum(values) / len(values)) for month, values in found.items() if values]
    return [float(x) for x, _ in some], [y for _, y in some]


def table(curves: Curves, real: Reality | None) -> str:
    """Simulated beside real figures as a Markdown table."""
    late = [rate for _, rate in curves.late_by_month()]
    overall = float(np.asarray(curves.parcels["late"].to_numpy(), dtype=np.float64).mean())
    gaps, latency = curves.gaps(), curves.scans["latency"].to_numpy()
    long = float((curves.scans["gap"].drop_nulls().to_numpy() > 48).mean())
    rows = [
        ("orders; parcels", f"{curves.orders:,}; {len(curves.parcels):,}", "Olist: 20,864 orders of its random core"),
        ("scans per parcel", f"{len(curves.scans) / curves.scans['parcel'].n_unique():.1f}", ASSUMED),
        ("hours between scans p50, p90, p99", ", ".join(f"{gap:.1f}" for gap in gaps), ASSUMED),
        ("gaps over 48 h", f"{long:.1%}", ASSUMED),
        ("hours, event to record p50, p99", ", ".join(f"{h:.1f}" for h in np.quantile(latency, (0.5, 0.99))), ASSUMED),
        ("tickets per 100 orders", f"{100 * curves.tickets / curves.orders:.1f}", "vendors: 7 about delivery alone"),
        ("late: all; best and worst month", f"{overall:.1%}; {min(late):.1%} to {max(late):.1%}", _real_late(real)),
        ("asked, on the promised day / 3 / 7 days past", _at(curves.asked_by_days_past()), _real_asks(real)),
        (
            "return rate by line; spread of SKUs' true rates (CV)",
            f"{sum(curves.back) / max(sum(curves.sold), 1):.1%}; {spread(curves.sold, curves.back):.2f}",
            "" if real is None else f"Online Retail (gift ware): {real.return_rate:.1%}; {real.return_spread:.2f}",
        ),
    ]  # fmt: skip
    for place, (q, ratio) in enumerate(zip(QUANTILES, curves.transit(), strict=True)):
        known = "" if real is None else f"Olist: {real.transit[place]:.2f}"
        rows.append((f"transit p{100 * q:g} over the lane's median", f"{ratio:.2f}", known))
    lines = ["| | simulated | real |", "|---|---|---|", *(f"| {a} | {b} | {c} |" for a, b, c in rows)]
    return "\n".join(lines) + "\n"


def _at(curve: Sequence[tuple[int, float]]) -> str:
    known = dict(curve)
    return " / ".join(f"{known.get(days, 0):.0%}" for days in (0, 3, 7))


def _real_late(real: Reality | None) -> str:
    if real is None:
        return ""
    monthly = [rate for _, rate in real.late_by_month]
    return f"Olist: {sum(monthly) / len(monthly):.1%}; {min(monthly):.1%} to {max(monthly):.1%}"


def _real_asks(real: Reality | None) -> str:
    if real is None:
        return ""
    stars, text = _at(real.unhappy_by_days_past), _at(real.asks_by_days_past)
    return f"Olist: one or two stars {stars}; complaining text {text}"


def describe(request: Request, folder: Path) -> list[Path]:
    """Write world.svg and world.md into the folder; returns their paths."""
    curves = Curves(World(request))
    where = shared_data()
    real = read(where) if where is not None else None
    folder.mkdir(parents=True, exist_ok=True)
    title = f"The simulated merchant: {request.days} days from {request.first_day}, seed {request.seed}"
    figure, page = folder / "world.svg", folder / "world.md"
    figure.write_text(draw(panels(curves, real), title), encoding="utf-8")
    topics = ", ".join(f"{row[0]} {row[1]:,}" for row in curves.topics.iter_rows())
    causes = ", ".join(f"{name} {count:,}" for name, count in curves.causes)
    note = "" if real is not None else "Real data not found (WHEREHOUSE_SHARED_DATA): simulated figures only.\n\n"
    page.write_text(
        f"# {title}\n\n![](world.svg)\n\n{note}{table(curves, real)}\nTickets by topic: {topics}.\n\n"
        f"Returned lines by true cause: {causes}.\n",
        encoding="utf-8",
    )
    return [figure, page]
