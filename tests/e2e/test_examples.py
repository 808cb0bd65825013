"""The examples are settings that work: each validates, and the template takes in the files that its comments describe."""

from __future__ import annotations

import gzip
import os
import re
import tomllib
from pathlib import Path

import duckdb
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


def invoice(folder: Path, carrier: str, lines: list[dict[str, str]]) -> dict[str, list[tuple]]:
    """Take in an invoice of the example's layout: what has landed, as kind and amount, by tracking number."""
    text = (EXAMPLES / f"{carrier}_invoice.toml").read_text()
    (folder / "wherehouse.toml").write_text(text)
    (files,) = tomllib.loads(text)["sources"][carrier]["files"]
    names = files["names"]
    assert not set().union(*lines) - set(names)
    rows = [["whatever"] * len(names)] * files.get("skip_lines", 0)
    rows += [[line.get(name, "") for name in names] for line in lines]
    path = folder / "drops" / carrier / "1.csv"
    path.parent.mkdir(parents=True)
    path.write_text("".join(",".join(row) + "\n" for row in rows))
    run = command("ingest", "--settings", str(folder / "wherehouse.toml")).expect()
    assert re.search(rf"{carrier} / carrier_charges +[0-9]+ +[0-9]+ +0 ", run.out), run.out
    found: dict[str, list[tuple]] = {}
    landed = [str(path) for path in (folder / "data" / "landing").rglob("*.parquet")]
    query = "select tracking_number, charge_kind, amount, billed_at::date from read_parquet($1) order by all"
    for number, *charge in duckdb.connect().execute(query, [landed]).fetchall():
        found.setdefault(number, []).append((*charge[:1], float(charge[1]), str(charge[2])))
    return found


def test_a_ups_invoice_becomes_charges(tmp_path: Path) -> None:
    own = {
        "invoice": "000123",
        "invoice_date": "2026-01-07",
        "currency": "USD",
        "tracking": "1Z1",
        "record_type": "SHP",
    }
    lines = [
        own | {"category": "FRT", "code": "003", "description": "Ground Residential", "net": "9.10"},
        own | {"category": "FSC", "code": "FSC", "description": "Fuel Surcharge", "net": "1.21"},
        own | {"category": "ACC", "code": "RES", "description": "Residential Surcharge", "net": "3.05"},
        own | {"category": "INF", "code": "X", "description": "Info", "net": "0.00"},
        own
        | {"category": "ACC", "code": "ADC", "description": "Address Correction", "net": "18", "record_type": "ADJ"},
        own | {"category": "FRT", "code": "003", "description": "Ground Residential", "net": "-9.10"},
        own | {"category": "MSC", "code": "SVC", "description": "Service Charge", "net": "20.00", "tracking": ""},
    ]
    kinds = [("correction", 18.0), ("freight", 9.1), ("fuel", 1.21), ("refund", -9.1), ("surcharge", 3.05)]
    assert invoice(tmp_path, "ups", lines) == {"1Z1": [(*one, "2026-01-07") for one in kinds]}


def test_a_fedex_invoice_becomes_charges_that_add_up_to_its_net(tmp_path: Path) -> None:
    own = {"invoice": "812345678", "invoice_date": "20260106"}
    lines = [
        own | {"tracking": "790001", "transportation": "12.40", "net": "11.20", "what_1": "Discount", "charge_1": "-3.10",
               "what_2": "Fuel Surcharge", "charge_2": "1.90"},
        own | {"tracking": "790001", "invoice": "812345999", "net": "21.00", "what_1": "Address Correction", "charge_1": "21"},
        own | {"tracking": "790002", "transportation": "9", "net": "-9.00", "what_1": "Service Failure Credit",
               "charge_1": "-9.00"},
    ]  # fmt: skip
    assert invoice(tmp_path, "fedex", lines) == {
        "790001": [("correction", 21.0, "2026-01-06"), ("freight", 9.3, "2026-01-06"), ("fuel", 1.9, "2026-01-06")],
        "790002": [("refund", -9.0, "2026-01-06")],
    }
