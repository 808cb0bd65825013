"""Times, offsets and amounts as text, for whole columns at once."""

from __future__ import annotations

from functools import cache

import polars as pl


@cache
def _clock(end: str) -> pl.Series:
    """Every second of a day as THH:MM:SS and `end`."""
    second = pl.int_range(86_400)
    parts = [part.cast(pl.String).str.zfill(2) for part in (second // 3600, second // 60 % 60, second % 60)]
    return pl.select(pl.lit("T") + pl.concat_str(*parts, separator=":") + pl.lit(end)).to_series()


def iso(times: pl.Series, suffix: str | pl.Series = "Z") -> pl.Series:
    """ISO 8601 text of times to the second; null stays null. Much faster than formatting each."""
    seconds = times.to_physical() // 1_000_000
    day = seconds // 86_400
    first, last = int(day.min() or 0), int(day.max() or 0)  # type: ignore[arg-type]
    days = pl.int_range(first, last + 1, dtype=pl.Int32, eager=True).cast(pl.Date).cast(pl.String)
    clock = _clock(suffix if isinstance(suffix, str) else "").gather(seconds - day * 86_400)
    text = days.gather(day - first) + clock
    return (text if isinstance(suffix, str) else text + suffix).rename(times.name)


def money(cents: pl.Series) -> pl.Series:
    """Amounts as text with two decimals; not for negative ones."""
    frame = cents.to_frame("c")
    return frame.select(
        pl.concat_str(pl.col("c") // 100, pl.lit("."), (pl.col("c") % 100).cast(pl.String).str.zfill(2))
    ).to_series()


def offset(minutes: pl.Series) -> pl.Series:
    """-300 becomes -05:00."""
    wide = pl.col("m").abs()
    return (
        minutes.to_frame("m")
        .select(
            pl.concat_str(
                pl.when(pl.col("m") < 0).then(pl.lit("-")).otherwise(pl.lit("+")),
                (wide // 60).cast(pl.String).str.zfill(2),
                pl.lit(":"),
                (wide % 60).cast(pl.String).str.zfill(2),
            )
        )
        .to_series()
    )
