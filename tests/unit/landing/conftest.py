"""A shop's data folder, its drops, and landing them as the refresh does."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.landing import Landing, Manifest, Outcome
from pipelines.landing.keys import Keys, load_or_create
from pipelines.sources.files import FileSource

ORDERS = """
[files.entities.orders]
key = ["order_id"]
[files.entities.orders.columns]
order_id = "id"
ordered_at = "at"
order_amount = "total"
email = "email"
promised_date = "promised"
"""


class Shop:
    def __init__(self, folder: Path) -> None:
        self.drops = folder / "drops"
        self.data = folder / "data"
        self.drops.mkdir()
        self.settings = folder / "wherehouse.toml"
        self.keys: Keys = load_or_create(self.data / "secrets" / "keys.json")
        self.options: dict[str, Any] = {"quarantine_rate": 0.5, "memory_limit": "1GB", "threads": 1}

    def put(self, name: str, content: str | bytes) -> Path:
        file = self.drops / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def source(self, files: str = 'path = "drops/*"', entities: str = ORDERS, top: str = "") -> FileSource:
        text = f'type = "files"\n{top}\n[[files]]\n{files}\n{entities}'
        return FileSource.from_settings("exports", tomllib.loads(text), self.settings)

    def landing(self) -> Landing:
        return Landing(self.data, self.keys, shop="acme", **self.options)

    def land(self, source: FileSource | None = None) -> list[Outcome]:
        found = (source or self.source()).find()
        with self.landing() as landing:
            return [outcome for plan in found.plans for outcome in landing.take(plan)]

    def land_one(self, source: FileSource | None = None) -> Outcome:
        (outcome,) = self.land(source)
        parts = outcome.landed + outcome.quarantined + outcome.duplicate + outcome.not_applicable
        assert outcome.read == parts
        return outcome

    def rows(self, entity: str, columns: str = "*", *, is_latest: bool = False) -> list[Any]:
        """Accepted rows as downstream reads them: by seq and row, or the latest arrival of each order."""
        paths = [str(self.data / batch.path) for batch in Manifest(self.data).accepted("exports", entity)]
        if not paths:
            return []
        sql = f"SELECT {columns} FROM read_parquet($1, hive_partitioning = false)"
        if is_latest:
            last = "row_number() OVER (PARTITION BY order_id ORDER BY _seq DESC, _row DESC) = 1"
            sql = f"SELECT {columns} FROM ({sql.replace(columns, '*')} QUALIFY {last}) WHERE NOT _deleted"
        return duckdb.connect().execute(sql + " ORDER BY _seq, _row", [paths]).fetchall()

    def rejected(self, outcome: Outcome) -> list[Any]:
        sql = "SELECT reasons, byte_offset, _row FROM read_parquet($1) ORDER BY byte_offset, _row"
        return duckdb.connect().execute(sql, [str(self.data / outcome.quarantine_path)]).fetchall()


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)
