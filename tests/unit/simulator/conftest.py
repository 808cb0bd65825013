"""One small world, computed once: its happenings, its files and its truth."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl
import pytest

from simulator.files import Written, write_files
from simulator.settings import Request
from simulator.stream import arrivals
from simulator.world import World

REQUEST = Request(seed=11, days=45, orders_per_day=260, phrases="both")


@dataclass(frozen=True)
class Sample:
    """A world as written to two folders, and as tables."""

    world: World
    out: Path
    truth_folder: Path
    written: list[Written]
    tables: dict[str, pl.DataFrame]

    def truth(self, name: str) -> pl.DataFrame:
        """A table of the truth."""
        return pl.read_parquet(self.truth_folder / name / "**" / "*.parquet", hive_partitioning=False)

    def export(self, name: str) -> pl.DataFrame:
        """All readable records of an export, as text where it is a text format."""
        folder = self.out / name
        files = sorted(folder.rglob("*.*"))
        if files[0].suffix == ".parquet":
            return pl.concat([pl.read_parquet(file) for file in files])
        if files[0].suffix == ".csv":
            parts = [pl.read_csv(file, infer_schema=False, truncate_ragged_lines=True) for file in files]
            return pl.concat(parts)
        rows = []
        for file in files:
            for line in file.read_text(encoding="utf-8").splitlines():
                try:
                    rows.append(json.loads(line))
                except json.JSONDecodeError:
                    continue
        return pl.DataFrame(rows, infer_schema_length=None)

    @cached_property
    def exports(self) -> list[str]:
        """Names of the exports."""
        return sorted(path.name for path in self.out.iterdir())


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """The world of REQUEST."""
    world = World(REQUEST)
    folder = tmp_path_factory.mktemp("world")
    written = write_files(world, folder / "out", folder / "truth")
    parts: dict[str, list[pl.DataFrame]] = {}
    for some in arrivals(world):
        parts.setdefault(some.entity, []).append(some.records)
    tables = {name: pl.concat(frames) for name, frames in parts.items()}
    return Sample(world, folder / "out", folder / "truth", written, tables)
