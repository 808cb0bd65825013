"""The records of a world as the vendors will come to hold them, each version with its moment of arrival.

Made from the world's stream of arrivals, the same that the files are cut from; kept as Parquet in a folder on request.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import polars as pl

from pipelines.domain.errors import SettingsError
from simulator.settings import DAY, EPOCH, Request
from simulator.stream import arrivals
from simulator.world import World

USED: Final = ("orders", "order_lines", "shipments", "scans", "returns", "return_lines", "tickets", "promise_revisions")
ABOUT: Final = "doubles.json"


@dataclass(frozen=True, slots=True)
class Book:
    """Tables by entity, in order of arrival; nothing arrives at or after `until`."""

    request: Request
    until: datetime
    tables: dict[str, pl.DataFrame]

    def __getitem__(self, entity: str) -> pl.DataFrame:
        return self.tables[entity]


def make_book(request: Request, until: date | None = None) -> Book:
    """Compute the world's records that arrive before the day `until` (default: the end of orders)."""
    last = request.end if until is None else (until - EPOCH).days
    parts: dict[str, list[pl.DataFrame]] = {name: [] for name in USED}
    for some in arrivals(World(request), until=last):
        if some.entity in parts:
            parts[some.entity].append(some.records)
    for name, frames in parts.items():
        if not frames:
            raise SettingsError(f"a world this small has no {name.replace('_', ' ')}; ask for more days or orders")
    tables = {name: pl.concat(frames) for name, frames in parts.items()}
    return Book(request, datetime.fromtimestamp(last * DAY, UTC), tables)


def _about(request: Request) -> dict[str, Any]:
    return {
        "seed": request.seed,
        "first_day": request.first_day.isoformat(),
        "days": request.days,
        "orders_per_day": request.orders_per_day,
        "scenarios": sorted(request.scenarios),
        "phrases": request.phrases,
    }


def open_book(folder: Path, request: Request, until: date | None = None) -> Book:
    """The book kept in `folder`, whatever world it is of; without one, make it of `request` and keep it there.

    Raises SettingsError when the folder holds something else.
    """
    about = folder / ABOUT
    if about.exists():
        kept = json.loads(about.read_text(encoding="utf-8"))
        own = kept["request"]
        own |= {"first_day": date.fromisoformat(own["first_day"]), "scenarios": frozenset(own["scenarios"])}
        tables = {name: pl.read_parquet(folder / f"{name}.parquet") for name in USED}
        return Book(Request(**own), datetime.fromisoformat(kept["until"]), tables)
    if folder.exists() and any(folder.iterdir()):
        raise SettingsError(f"{folder} is not empty and holds no world for the doubles; name another folder")
    book = make_book(request, until)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in book.tables.items():
        table.write_parquet(folder / f"{name}.parquet", compression="zstd", compression_level=1)
    text = json.dumps({"request": _about(request), "until": book.until.isoformat()}, indent=2)
    about.write_text(text + "\n", encoding="utf-8")
    return book
