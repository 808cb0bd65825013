"""The world as files, a folder a day of arrival: OUT/<export>/dt=YYYY-MM-DD/, with the dirt that real exports have."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from simulator.chance import Chance
from simulator.records.forms import label
from simulator.shapes import SHAPES, Shape, products
from simulator.stream import Arrivals, arrivals
from simulator.truth import Truth, write_parquet
from simulator.world import World

DIRTY_FROM: Final = 150  # records: smaller files stay clean, as one bad line would be a great share of them
CATALOGUE_EVERY: Final = 28  # days
PRODUCTS: Final = "products"
BROKEN_TIMES: Final = ("N/A", "2026-13-45T99:00:00", "0000-00-00", "yesterday")


@dataclass(frozen=True, slots=True)
class Written:
    """One file: good records, exact copies of such, unreadable ones, and whether its last line is torn."""

    folder: str
    day: str
    records: int
    duplicates: int
    malformed: int
    torn: int
    bytes: int


class FileMaker:
    """Writes arrivals as files."""

    def __init__(self, world: World, folder: Path, only: Collection[str] = ()) -> None:
        self.chance: Chance = world.chance
        self.dirt = world.settings["dirt"]
        self.world, self.folder, self.only = world, folder, only
        self.written: list[Written] = []

    def write(self, some: Arrivals) -> None:
        """Write the records of one entity and day, in each export they belong to."""
        for place, shape in enumerate(SHAPES):
            if shape.entity != some.entity or (self.only and shape.folder not in self.only):
                continue
            clean = shape.make(some.records)
            if len(clean):
                self._write(shape, place, some.day, clean)

    def _write(self, shape: Shape, place: int, day: int, clean: pl.DataFrame) -> None:
        rows = np.arange(len(clean)) + (day * 64 + place) * 2**25
        dirty = len(clean) >= DIRTY_FROM
        again = pl.Series(
            self.chance.happens(rows, "copy", self.dirt["duplicates"] * (shape.entity == "scans") * dirty)
        )
        broken = self.chance.happens(rows, "malformed", self.dirt["malformed"] * dirty)
        copies = clean.filter(again)
        damaged = self._damaged(shape, clean.filter(pl.Series(broken)), rows[broken])
        whole = pl.concat([clean, copies, damaged]) if len(copies) + len(damaged) else clean
        text = shape.format != "parquet"
        torn = text and dirty and bool(self.chance.happens(rows[:1], "torn", self.dirt["torn"])[0])
        path = self.folder / shape.folder / f"dt={label(day)}" / f"{shape.folder}.{shape.format}"
        self._store(shape.format, whole, path, torn)
        self.written.append(
            Written(shape.folder, label(day), len(clean), len(copies), len(damaged), int(torn), path.stat().st_size)
        )

    def _damaged(self, shape: Shape, frame: pl.DataFrame, rows: np.ndarray) -> pl.DataFrame:
        """Unreadable copies: no key, or a time that is none."""
        if not len(frame):
            return frame
        keyless = pl.Series(self.chance.happens(rows, "keyless", 0.4))
        words = pl.Series(BROKEN_TIMES).gather(self.chance.below(rows, "broken time", len(BROKEN_TIMES)))
        return frame.with_columns(
            pl.when(keyless).then(None).otherwise(pl.col(shape.key)).alias(shape.key),
            pl.when(keyless).then(pl.col(shape.time)).otherwise(words).alias(shape.time),
        )

    @staticmethod
    def _store(kind: str, frame: pl.DataFrame, path: Path, torn: bool) -> None:
        if kind == "parquet":
            write_parquet(frame, path)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "csv":
            frame.write_csv(path, float_precision=2)
        else:
            frame.write_ndjson(path)
        if torn:
            with path.open("r+b") as file:
                first = list(islice(file, 2))[1 if kind == "csv" else 0].removesuffix(b"\n")
                file.seek(0, os.SEEK_END)
                file.write(first[: len(first) // 3])

    def catalogue(self, day: int) -> None:
        """The product list, as exported on a day."""
        table = products(self.world.catalogue.table())
        path = self.folder / PRODUCTS / f"dt={label(day)}" / f"{PRODUCTS}.csv"
        self._store("csv", table, path, torn=False)
        self.written.append(Written(PRODUCTS, label(day), len(table), 0, 0, 0, path.stat().st_size))


def write_files(
    world: World,
    folder: Path,
    truth_folder: Path | None,
    since: int | None = None,
    until: int | None = None,
    as_of: int | None = None,
    only: Collection[str] = (),
) -> list[Written]:
    """Write everything that arrives on the days since to until - 1, and before as_of (a UTC second); or some exports.

    Any cut of a period into windows leaves the same files as the whole at once.
    """
    maker = FileMaker(world, folder, only)
    truth = Truth(world, truth_folder) if truth_folder is not None else None
    start = world.request.start
    first = start if since is None else since
    last = world.request.end if until is None else until
    for day in range(start, last, CATALOGUE_EVERY):
        if day >= first and (not only or PRODUCTS in only):
            maker.catalogue(day)
    for some in arrivals(world, truth, since, until, as_of):
        maker.write(some)
    if truth is not None:
        truth.finish()
        written = pl.DataFrame([{name: getattr(row, name) for name in Written.__slots__} for row in maker.written])
        for part in written.sort("day", "folder").partition_by("day", maintain_order=True):
            write_parquet(part, truth.folder / "files" / f"dt={part['day'][0]}" / "files.parquet")
    return maker.written
