"""The simulated world's curves, for `simulator.describe`: what truly happened, not what was reported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from simulator.chance import Array
from simulator.columns import stack
from simulator.journeys import VOIDED
from simulator.parcels import FIRST, SECOND
from simulator.phrases import NUMBERED
from simulator.reality import ENOUGH, PAST, QUANTILES
from simulator.returning import RETURN_CAUSES
from simulator.settings import DAY
from simulator.stream import blocks
from simulator.world import Happenings, World

ENOUGH_SOLD: Final = 200
ASKING: Final = ("wismo", "delivery_problem")


class Curves:
    """The simulated world's curves."""

    def __init__(self, world: World) -> None:
        request = world.request
        parts = [part for block in blocks(world, request.start, request.end) for part in world.happenings(*block)]
        self.world = world
        self.parcels = pl.concat([self._parcels(world, part) for part in parts])
        self.scans = pl.concat([self._scans(part, place) for place, part in enumerate(parts)])
        orders = stack([part.orders for part in parts])
        contacts = stack([part.contacts for part in parts])
        self.orders_by_day = self._count(orders.placed)
        self.tickets_by_day = self._count(contacts.at)
        self.orders, self.tickets = len(orders), len(contacts)
        topics = [NUMBERED[place][0] for place in contacts.situation]
        self.topics = pl.Series("topic", topics).value_counts(sort=True)
        causes = stack([part.returned for part in parts]).cause
        self.causes = [(RETURN_CAUSES[place], int(count)) for place, count in enumerate(np.bincount(causes))]
        self.sold, self.back = self._by_sku(parts, len(world.catalogue.sku))

    def _count(self, moments: Array) -> list[int]:
        days = moments // DAY - self.world.request.start
        inside = (days >= 0) & (days < self.world.request.days)
        return [int(n) for n in np.bincount(days[inside], minlength=self.world.request.days)]

    @staticmethod
    def _parcels(world: World, part: Happenings) -> pl.DataFrame:
        parcels = part.parcels
        asked = np.zeros(len(parcels), dtype=np.bool_)
        about = np.isin([topic for topic, _ in NUMBERED], ASKING)[part.contacts.situation]
        asked[part.contacts.parcel[about & (part.contacts.parcel >= 0)]] = True
        chosen = np.isin(parcels.kind, (FIRST, SECOND)) & (parcels.end != VOIDED)
        frame = pl.DataFrame(
            {
                "month": (parcels.promised * DAY * 1_000_000).astype("int64"),
                "lane": (parcels.warehouse * 100 + parcels.destination) * 10 + parcels.service,
                "transit": np.where(
                    parcels.delivered_at > 0, (parcels.delivered_at - parcels.accepted_at) / DAY, np.nan
                ),
                "past": np.where(parcels.delivered_at > 0, parcels.stop_day - parcels.promised, 999),
                "late": parcels.late,
                "asked": asked,
            }
        )
        month = pl.col("month").cast(pl.Datetime("us")).dt.strftime("%Y-%m")
        return frame.filter(pl.Series(chosen)).with_columns(month, pl.col("transit").fill_nan(None))

    @staticmethod
    def _scans(part: Happenings, place: int) -> pl.DataFrame:
        scans = part.scans
        gap = np.diff(scans.happened, prepend=0) / 3600
        same = np.diff(scans.parcel, prepend=-1) == 0
        return pl.DataFrame(
            {
                "parcel": scans.parcel + place * 2**40,
                "gap": np.where(same & (scans.nth >= 0), gap, np.nan),
                "latency": (scans.known - scans.happened) / 3600,
            }
        ).with_columns(pl.col("gap").fill_nan(None))

    @staticmethod
    def _by_sku(parts: Sequence[Happenings], skus: int) -> tuple[list[int], list[int]]:
        sold, back = np.zeros(skus, dtype=np.int64), np.zeros(skus, dtype=np.int64)
        for part in parts:
            sold += np.bincount(part.lines.sku, minlength=skus)
            back += np.bincount(part.returned.sku, minlength=skus)
        enough = sold >= ENOUGH_SOLD
        return [int(n) for n in sold[enough]], [int(n) for n in back[enough]]

    def transit(self) -> list[float]:
        """Quantiles of transit time over its lane's and service's median."""
        ratio = self.parcels.filter(pl.col("transit").is_not_null()).select(
            (pl.col("transit") / pl.col("transit").median().over("lane")).alias("ratio"),
            pl.len().over("lane").alias("n"),
        )
        ratios = ratio.filter(pl.col("n") >= ENOUGH)["ratio"]
        return [ratios.quantile(q) or 0.0 for q in QUANTILES]

    def late_by_month(self) -> list[tuple[str, float]]:
        """Share of parcels delivered after their promise, or never, by month of the promise."""
        table = self.parcels.group_by("month").agg(pl.col("late").mean(), pl.len()).sort("month")
        return [(row["month"], float(row["late"])) for row in table.iter_rows(named=True) if row["len"] >= 500]

    def asked_by_days_past(self) -> list[tuple[int, float]]:
        """Share of parcels that somebody asked about, by days from promise to delivery."""
        table = self.parcels.group_by("past").agg(pl.col("asked").mean(), pl.len()).sort("past")
        rows = table.filter(pl.col("past").is_between(PAST[0], PAST[-1]) & (pl.col("len") >= ENOUGH))
        return [(int(row["past"]), float(row["asked"])) for row in rows.iter_rows(named=True)]

    def gaps(self) -> list[float]:
        """Hours between a parcel's scans: median, 90th and 99th percentile."""
        gaps = self.scans["gap"].drop_nulls()
        return [gaps.quantile(q) or 0.0 for q in (0.5, 0.9, 0.99)]

    def gap_shares(self, edges: Sequence[int]) -> list[float]:
        """Share of the gaps between each edge (hours) and the next."""
        gaps = self.scans["gap"].drop_nulls().to_numpy()
        counts, _ = np.histogram(gaps, bins=[*edges, edges[-1] + edges[1] - edges[0]])
        return [float(count) / max(len(gaps), 1) for count in counts]
