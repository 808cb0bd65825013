"""How figures, times and names are put into words.

What a published column means is said by the data dictionary in the file (`ops.dictionary`); what a control or a figure
of a page means stands in `definitions.toml`.
"""

from __future__ import annotations

import re
import tomllib
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path

import polars as pl

from dashboards import data

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])")


def define(name: str) -> str | None:
    """The definition shown on hover; None where the published file is too old to say."""
    return _of_pages().get(name) or data.dictionary().get(name)


def carrier(code: str | None) -> str:
    """A carrier's name where the shop's list has one, else its code."""
    return data.carriers().get(code or "", code or "unknown")


def carrier_name(column: str) -> pl.Expr:
    """A column of carriers' codes as names."""
    return pl.col(column).replace(data.carriers())


def count(number: int, one: str, many: str = "") -> str:
    """A number with its noun: '1 parcel', '1,204 parcels'."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def percent(rate: float | None) -> str:
    """A share as text, '93.1%'; 'too few' where there is none to show."""
    return "too few" if rate is None else f"{rate:.1%}"


def interval(low: float | None, high: float | None) -> str:
    """An interval of shares as text, '91.0 to 94.8%'; empty where there is none."""
    return "" if low is None or high is None else f"{low * 100:.1f} to {high:.1%}"


def ago(span: timedelta) -> str:
    """How long since, in the largest unit that says something: '3 hours ago'."""
    minutes = max(0, int(span.total_seconds() // 60))
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{count(minutes, 'minute')} ago"
    if minutes < 48 * 60:
        return f"{count(minutes // 60, 'hour')} ago"
    return f"{count(minutes // (24 * 60), 'day')} ago"


def day(moment: date | datetime) -> str:
    """A calendar day: '3 Nov 2026'."""
    return f"{moment.day} {moment:%b %Y}"


def period(first: date, last: date) -> str:
    """Two days and what lies between: '5 Oct to 1 Nov 2026'."""
    start = day(first) if first.year != last.year else f"{first.day} {first:%b}"
    return f"{start} to {day(last)}"


def clock_time(moment: datetime) -> str:
    """A day and time of day: 'Tue 3 Nov 2026, 04:00'."""
    return f"{moment:%a} {day(moment)}, {moment:%H:%M}"


def plain(text: str) -> str:
    """A name out of the data, safe inside a sentence: no markup in it comes to life."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


@cache
def _of_pages() -> dict[str, str]:
    return tomllib.loads((Path(__file__).resolve().parent / "definitions.toml").read_text(encoding="utf-8"))
