"""Claims leave once: a second run, another day and a killed run export nothing twice and lose nothing."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import duckdb
import pytest

from pipelines.activation import export_claims
from pipelines.activation.claims import LEDGER
from pipelines.domain.errors import StorageError

DAY = date(2026, 10, 2)


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / "published.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("create schema marts")
        con.execute(
            "create table marts.carrier_claims as select * from (values "
            "('a', 'o1', 'T1', 'late', 'express', date '2026-09-01', date '2026-09-02', 20.5, null, 20.5, 'USD', 'late', date '2026-10-10', 'open', 'ups'), "
            "('b', 'o2', 'T2', 'lost', 'ground', date '2026-09-01', null, 8.0, 40.0, 48.0, 'USD', 'lost', date '2026-10-09', 'open', 'ups'), "
            "('c', 'o3', 'T3', 'damaged', 'ground', date '2026-09-01', null, null, 9.0, 9.0, 'USD', 'broken', date '2026-10-09', 'open', 'fedex'), "
            "('d', 'o4', 'T4', 'late', 'express', date '2026-09-01', null, 9.0, null, 9.0, 'USD', 'x', date '2026-10-09', 'filed', 'fedex'), "
            "('e', 'o5', 'T5', 'lost', 'ground', date '2026-09-01', null, 9.0, null, 9.0, 'USD', 'x', date '2026-10-09', 'open', null)"
            ") t(shipment_id, order_id, tracking_number, kind, service, shipped_date, committed_date, freight_amount, "
            "goods_amount, amount, currency, evidence, deadline, status, claim_form)"
        )
    return path


def _numbers(folder: Path) -> list[str]:
    return sorted(
        value
        for path in folder.glob("claims-*.csv")
        for row in csv.DictReader(path.open())
        for name, value in row.items()
        if name.endswith("Tracking Number")
    )


def test_only_open_claims_of_carriers_with_a_form_leave_and_only_once(published: Path, tmp_path: Path) -> None:
    out = tmp_path / "claims"
    first = export_claims(published, out, DAY)
    assert {(one.carrier, one.claims) for one in first} == {("ups", 2), ("fedex", 1)}
    assert _numbers(out) == ["T1", "T2", "T3"]
    assert export_claims(published, out, DAY) == []
    assert export_claims(published, out, date(2026, 10, 3)) == []
    assert _numbers(out) == ["T1", "T2", "T3"]


def test_a_later_claim_gets_a_file_of_its_own(published: Path, tmp_path: Path) -> None:
    out = tmp_path / "claims"
    export_claims(published, out, DAY)
    with duckdb.connect(str(published)) as con:
        con.execute("update marts.carrier_claims set status = 'open' where shipment_id = 'd'")
    (more,) = export_claims(published, out, DAY)
    assert more.path.name == "claims-fedex-2026-10-02-2.csv"
    assert _numbers(out) == ["T1", "T2", "T3", "T4"]


@pytest.mark.parametrize("in_ledger", [True, False])
def test_a_run_killed_between_its_steps_is_simply_run_again(published: Path, tmp_path: Path, in_ledger: bool) -> None:
    out = tmp_path / "claims"
    for one in export_claims(published, out, DAY):
        one.path.rename(one.path.with_name(one.path.name + ".part"))
    if not in_ledger:
        (out / LEDGER).write_text('{"shipment_id": "a", "ki')
    for _ in range(2):
        export_claims(published, out, DAY)
        assert _numbers(out) == ["T1", "T2", "T3"]
        assert not list(out.glob("*.part"))


def test_without_a_publication_there_is_nothing_to_claim(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="nothing is published yet"):
        export_claims(tmp_path / "none.duckdb", tmp_path / "out", DAY)
