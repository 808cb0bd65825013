from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.settings import Settings
from pipelines.warehouse.connection import Engine, open_warehouse
from pipelines.warehouse.ledger import Ledgers, append, read
from pipelines.warehouse.ops import Check, Freshness, Load, OpsTables, Publication, Restatement, Setting, settings_rows
from pipelines.warehouse.plan import BuildInput, decide
from pipelines.warehouse.publication import Cost, code_version, count_rows, describe
from pipelines.warehouse.publish import current_file, publish
from pipelines.warehouse.quarantine import QuarantineFile, summarise
from pipelines.warehouse.tables import columns_of

from .test_plan import NOTHING, orders

NOW = datetime(2026, 3, 1, 4, tzinfo=UTC)


def publication(run_id: str, **more: Any) -> Publication:
    values: dict[str, Any] = dict.fromkeys(columns_of(Publication), "")
    values |= {"as_of": NOW, "published_at": NOW, "is_full": False, "batches": 1, "new_batches": 0}
    return Publication(**{**values, "cpu_seconds": 1.5, "wall_seconds": 2.0, "run_id": run_id, **more})


def restatement(run_id: str, week: str = "2026-01-05") -> Restatement:
    return Restatement(run_id, NOW, "carrier_scorecard", week, "{}", "on_time", 4, 5, "mapping changed")


def check(run_id: str) -> Check:
    return Check(run_id, NOW, "fct_orders", "unique", False, "error", 1, '[{"order_id": "a"}]')


def test_every_table_is_there_even_when_empty() -> None:
    with duckdb.connect() as connection:
        OpsTables().write(connection)
        names = connection.execute("select table_name from duckdb_tables() order by 1").fetchall()
        assert [name for (name,) in names] == [
            "checks",
            "dictionary",
            "freshness",
            "loads",
            "publications",
            "quarantine",
            "restatements",
            "settings",
            "unmapped_codes",
        ]


def test_rows_are_replaced_and_not_added() -> None:
    load = Load("acme", "orders", "", "o.csv", "b1", 1, 10, 8, 1, 1, 0, 0, "accepted", landed_at=NOW)
    tables = OpsTables(
        loads=[load],
        checks=[check("r1")],
        freshness=[Freshness("acme", "orders", NOW, NOW, 26.0, False)],
        publications=[publication("r1")],
        restatements=[restatement("r1")],
    )
    with duckdb.connect() as connection:
        for _ in range(2):
            tables.write(connection)
        assert connection.execute("select read, landed_at, min_at from ops.loads").fetchall() == [
            (10, datetime(2026, 3, 1, 4), None)
        ]
        assert len(connection.table("ops.restatements")) == 1


def test_codes_without_meaning_come_from_the_scans_where_no_mart_counts_them() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        connection.execute("create table marts.fct_shipments as select 's1' as shipment_id, 'ups' as carrier")
        connection.execute(
            "create table marts.fct_scans as select * from (values ('acme', 's1', 'ZZ', 'unknown'), "
            "('acme', 's1', 'DL', 'delivered')) as t(source, shipment_id, status_code, milestone)"
        )
        OpsTables().write(connection)
        assert connection.table("ops.unmapped_codes").fetchall() == [("acme", "ups", "ZZ", 1)]


def test_settings_hold_no_secrets_and_no_vendors() -> None:
    rows = {
        row.key: row.value
        for row in settings_rows(
            Settings.model_validate(
                {
                    "alerts": {"smtp_user_env": "HIDDEN"},
                    "sources": {"x": {"token": "HIDDEN"}},
                    "privacy": {"key_file": "HIDDEN"},
                }
            )
        )
    }
    assert rows["thresholds.suppress_under"] == "30"
    assert rows["time_zone"] == "UTC"
    assert "HIDDEN" not in json.dumps(rows)


def test_a_torn_last_line_is_ignored_and_closed_off(tmp_path: Path) -> None:
    path = tmp_path / "ops" / "checks.jsonl"
    append(path, [check("r1")])
    with path.open("a") as file:
        file.write('{"run_id": "r2", "checked')
    assert [row["run_id"] for row in read(path)] == ["r1"]
    append(path, [check("r3")])
    assert [row["run_id"] for row in read(path)] == ["r1", "r3"]


