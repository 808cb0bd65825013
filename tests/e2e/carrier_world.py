"""The simulated merchant with its truth, taken in by the product: what the carriers' figures are held against."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import duckdb

from tests.e2e.runs import EXAMPLES, REPOSITORY, Run, current, run

SETTINGS = EXAMPLES / "simulated_files.toml"
NAMES = {"FedEx": "FEDEX", "DHLExpress": "DHL_EXPRESS", "OnTrac": "ONTRAC"}
LEVELS = {"ground": "standard"}
MIDNIGHT = "T04:00:00Z"  # of a summer day in the reporting zone


class CarrierWorld:
    """One world's exports, arrivals until all of them are due, and a data folder."""

    def __init__(self, folder: Path, *, seed: int, first_day: date, days: int, orders_per_day: int) -> None:
        self.exports, self.data_dir = folder / "exports", folder / "data"
        self.truth = folder / "exports_truth"
        self.last_day = first_day + timedelta(days=days - 1)
        arguments = [sys.executable, "-m", "simulator", "files", "--out", str(self.exports), "--seed", str(seed)]
        arguments += ["--first-day", str(first_day), "--days", str(days), "--orders-per-day", str(orders_per_day)]
        arguments += ["--to-day", str(self.last_day + timedelta(days=28))]
        subprocess.run(arguments, check=True, capture_output=True, cwd=REPOSITORY)

    def refresh(self, as_of: str, *, files_to: date | None = None, full: bool = False) -> Run:
        """Refresh with what had arrived by the end of a day."""
        arguments = ["refresh", "--settings", str(SETTINGS), "--data-dir", str(self.data_dir)]
        arguments += ["--as-of", as_of]
        arguments += ["--files-to", str(files_to)] if files_to else []
        arguments += ["--full"] if full else []
        return run(arguments, {"SIMULATED_FILES": str(self.exports)}).expect()

    def until(self, day: date, **more: bool) -> Run:
        """Refresh at the midnight that follows a day."""
        return self.refresh(f"{day + timedelta(days=1)}{MIDNIGHT}", files_to=day, **more)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """The published file as `p`; the truth as `truth` (parcels) and `effects`; `judged` joins parcels with theirs."""
        con = duckdb.connect()
        con.execute("set TimeZone = 'UTC'")
        con.execute(f"attach '{current(self.data_dir)}' as p (read_only)")
        con.execute(
            "create view exported_tickets as select id, field_tracking, subject || ' ' || description as text "
            f"from read_json('{self.exports}/tickets/*/*.jsonl', ignore_errors = true) where id is not null"
        )
        con.execute(f"create view true_tickets as select * from '{self.truth}/tickets/*/*.parquet'")
        con.execute(f"create view truth as select * from '{self.truth}/parcels/*/*.parquet'")
        con.execute(
            f"create view effects as select * replace ({_renamed('carrier', NAMES)}, {_renamed('service', LEVELS)}) "
            f"from '{self.truth}/carrier_effects/*/*.parquet'"
        )
        con.execute(
            "create table judged as select f.*, t.* exclude (tracking_number, label_created_at, order_id, carrier, "
            "service, accepted_at, delivered_at, promised_date, committed_date, ended_at, fault), "
            "t.delivered_at as true_delivered_at, t.accepted_at as true_accepted_at, t.fault as true_fault "
            "from p.marts.fct_shipments as f join truth as t "
            "on f.tracking_number = t.tracking_number and f.label_created_at = t.label_created_at "
            "where f.is_first_delivery"
        )
        return con


def _renamed(column: str, names: dict[str, str]) -> str:
    cases = " ".join(f"when '{one}' then '{other}'" for one, other in names.items())
    return f"case {column} {cases} else {column} end as {column}"
