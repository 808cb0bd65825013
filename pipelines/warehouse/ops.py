"""The tables of schema `ops`: what came in, what was rejected, what was checked, what was published.

They live in the published file only, written into the copy just before it goes live: marts.duckdb need not be touched
on a night without news. What outlives a publication stands in the ledgers of data_dir/ops (`ledger.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from pipelines.warehouse.project import project_dir
from pipelines.warehouse.tables import plain, replace_table

if TYPE_CHECKING:
    import duckdb
    from _typeshed import DataclassInstance

    from pipelines.settings import Settings

_DOCS_BLOCK: Final = re.compile(r"\{% docs (\w+) %\}(.*?)\{% enddocs %\}", re.DOTALL)
_SECRET: Final = ("alerts", "sources", "privacy.key_file", "file")


@dataclass(frozen=True, slots=True)
class Load:
    """One batch and entity: read = landed + quarantined + duplicate + not_applicable. Times in UTC."""

    source: str
    entity: str
    label: str
    file: str
    batch_id: str
    seq: int
    read: int
    landed: int
    quarantined: int
    duplicate: int
    not_applicable: int
    retired: int
    outcome: str  # accepted, held, failed, skipped
    message: str = ""
    min_at: datetime | None = None
    max_at: datetime | None = None
    landed_at: datetime | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class QuarantineReason:
    """Rejected rows by reason; `samples_json`: up to five rows with file, row number, byte offset and typed values."""

    source: str
    entity: str
    reason: str
    rows: int
    batches: int
    samples_json: str


@dataclass(frozen=True, slots=True)
class Check:
    """What one check of one run found."""

    run_id: str
    checked_at: datetime
    asset: str
    check_name: str
    passed: bool
    severity: str  # error, warn
    failures: int | None = None
    examples_json: str = "[]"


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old a source's data is, against what its settings promise."""

    source: str
    entity: str
    newest_record_at: datetime | None
    last_batch_at: datetime | None
    policy_hours: float | None
    is_stale: bool


@dataclass(frozen=True, slots=True)
class Publication:
    """One publication, and everything needed to give the same answers again."""

    run_id: str
    as_of: datetime
    published_at: datetime
    is_full: bool
    full_reason: str
    code_version: str
    project_hash: str
    seeds_hash: str
    settings_hash: str
    batches: int
    batches_hash: str
    new_batches: int
    cpu_seconds: float
    wall_seconds: float
    outcome: str  # published, published_with_gaps
    rows_json: str  # rows by table


@dataclass(frozen=True, slots=True)
class Restatement:
    """A count of a closed week that changed from one publication to the next."""

    run_id: str
    restated_at: datetime
    table_name: str
    week: str
    key_json: str
    column_name: str
    old_value: int | None
    new_value: int | None
    reason: str  # mapping changed, rebuild, late data


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting that shapes what pages show. No secrets, no paths of keys."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Definition:
    """What a published column means, wherever it stands."""

    name: str
    description: str


@dataclass(frozen=True, slots=True)
class OpsTables:
    """Everything that one publication writes into schema `ops`, this run's rows included."""

    loads: Sequence[Load] = ()
    quarantine: Sequence[QuarantineReason] = ()
    checks: Sequence[Check] = ()
    freshness: Sequence[Freshness] = ()
    publications: Sequence[Publication] = ()
    restatements: Sequence[Restatement] = ()
    settings: Sequence[Setting] = field(default_factory=tuple)

    def write(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Write all tables into the open file, in one transaction."""
        connection.execute("begin")
        connection.execute("create schema if not exists ops")
        tables: tuple[tuple[str, type[DataclassInstance], Iterable[DataclassInstance]], ...] = (
            ("loads", Load, self.loads),
            ("quarantine", QuarantineReason, self.quarantine),
            ("checks", Check, self.checks),
            ("freshness", Freshness, self.freshness),
            ("publications", Publication, self.publications),
            ("restatements", Restatement, self.restatements),
            ("settings", Setting, self.settings),
            ("dictionary", Definition, dictionary_rows()),
        )
        for name, row_type, rows in tables:
            replace_table(connection, f"ops.{name}", row_type, rows)
        _write_unmapped_codes(connection)
        connection.execute("commit")


def settings_rows(settings: Settings) -> list[Setting]:
    """Settings flattened to `table.key`, values as text (lists as JSON), without secrets and vendors' settings."""
    return [
        Setting(key, value if isinstance(value, str) else json.dumps(plain(value)))
        for key, value in _flatten(settings.model_dump(), "")
        if not key.startswith(_SECRET)
    ]


def dictionary_rows() -> list[Definition]:
    """The data dictionary: the blocks of dbt_project/docs/columns.md."""
    return [
        Definition(name, " ".join(text.split()))
        for name, text in _DOCS_BLOCK.findall((project_dir() / "docs" / "columns.md").read_text(encoding="utf-8"))
    ]


def _flatten(values: Mapping[str, Any], prefix: str) -> Iterable[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _write_unmapped_codes(connection: duckdb.DuckDBPyConnection) -> None:
    """Vendor codes that no map knows, from the mart if there is one, else from the scans themselves."""
    tables = {
        row[0]
        for row in connection.execute("select table_name from duckdb_tables() where schema_name = 'marts'").fetchall()
    }
    connection.execute("drop table if exists ops.unmapped_codes")
    if "unmapped_codes" in tables:
        connection.execute("create table ops.unmapped_codes as select * from marts.unmapped_codes")
    elif {"fct_scans", "fct_shipments"} <= tables:
        connection.execute(
            "create table ops.unmapped_codes as "
            "select scans.source, shipments.carrier, scans.status_code, count(*) as rows "
            "from marts.fct_scans as scans left join marts.fct_shipments as shipments using (shipment_id) "
            "where scans.milestone = 'unknown' group by all order by rows desc, scans.source, scans.status_code"
        )
    else:
        connection.execute(
            "create table ops.unmapped_codes (source varchar, carrier varchar, status_code varchar, rows bigint)"
        )
