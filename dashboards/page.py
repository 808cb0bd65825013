"""The parts that every page is made of: the line of freshness, tables that can be taken along, and empty states."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from typing import Any, Final

import polars as pl
import streamlit as st

from dashboards import data, words
from dashboards.publication import Publication

LATE_AFTER: Final = timedelta(hours=36)  # a nightly refresh has surely been missed


def freshness_line(current: Publication) -> None:
    """What the figures stand for, how old they are, and what to do when they are too old."""
    stale = data.ask("freshness", as_of=current.as_of).rows.filter(pl.col("state") == "stale")
    sources = stale["source"].n_unique()
    as_of = words.clock_time(current.local(current.as_of))
    zone = words.plain(current.settings.get("time_zone", "UTC"))
    st.caption(f"Data as of **{as_of}** ({zone}), published {words.ago(current.age)}.")
    if current.age > LATE_AFTER:
        st.warning(
            f"These figures were published {words.ago(current.age)}; a refresh has been missed. "
            "Run `wherehouse refresh` and look at Data health if it fails.",
            icon=":material/schedule:",
        )
    elif sources:
        names = ", ".join(words.plain(name) for name in stale["source"].unique().sort().to_list()[:5])
        behind, rest = ("source is", "it") if sources == 1 else ("sources are", "them")
        st.warning(
            f"{sources} {behind} behind ({names}): what rests on {rest} may be incomplete. See Data health.",
            icon=":material/schedule:",
        )


@contextmanager
def section(title: str, definition: str = "") -> Iterator[None]:
    """A part of a page under its heading. What an older file lacks is said in its place; the rest is drawn."""
    if title:
        st.subheader(title, help=words.define(definition) if definition else None)
    try:
        yield
    except data.LacksError as lacking:
        st.info(lacking.in_part, icon=":material/hourglass_empty:")


def table(
    answer: data.Answer,
    columns: dict[str, Column],
    name: str,
    *,
    empty: str,
    blank: str = "–",
    on_select: Callable[[], None] | None = None,
) -> None:
    """A table of the answer's `columns` (name -> Column), with CSV, Parquet and SQL beside it.

    `name` keys the table and names the downloaded file; `empty` is what to say when there is no row; `blank` stands
    where a value is missing; `on_select` is called when a row is chosen (read it with `chosen_row`).
    """
    rows = answer.rows.select(list(columns)).with_columns(
        *(words.carrier_name(name) for name in columns if name.endswith("carrier"))
    )
    if rows.is_empty():
        st.info(empty)
        return
    rates = [name for name in rows.columns if name.endswith(("_rate", "_rate_low", "_rate_high"))]
    choice: dict[str, Any] = {"on_select": on_select, "selection_mode": "single-row"} if on_select else {}
    st.dataframe(
        rows.with_columns(pl.col(rates) * 100),
        column_config={name: column.config() for name, column in columns.items()},
        hide_index=True,
        placeholder=blank,
        key=f"table_{name}",
        height="content" if len(rows) <= 16 else 520,
        **choice,
    )
    take_along(rows.drop("drawn", strict=False), answer.sql, name)


def whole(answer: data.Answer, name: str, *, empty: str) -> None:
    """A table of all the answer's columns, headed by their names in words, their definitions on hover."""
    kinds = {pl.Date: day, pl.Float64: lambda label, meaning: number(label, meaning, "%.3g")}
    columns = {
        column: kinds.get(kind.base_type(), text if kind == pl.String else tick if kind == pl.Boolean else number)(
            column.replace("_", " ").capitalize(), column
        )
        for column, kind in answer.rows.schema.items()
        if column not in ("shop", "source") and not kind.is_nested()
    }
    rates = [name for name in columns if name.endswith(("_rate", "_rate_low", "_rate_high"))]
    columns |= {rate: share(rate.replace("_", " ").capitalize(), rate) for rate in rates}
    moments = {column for column, kind in answer.rows.schema.items() if isinstance(kind, pl.Datetime)}
    columns |= {column: moment(f"{columns[column].label} (UTC)", column) for column in columns if column in moments}
    table(answer, columns, name, empty=empty)


def chosen_row(name: str) -> int | None:
    """The row selected in the table of that name, if any."""
    selected = st.session_state.get(f"table_{name}", {}).get("selection", {}).get("rows", [])
    return selected[0] if selected else None


def predictions_are_off() -> None:
    """What to do where the shop does not predict."""
    st.info(
        "Predictions are off. Set `enabled = true` under `[predictions]` in the settings, run `wherehouse train`, "
        "and refresh.",
        icon=":material/info:",
    )


def take_along(rows: pl.DataFrame, sql: str, name: str) -> None:
    """CSV and Parquet of the rows shown, and the SQL that gives them."""
    with st.container(horizontal=True, key=f"take_{name}"):
        st.download_button(
            "CSV", rows.write_csv().encode(), f"{name}.csv", "text/csv", key=f"csv_{name}", type="tertiary"
        )
        st.download_button("Parquet", lambda: _parquet(rows), f"{name}.parquet", key=f"parquet_{name}", type="tertiary")
        with st.popover("Copy the SQL", type="tertiary"):
            st.caption("Runs on the published file: `duckdb -readonly data/published/current.duckdb`")
            st.code(sql, language="sql", height=400)


def local_times(answer: data.Answer, current: Publication, *names: str) -> data.Answer:
    """The answer with those UTC columns turned into times of the shop's zone."""
    zone = str(current.zone)
    shown = [
        pl.col(name).cast(pl.Datetime("us")).dt.replace_time_zone("UTC").dt.convert_time_zone(zone) for name in names
    ]
    return data.Answer(answer.rows.with_columns(shown), answer.sql)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, its kind and what its definition is called in the dictionary."""

    kind: Callable[..., Any]
    label: str
    definition: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def config(self) -> Any:
        """What Streamlit draws, the definition on hover looked up in the file published right now."""
        return self.kind(self.label, help=words.define(self.definition) if self.definition else None, **self.options)


def number(label: str, definition: str = "", form: str = "localized") -> Column:
    """A column of numbers."""
    return Column(st.column_config.NumberColumn, label, definition, {"format": form})


def share(label: str, definition: str) -> Column:
    """A column of rates; its name ends in _rate, _rate_low or _rate_high."""
    return Column(st.column_config.NumberColumn, label, definition, {"format": "%.1f%%"})


def percent(label: str, definition: str = "") -> Column:
    """A column of figures that are percents already."""
    return Column(st.column_config.NumberColumn, label, definition, {"format": "%.0f%%"})


def text(label: str, definition: str = "", width: Any = None) -> Column:
    """A column of text."""
    return Column(st.column_config.TextColumn, label, definition, {"width": width})


def tick(label: str, definition: str = "") -> Column:
    """A column of yes and no."""
    return Column(st.column_config.CheckboxColumn, label, definition)


def picture(label: str) -> Column:
    """A column of small drawings; each has its figures in other columns."""
    return Column(st.column_config.ImageColumn, label, "", {"width": "medium"})


def moment(label: str, definition: str = "") -> Column:
    """A column of times, in the shop's zone."""
    return Column(st.column_config.DatetimeColumn, label, definition, {"format": "D MMM YYYY, HH:mm"})


def day(label: str, definition: str = "") -> Column:
    """A column of calendar days."""
    return Column(st.column_config.DateColumn, label, definition, {"format": "D MMM YYYY"})


def _parquet(rows: pl.DataFrame) -> bytes:
    buffer = BytesIO()
    rows.write_parquet(buffer)
    return buffer.getvalue()
