"""What is really so, kept apart from everything a connector can see. Files of Parquet by day of order, for tests only.

parcels          each parcel: parameters and draws of its journey, true delivery (of open ones too), chances of on time
                 with the shocks of its week, days each cause cost, main cause, fault, and whether a scan told of it
carrier_effects  per day of order, lane, service and carrier: parcels, and the sums of their chances had that carrier
                 taken them all; summed and divided they are the carriers' true marginal rates
orders, returns, return_lines, tickets    who, why, since when
lanes, skus, carrier_weeks, world.json     what does not depend on the order
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import polars as pl

from simulator import verdicts
from simulator.records.forms import View, label
from simulator.world import World


def write_parquet(frame: pl.DataFrame, path: Path) -> None:
    """Write whole or not at all; the same rows give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
        frame.write_parquet(file, compression="zstd", compression_level=1, statistics=True)
    Path(file.name).chmod(0o644)
    Path(file.name).replace(path)


class Truth:
    """Writes what is true into a folder. `learn` may see a day in two parts: fresh orders and their repeats."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder = world, folder

    def learn(self, view: View, since: int) -> None:
        """Keep what the orders of the days from `since` on caused."""
        if not len(view.happened.orders):
            return
        for name, table in self.tables(view).items():
            marked = table.filter(pl.col("day") >= since)
            for part in marked.partition_by("day", maintain_order=True):
                kind = "repeats" if int(view.happened.orders.repeat[0]) else "fresh"
                day = label(int(part["day"][0]))
                write_parquet(part.drop("day"), self.folder / name / f"dt={day}" / f"{kind}.parquet")

    def finish(self) -> None:
        """Write what does not depend on the order."""
        for name, table in verdicts.fixed(self.world).items():
            write_parquet(table, self.folder / f"{name}.parquet")
        request = self.world.request
        about = {
            "seed": request.seed,
            "first_day": request.first_day.isoformat(),
            "days": request.days,
            "orders_per_day": float(request.orders_per_day),
            "scenarios": sorted(request.scenarios),
            "phrases": request.phrases,
        }
        (self.folder / "world.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")

    def tables(self, view: View) -> dict[str, pl.DataFrame]:
        """Every table by day of order, with a column `day`."""
        own, effects = self.world.blame.at_order(view.happened.parcels)
        tables = {
            "orders": verdicts.orders(view),
            "returns": verdicts.returns(view),
            "return_lines": verdicts.return_lines(view),
            "tickets": verdicts.tickets(view),
            "parcels": verdicts.parcels(view, own),
        }
        if len(effects):
            tables["carrier_effects"] = verdicts.carrier_effects(view, effects)
        return tables
