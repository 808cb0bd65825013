"""Filters: the widgets, and the scope they add up to.

Each is kept in the URL under its key, so that a view can be sent to a colleague.

A value in the URL that is not among the options is ignored by the widget: only values read from the published file, or
written here, reach a query, and they reach it bound.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import polars as pl
import streamlit as st

from dashboards import data, words
from dashboards.publication import WEEK, Publication

CLOCKS: Final = ["Promise", "Commitment"]
SPANS: Final = ["1", "2", "4", "8", "13", "26", "52"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which parcels a page speaks of, and by which clock."""

    clock: str
    first_week: date
    last_week: date
    carriers: tuple[str, ...]
    services: tuple[str, ...]
    lanes: tuple[str, ...]

    @property
    def last_day(self) -> date:
        """The Sunday on which the period ends."""
        return self.last_week + timedelta(days=6)

    def values(self) -> dict[str, data.Value]:
        """The names that scorecard.sql binds."""
        return {
            "clock": self.clock,
            "first_week": self.first_week,
            "last_week": self.last_week,
            "carriers": list(self.carriers),
            "services": list(self.services),
            "lanes": list(self.lanes),
        }


def scorecard_scope(publication: Publication) -> Scope | None:
    """Draw the filters and say what was chosen; None when no complete week holds a parcel yet."""
    known = data.ask("scorecard_values", last_complete_week=publication.last_complete_week).rows
    weeks = options(known, "week", reverse=True)
    if not weeks:
        return None
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        clock = switch("Clock", CLOCKS, "clock", "clock")
        span = int(one_of("Weeks", SPANS, "weeks", 100, "weeks", index=2))
        last = one_of("Last week", weeks, "until", 160, "until")
        carriers = some_of("Carriers", options(known, "carrier"), "carrier", "carrier", words.carrier)
        services = some_of("Services", options(known, "service"), "service", "service")
        lanes = some_of("Lanes", options(known, "lane"), "lane", "lane")
    last_week = date.fromisoformat(last)
    first_week = last_week - (span - 1) * WEEK
    return Scope(clock, first_week, last_week, carriers, services, lanes)


def weeks(publication: Publication) -> tuple[date, date]:
    """The first and last Monday of a period that ends with a complete week; for pages without carriers."""
    mondays = [(publication.last_complete_week - number * WEEK).isoformat() for number in range(104)]
    span = int(one_of("Weeks", SPANS, "weeks", 100, "period_weeks", index=2))
    last = date.fromisoformat(one_of("Last week", mondays, "until", 160, "until"))
    return last - (span - 1) * WEEK, last


def lane_scope(publication: Publication) -> Scope | None:
    """Weeks and lanes; None when no complete week holds a parcel yet."""
    known = data.ask("scorecard_values", last_complete_week=publication.last_complete_week).rows
    if not options(known, "week"):
        return None
    with st.container(horizontal=True, vertical_alignment="bottom", key="filters"):
        first_week, last_week = weeks(publication)
        lanes = some_of("Lanes", options(known, "lane"), "lane", "lane")
    return Scope(CLOCKS[0], first_week, last_week, (), (), lanes)


def switch(label: str, options: list[str], key: str, definition: str = "") -> str:
    """One of a few, all in sight; the first is the default."""
    chosen = st.segmented_control(
        label,
        options,
        default=options[0],
        required=True,
        key=key,
        bind="query-params",
        persist_state="session",
        help=words.define(definition) if definition else None,
        width="content",
    )
    return chosen or options[0]


def one_of(label: str, options: list[str], key: str, width: int, definition: str = "", index: int = 0) -> str:
    """One of many, in a list."""
    return st.selectbox(
        label,
        options,
        index=index,
        key=key,
        bind="query-params",
        persist_state="session",
        help=words.define(definition) if definition else None,
        width=width,
    )


def some_of(
    label: str, options: list[str], key: str, definition: str = "", named: Callable[[str], str] = str
) -> tuple[str, ...]:
    """Any number of many, each shown as `named`; none means all."""
    chosen = st.multiselect(
        label,
        options,
        key=key,
        format_func=named,
        bind="query-params",
        persist_state="session",
        placeholder="All",
        help=words.define(definition) if definition else None,
        width=220,
    )
    return tuple(chosen)


def options(known: pl.DataFrame, name: str, reverse: bool = False) -> list[str]:
    """The values that a filter of that name may take."""
    return sorted(known.filter(pl.col("filter") == name)["value"].drop_nulls().to_list(), reverse=reverse)