def test_only_the_end_of_a_long_ledger_is_read(tmp_path: Path) -> None:
    path = tmp_path / "checks.jsonl"
    append(path, [check(f"r{number}") for number in range(1000)])
    rows = read(path, tail_bytes=2000)
    assert 1 < len(rows) < 20
    assert rows[-1]["run_id"] == "r999"


def test_ledgers_give_back_what_they_were_given(engine: Engine) -> None:
    ledgers = Ledgers.of(engine)
    assert ledgers.publications() == []
    ledgers.add_checks([check(f"r{number}") for number in range(40)])
    ledgers.commit(publication("r1"), [restatement("r1")])
    assert len(ledgers.checks()) == 30
    (row,) = ledgers.publications()
    assert (row.run_id, row.as_of, row.cpu_seconds) == ("r1", datetime(2026, 3, 1, 4), 1.5)
    assert ledgers.restatements()[0].new_value == 5


def test_a_line_of_an_older_version_still_reads(engine: Engine) -> None:
    (engine.data_dir / "ops").mkdir()
    (engine.data_dir / "ops" / "publications.jsonl").write_text(
        '{"run_id": "r0", "as_of": "2026-01-01 00:00:00", "gone": 1}\n'
    )
    (row,) = Ledgers.of(engine).publications()
    assert (row.run_id, row.outcome) == ("r0", None)


def test_a_publication_whose_run_died_before_the_ledger_is_not_lost(engine: Engine) -> None:
    with open_warehouse(engine):
        pass
    ledgers = Ledgers.of(engine)
    ledgers.recover(current_file(engine))
    publish(engine, "r1", OpsTables(publications=[publication("r1")], restatements=[restatement("r1")]).write)
    for _ in range(2):
        ledgers.recover(current_file(engine))
    assert [row.run_id for row in ledgers.publications()] == ["r1"]
    assert [row.week for row in ledgers.restatements()] == ["2026-01-05"]


def test_rejected_rows_are_summed_by_reason_and_read_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [engine.data_dir / f"q{number}.parquet" for number in range(3)]
    for number, path in enumerate(paths[:2]):
        duckdb.connect().execute(
            "copy (select ['no order_id', 'bad date'] as reasons, 'o.csv' as file, 7 as row_number, "
            f"null::bigint as byte_offset, {number} as amount from range(6) union all "
            f"select ['bad date'], 'o.csv', 9, 100, 5) to '{path}'"
        )
    duckdb.connect().execute(f"copy (select ['x'] as reasons limit 0) to '{paths[2]}'")
    files = [QuarantineFile("acme", "orders", f"b{number}", path) for number, path in enumerate(paths)]
    first = summarise(engine, files)
    assert [(row.reason, row.rows, row.batches) for row in first] == [("bad date", 14, 2), ("no order_id", 12, 2)]
    samples = json.loads(first[0].samples_json)
    assert len(samples) == 5
    assert samples[0] == {"reasons": ["no order_id", "bad date"], "file": "o.csv", "row_number": 7, "amount": 1}
    for path in paths:
        path.unlink()
    assert summarise(engine, files) == first
    assert [row.rows for row in summarise(engine, files[:1])] == [7, 6]


def test_rows_are_counted_by_table(engine: Engine) -> None:
    with open_warehouse(engine) as connection:
        connection.execute("create schema marts.marts")
        connection.execute("create table marts.marts.fct_orders as select range as n from range(7)")
    assert count_rows(engine) == {"marts.fct_orders": 7}


def test_a_publication_tells_two_different_states_apart(given: Callable[..., BuildInput]) -> None:
    def told(start: BuildInput, setting: str = "30") -> tuple[str, str, str, str]:
        row = describe(
            start, decide(start, NOTHING)[0], [Setting("k", setting)], {"marts.a": 1}, Cost(1.0, 2.0), "published"
        )
        return row.project_hash, row.seeds_hash, row.settings_hash, row.batches_hash

    start = given(project_hashes={"seed a": "1", "models": "1"})
    first = told(start)
    assert told(start) == first
    seed = told(replace(start, project_hashes={"seed a": "2", "models": "1"}))
    code = told(replace(start, project_hashes={"seed a": "1", "models": "2"}))
    batches = told(replace(start, batches=(orders(1),)))
    changed = [
        [was != becomes for was, becomes in zip(first, other, strict=True)]
        for other in (seed, code, told(start, "31"), batches)
    ]
    assert changed == [
        [True, True, False, False],
        [True, False, False, False],
        [False, False, True, False],
        [False, False, False, True],
    ]
    assert code_version()
