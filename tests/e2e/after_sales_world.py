"""The simulated merchant with its truth, from the order to the last refund; its exports in one file an entity."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl

from tests.e2e.runs import EXAMPLES, REPOSITORY, current, refresh

SETTINGS = EXAMPLES / "simulated_files.toml"


class AfterSalesWorld:
    """Exports until the return window of the orders' month has closed, taken in at once."""

    def __init__(
        self, folder: Path, *, first_day: date, days: int, until: date, orders_per_day: int, seed: int = 7
    ) -> None:
        self.exports, self.data_dir, self.truth = folder / "exports", folder / "data", folder / "exports_truth"
        arguments = [sys.executable, "-m", "simulator", "files", "--out", str(self.exports), "--seed", str(seed)]
        arguments += ["--first-day", str(first_day), "--days", str(days), "--orders-per-day", str(orders_per_day)]
        subprocess.run([*arguments, "--to-day", str(until)], check=True, capture_output=True, cwd=REPOSITORY)
        for entity in self.exports.iterdir():
            _put_together(entity, str(until - timedelta(days=1)))
        places = {"SIMULATED_FILES": str(self.exports)}
        refresh(SETTINGS, self.data_dir, as_of=f"{until}T04:00:00Z", environment=places).expect()

    def connect(self) -> duckdb.DuckDBPyConnection:
        """The published file as `p`, and the truth's tables as views."""
        con = duckdb.connect()
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"attach '{current(self.data_dir)}' as p (read_only)")
        con.execute(
            "create view exported_tickets as select id, field_tracking, subject || ' ' || description as text "
            f"from read_json('{self.exports}/tickets/*/*.jsonl', ignore_errors = true) where id is not null"
        )
        con.execute(f"create view truth as select * from '{self.truth}/parcels/*/*.parquet'")
        for name in ("tickets", "returns"):
            con.execute(f"create view true_{name} as select * from '{self.truth}/{name}/*/*.parquet'")
        return con


def _put_together(entity: Path, day: str) -> None:
    """All days of an entity as one: hundreds of small files cost more than what is in them. Snapshots keep their last."""
    files = sorted(path for path in entity.rglob("*") if path.is_file())
    target = entity / f"dt={day}" / files[0].name
    parts = [path.read_bytes() for path in (files[-1:] if entity.name == "products" else files)]
    if target.suffix == ".parquet":
        whole = pl.concat([pl.read_parquet(path) for path in files], how="vertical_relaxed")
    elif target.suffix == ".csv":
        parts[1:] = [part.partition(b"\n")[2] for part in parts[1:]]
    for path in files:
        path.unlink()
    target.parent.mkdir(exist_ok=True)
    if target.suffix == ".parquet":
        whole.write_parquet(target)
    else:
        target.write_bytes(b"".join(part if part.endswith(b"\n") else part + b"\n" for part in parts))
