"""Somebody who looks at the published file all the time, and believes only what adds up."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import duckdb

ADDS_UP = {
    "parcels of the scorecard": "select (select coalesce(sum(entered), 0) from marts.carrier_scorecard) = "
    "(select count(*) from marts.fct_shipments where accepted_at is not null and is_first_delivery)",
    "orders of the headline": "select (select coalesce(sum(due), 0) from marts.order_delivery) = "
    "(select count(*) from marts.fct_orders where is_due)",
    "scans of parcels": "select count(*) = 0 from marts.fct_scans anti join marts.fct_shipments using (shipment_id)",
    "a publication of its own": "select count(*) > 0 from ops.publications",
    "loads": "select count(*) = 0 from ops.loads where read <> landed + quarantined + duplicate + not_applicable",
}


class Reader:
    """Loops in a thread of its own until closed; `problems` is what it should never have seen."""

    def __init__(self, data_dir: Path) -> None:
        self._link = data_dir / "published" / "current.duckdb"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self.problems: list[str] = []
        self.seen: list[str] = []  # names of the files, one after the other
        self.reads = 0

    def __enter__(self) -> Reader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _loop(self) -> None:
        while not self._stop.is_set():
            try:
                self._look()
            except Exception as error:
                self.problems.append(f"{type(error).__name__}: {error}")
            time.sleep(0.01)

    def _look(self) -> None:
        path = self._link.resolve(strict=True)
        with duckdb.connect(str(path), read_only=True) as connection:
            for name, query in ADDS_UP.items():
                if connection.execute(query).fetchone() != (True,):
                    self.problems.append(f"{path.name}: {name} do not add up")
        self.reads += 1
        if self.seen[-1:] != [path.name]:
            self.seen.append(path.name)
