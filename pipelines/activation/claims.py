"""Open claims as CSV in the columns of the carriers' forms, each parcel once for ever.

What has been exported stands in a ledger beside the files. The order of steps makes a crash harmless: the file is
written under a temporary name, then the ledger, then the file gets its name; a run that finds a file left under its
temporary name gives it its name if the ledger knows it, else removes it.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb

from pipelines.domain.errors import StorageError

LEDGER: Final = "claims.jsonl"
_QUERY: Final = """
    select shipment_id, order_id, tracking_number, kind, service, shipped_date, committed_date, freight_amount,
        goods_amount, amount, currency, evidence, deadline
    from marts.carrier_claims
    where status = 'open' and claim_form = ?
    order by deadline, shipment_id
"""
_UPS_KINDS: Final = {"late": "Guaranteed Service Refund", "lost": "Loss", "damaged": "Damage"}
_FEDEX_KINDS: Final = {"late": "Money-Back Guarantee", "lost": "Lost", "damaged": "Damaged"}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Exported:
    """One file and how many claims are in it."""

    carrier: str
    path: Path
    claims: int


def export_claims(published: Path, folder: Path, today: date) -> list[Exported]:
    """Write what is open and was never exported; a carrier without news gets no file.

    Raises StorageError when nothing is published yet.
    """
    if not published.exists():
        raise StorageError(f"{published}: nothing is published yet; run wherehouse refresh first")
    folder.mkdir(parents=True, exist_ok=True)
    known = _ledger(folder)
    _finish(folder, {entry["file"] for entry in known})
    done = {entry["shipment_id"] for entry in known}
    exported = []
    with duckdb.connect(str(published.resolve()), read_only=True) as connection:
        for form, columns in FORMS.items():
            rows = [row for row in _rows(connection, form) if row["shipment_id"] not in done]
            if rows:
                exported.append(_write(folder, form, columns, rows, today))
    return exported


def _rows(connection: duckdb.DuckDBPyConnection, form: str) -> Iterator[Row]:
    cursor = connection.execute(_QUERY, [form])
    names = [column[0] for column in cursor.description or ()]
    for row in cursor.fetchall():
        yield dict(zip(names, row, strict=True))


def _ups(row: Row) -> Row:
    return {
        "Tracking Number": row["tracking_number"],
        "Claim Type": _UPS_KINDS[row["kind"]],
        "Service": row["service"],
        "Ship Date": row["shipped_date"],
        "Scheduled Delivery Date": row["committed_date"],
        "Merchandise Value": row["goods_amount"],
        "Shipping Charges": row["freight_amount"],
        "Total Claimed": row["amount"],
        "Currency": row["currency"],
        "Reference": row["order_id"],
        "Description": row["evidence"],
    }


def _fedex(row: Row) -> Row:
    return {
        "Type of Claim": _FEDEX_KINDS[row["kind"]],
        "FedEx Tracking Number": row["tracking_number"],
        "Customer Reference": row["order_id"],
        "Shipment Date": row["shipped_date"],
        "Commitment Date": row["committed_date"],
        "Declared Value": row["goods_amount"],
        "Freight Charges": row["freight_amount"],
        "Total Amount": row["amount"],
        "Currency": row["currency"],
        "Comments": row["evidence"],
    }


FORMS: Final = {"ups": _ups, "fedex": _fedex}


def _write(folder: Path, form: str, columns: Any, rows: list[Row], today: date) -> Exported:
    path = next(path for path in _names(folder, form, today) if not path.exists())
    part = path.with_name(path.name + ".part")
    lines = [columns(row) for row in rows]
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)
        _flush(file)
    ledger = folder / LEDGER
    torn = ledger.exists() and not ledger.read_bytes().endswith(b"\n")
    with ledger.open("a", encoding="utf-8") as file:
        file.write("\n" if torn else "")
        for row in rows:
            entry = {"shipment_id": row["shipment_id"], "kind": row["kind"], "day": str(today), "file": path.name}
            file.write(json.dumps(entry) + "\n")
        _flush(file)
    part.rename(path)
    return Exported(form, path, len(rows))


def _names(folder: Path, form: str, today: date) -> Iterable[Path]:
    yield folder / f"claims-{form}-{today}.csv"
    for number in range(2, 10_000):
        yield folder / f"claims-{form}-{today}-{number}.csv"


def _flush(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def _ledger(folder: Path) -> list[dict[str, str]]:
    path = folder / LEDGER
    if not path.exists():
        return []
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            entries.append(json.loads(line))
        except ValueError:  # the last line of a run that was killed: its file has no name yet
            continue
    return entries


def _finish(folder: Path, known: set[str]) -> None:
    for part in folder.glob("claims-*.csv.part"):
        path = part.with_name(part.name.removesuffix(".part"))
        if path.name in known:
            part.rename(path)
        else:
            part.unlink()
