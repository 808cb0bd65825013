"""The examples are settings that work: each validates, and the template takes in the files that its comments describe."""

from __future__ import annotations

import gzip
import os
import re
from pathlib import Path

import pytest

from tests.e2e.runs import EXAMPLES, Run, run

ORDERS = """Order,Created,Promise,Country,State,Tracking,Carrier,Shipped,Delivered,Status,Total,Shipping,Packed,Warehouse
1001,31/12/2025 23:30,05/01/2026,US,NY,T1,UPS,2026-01-02T10:00:00Z,2026-01-04T15:00:00-05:00,ok,1999,"1.204,50",1767261600,EWR
1002,01/01/2026 09:00,2026-01-06,US,CA,,,,,cancelled,500,"0,99",,ONT
"""
SCANS = """{"tracking_number": "T1", "occurred_at": "2026-01-02T10:00:00Z", "status_code": "PU"}
{"tracking_number": "T1", "occurred_at": "2026-01-04T20:00:00Z", "status_code": "D"}
"""


def command(*arguments: str) -> Run:
    """A command that is not a refresh."""
    places = {name: os.environ.get(name, "/nowhere") for name in ("WHEREHOUSE_SHARED_DATA", "WHEREHOUSE_YARDSTICK")}
    return run(arguments, places | {"SIMULATED_FILES": "/nowhere"}, 60)


def template(folder: Path, *, everything: bool) -> Path:
    """The template in a folder of its own, as it is or with every setting switched on that can be at once."""
    text = (EXAMPLES / "files.toml").read_text()
    if everything:
        text = re.sub(r"^#(?=\S)", "", text, flags=re.MULTILINE)
        # these describe other files than the test's
        for off in ("mode = ", "delimiter", "quote = ", "encoding", "skip_lines", "as_of", "key_file", "once_per"):
            text = re.sub(rf"^{off}", f"#{off}", text, count=1, flags=re.MULTILINE)
    path = folder / "wherehouse.toml"
    path.write_text(text)
    for name in ("status_map", "reason_map"):
        (folder / f"{name}.csv").write_text((EXAMPLES / f"files_{name}.csv").read_text())
    return path


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("*.toml")))
def test_example_validates(name: str) -> None:
    """Settings, mappings and expressions are understood."""
    command("sources", "list", "--settings", str(EXAMPLES / name)).expect()


def test_every_setting_of_the_template_is_one(tmp_path: Path) -> None:
    """What is switched off in the template could be switched on."""
    command("sources", "list", "--settings", str(template(tmp_path, everything=True))).expect()


def test_template_takes_files_in(tmp_path: Path) -> None:
    """Orders with their parcels, and scans: read, landed, nothing rejected."""
    for path, content in (("orders/1.csv", ORDERS.encode()), ("scans/2026/1.jsonl.gz", gzip.compress(SCANS.encode()))):
        (tmp_path / "drops" / path).parent.mkdir(parents=True)
        (tmp_path / "drops" / path).write_bytes(content)
    settings = str(template(tmp_path, everything=False))
    preview = command("ingest", "--dry-run", "--settings", settings).expect()
    assert "2026-01-05" in preview.out
    assert not (tmp_path / "data").exists()
    taken = command("ingest", "--settings", settings).expect()
    for entity, counts in (("orders", r"2 +2 +0 +0 +0"), ("shipments", r"2 +1 +0 +0 +1"), ("scans", r"2 +2 +0 +0 +0")):
        assert re.search(rf"exports / {entity} +{counts}", taken.out), taken.out
