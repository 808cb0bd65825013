"""Published marts held against the yardstick's own hand-written ones where the definitions agree, and against an oracle.

They agree on the milestones of a parcel, on attempts, exceptions and scans once copies are gone, on which delivery is
on time, and on returns by item, reason and order month. They differ in the week of the scorecard (ours: first physical
scan, theirs: order), in its rates (ours over all due, theirs over delivered ones) and in what a ticket knew (ours: what
had arrived by then). Those are held against yardstick_oracle.py.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.e2e import yardstick_oracle as oracle
from tests.e2e.runs import current, rows


def hand_written(scripts: Path, generated: Path, target: Path) -> Path:
    """Run the yardstick's limit.py on the Parquet drops."""
    arguments = ["--data", str(generated), "--db", str(target)]
    subprocess.run(
        [sys.executable, str(scripts / "limit.py"), *arguments], check=True, capture_output=True, cwd=target.parent
    )
    return target


class Both:
    """One connection over both files: `ours.marts.*` and `theirs.*`."""

    def __init__(self, data_dir: Path, limit: Path) -> None:
        self._connection = duckdb.connect()
        self._connection.execute(f"attach '{current(data_dir)}' as ours (read_only)")
        self._connection.execute(f"attach '{limit}' as theirs (read_only)")

    def rows(self, query: str) -> list[tuple]:
        """Rows of a query."""
        return self._connection.execute(query).fetchall()

    def only_on_one_side(self, ours: str, theirs: str) -> tuple[list[tuple], list[tuple]]:
        """Rows that only the one query yields, and only the other; repetitions count."""
        return (
            self.rows(f"({ours}) except all ({theirs}) limit 5"),
            self.rows(f"({theirs}) except all ({ours}) limit 5"),
        )


def check_parcels(both: Both) -> None:
    """Parcel by parcel."""
    ours = """
        select tracking_number, cast(order_id as bigint) as order_id, carrier, service, accepted_at, last_scan_at,
            delivered_at, attempts, scan_count, (select count(*) from ours.marts.fct_scans as scans
                where scans.shipment_id = parcels.shipment_id and milestone = 'exception') as exceptions,
            promised_date, case when delivered_at is not null and is_due then is_on_time end as is_on_time
        from ours.marts.fct_shipments as parcels where is_declared
    """
    theirs = """
        select tracking_number, order_id, carrier, service, first_scan, last_scan, delivered_at,
            attempts, coalesce(n_scans, 0), exceptions,
            promised_date, case when promised_date < date '2026-02-01' then on_time end
        from theirs.fct_shipment
    """
    assert both.only_on_one_side(ours, theirs) == ([], [])


def check_scans(both: Both) -> None:
    """As many events of each state once copies are gone and malformed rows are out."""
    ours = "select milestone, count(*) from ours.marts.fct_scans group by all"
    names = """case cast(status as varchar) when 'picked_up' then 'accepted'
        when 'delivery_failed' then 'delivery_attempted' else cast(status as varchar) end"""
    assert both.only_on_one_side(ours, f"select {names}, count(*) from theirs.scans group by all") == ([], [])


def check_scorecard(both: Both) -> None:
    """Additive counts by carrier, service and lane over all weeks."""
    ours = """
        select carrier, service, replace(lane, ' > ', '-'), sum(delivered), sum(first_attempt_delivered)
        from ours.marts.carrier_scorecard group by all
    """
    theirs = "select carrier, service, lane, sum(delivered), sum(first_n) from theirs.carrier_scorecard group by all"
    assert both.only_on_one_side(ours, theirs) == ([], [])


def check_returns(both: Both) -> None:
    """Returns by item, reason and month of the order, and what was paid back."""
    ours = """
        select sku, reason, cohort, returned_lines, cast(returned_amount as decimal(18, 2))
        from ours.marts.return_reasons
    """
    theirs = """
        select sku,
            case reason when 'damaged' then 'damaged_in_transit' when 'late' then 'arrived_late' else reason end,
            strftime(cohort, '%Y-%m'), returns, cast(refund_amount as decimal(18, 2))
        from theirs.return_reasons
    """
    assert both.only_on_one_side(ours, theirs) == ([], [])


def check_sizes(both: Both) -> None:
    """One row per order, line, ticket and return."""
    pairs = {
        "fct_orders": "orders",
        "fct_order_lines": "order_items",
        "fct_tickets": "tickets",
        "fct_returns": "returns",
    }
    for ours, theirs in pairs.items():
        found = both.rows(f"select (select count(*) from ours.marts.{ours}), (select count(*) from theirs.{theirs})")
        assert found[0][0] == found[0][1], ours


CHECKS = (check_parcels, check_scans, check_scorecard, check_returns, check_sizes)


def check_against_oracle(generated: Path, data_dir: Path) -> None:
    """Scorecard cell by cell, contacts one by one, open parcels day by day."""
    parcels = oracle.parcels(generated)
    _check_cells(oracle.scorecard(parcels), data_dir)
    _check_contacts(oracle.contacts(generated, parcels), data_dir)
    found = rows(data_dir, "select day, carrier, service, parcels_open from marts.wismo_daily where parcels_open > 0")
    assert {row[:3]: row[3] for row in found} == oracle.open_a_day(parcels)


def _check_cells(expected: dict, data_dir: Path) -> None:
    names = list(next(iter(expected.values())))
    query = (
        f"select carrier, service, lane, week, {', '.join(names)} from marts.carrier_scorecard where not is_ready_week"
    )
    found = {row[:4]: dict(zip(names, row[4:], strict=True)) for row in rows(data_dir, query)}
    assert found.keys() == expected.keys()
    for key, cell in expected.items():
        for name, value in cell.items():
            assert found[key][name] == (None if value is None else pytest.approx(value, rel=1e-9, abs=1e-9)), (
                key,
                name,
            )


def _check_contacts(expected: dict, data_dir: Path) -> None:
    query = "select ticket_id, state_at_contact, hours_known_before, days_past_promise, topic, was_avoidable from marts.fct_tickets"
    found = {row[0]: row[1:] for row in rows(data_dir, query)}
    assert found.keys() == expected.keys()
    for ticket_id, (state, hours, days) in expected.items():
        topic, was_avoidable = found[ticket_id][3:]
        assert found[ticket_id][:3] == (state, None if hours is None else pytest.approx(hours, abs=1 / 3600), days)
        was_known = hours is not None and hours >= oracle.KNOWN_BEFORE
        assert was_avoidable == (topic in ("wismo", "delivery_problem") and was_known)
