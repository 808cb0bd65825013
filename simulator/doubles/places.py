"""Time zones of the places that scans name, and countries in three letters."""

from __future__ import annotations

from functools import cache
from typing import Final

import polars as pl

from simulator.settings import world_settings

HUB_ZONES: Final = {("US", "KY"): "America/New_York", ("US", "IN"): "America/Indiana/Indianapolis"}
THREE_LETTERS: Final = {
    "US": "USA", "CA": "CAN", "GB": "GBR", "DE": "DEU", "BR": "BRA", "ES": "ESP", "MX": "MEX",
}  # fmt: skip


@cache
def zones() -> dict[tuple[str, str], str]:
    """Zone by country and region."""
    rows = world_settings()["destinations"]["rows"]
    return HUB_ZONES | {(row[1], row[0]): row[2] for row in rows}


def local_times(scans: pl.DataFrame) -> pl.DataFrame:
    """Add `local_at` (wall time of the place; UTC where the region is not known) and `offset` in minutes.

    Named places come with their region, so a scan without a city has neither.
    """
    table = pl.DataFrame(
        [{"country": country, "region": region, "zone": zone} for (country, region), zone in zones().items()]
    )
    marked = scans.join(table, on=["country", "region"], how="left", maintain_order="left")
    parts = []
    for (zone,), part in marked.with_row_index("_place").partition_by("zone", as_dict=True).items():
        utc = pl.col("occurred_at").dt.replace_time_zone("UTC")
        local = utc.dt.convert_time_zone(str(zone or "UTC")).dt.replace_time_zone(None)
        parts.append(part.with_columns(local.alias("local_at")))
    if not parts:
        return scans.with_columns(pl.col("occurred_at").alias("local_at"), pl.lit(0).alias("offset"))
    whole = pl.concat(parts).sort("_place").drop("_place", "zone")
    minutes = (pl.col("local_at") - pl.col("occurred_at")).dt.total_minutes()
    return whole.with_columns(minutes.alias("offset"))
