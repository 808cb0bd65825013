"""Times, offsets and amounts as text, for whole columns at once."""

from __future__ import annotations

from functools import cache

import polars as pl


@cache
def _clock() -> pl.Series:
    """Every second of a day as THH:MM:SS."""
    return pl.select(
        pl.concat_str(
            pl.lit("T"),
            pl.int_range(86_400).floordiv(3600).cast(pl.String).str.zfill(2),
            pl.lit(":"),
            (pl.int_range(86_400) % 3600).floordiv(60).cast(pl.String).str.zfill(2),
            pl.lit(":"),
            (pl.int_range(86_400) % 60).cast(pl.String).str.zfill(2),
        ).alias("clock")
    ).to_series()


def iso(times: pl.Series, suffix: str | pl.Series = "Z") -> pl.Series:
    """ISO 8601 text of times to the second; null stays null. Much faster than formatting each."""
    seconds = times.cast(pl.Int64) // 1_000_000
    day = seconds // 86_400
    first = int(day.min() or 0)  # type: ignore[arg-type]
    last = int(day.max() or 0)  # type: ignore[arg-type]
    days = pl.int_range(first, last + 1, eager=True).cast(pl.Int32).cast(pl.Date).cast(pl.String)
    text = pl.DataFrame(
        {
            "day": days.gather((day - first).cast(pl.UInt32)),
            "clock": _clock().gather((seconds % 86_400).cast(pl.UInt32)),
            "suffix": suffix if isinstance(suffix, pl.Series) else pl.Series([suffix]).new_from_index(0, len(times)),
        }
    )
    return text.select(pl.concat_str("day", "clock", "suffix")).to_series().rename(times.name)


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
