"""Zero-row files and the dry run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from pipelines.domain.entities import ENTITIES
from pipelines.landing import dry_run, empty_path, write_canonical, write_empty


def test_zero_row_files_have_the_landed_schema_and_follow_it(tmp_path: Path) -> None:
    write_canonical(tmp_path)
    for name, entity in ENTITIES.items():
        file = str(tmp_path / empty_path("files", name))
        rows = duckdb.connect().execute("DESCRIBE SELECT * FROM read_parquet($1)", [file]).fetchall()
        assert {row[0]: row[1] for row in rows} == entity.columns
    before = (tmp_path / empty_path("files", "orders")).stat().st_mtime_ns
    write_canonical(tmp_path)
    assert (tmp_path / empty_path("files", "orders")).stat().st_mtime_ns == before
    write_empty(tmp_path, "easypost", {"trackers": {"id": "VARCHAR"}})
    write_empty(tmp_path, "easypost", {"trackers": {"id": "VARCHAR", "new": "DATE"}})
    file = str(tmp_path / empty_path("easypost", "trackers"))
    assert len(duckdb.connect().execute("DESCRIBE SELECT * FROM read_parquet($1)", [file]).fetchall()) == 2


def test_a_dry_run_shows_everything_and_writes_nothing(shop: Any) -> None:
    shop.put("orders.csv", "id,at,total,email,promised\n1,2024-05-01,1,,\n2,N/A,1,,\n")
    before = sorted(shop.data.rglob("*"))
    (preview,) = dry_run(shop.source().find().plans[0], shop.keys, shop="acme")
    assert sorted(shop.data.rglob("*")) == before
    assert (preview.outcome.landed, preview.outcome.quarantined) == (1, 1)
    assert preview.landed[0]["order_id"] == "1"
    assert preview.rejected[0]["reasons"] == ["ordered_at: not a time"]
