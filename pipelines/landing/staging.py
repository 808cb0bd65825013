"""One entity of one file: rows written to Parquet, what was rejected and why, and counts that add up.

One pass over the file writes the rows that are fine. A second one, for the rejected rows, happens only where the
counts say that there are any; so a clean file is read once, and no table holds all of it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import duckdb

from pipelines.domain.drops import Reading, UnreadableError
from pipelines.domain.sql import quote_identifier, quote_literal
from pipelines.landing import lines
from pipelines.landing.excerpts import excerpt
from pipelines.landing.files import PARQUET
from pipelines.landing.malformed import TABLE as MALFORMED
from pipelines.landing.malformed import Malformed
from pipelines.landing.rows import BLANK, Rows

REJECTS: Final = "rejects"
MOST_OFFSETS: Final = 100_000  # rejected rows of a file beyond that have no byte offset: finding them costs memory


@dataclass(slots=True)
class Counts:
    """What became of the records of a file, for one entity."""

    read: int = 0
    landed: int = 0
    quarantined: int = 0
    duplicate: int = 0
    not_applicable: int = 0
    retired: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    min_at: str | None = None
    max_at: str | None = None

    def require_identity(self) -> None:
        """Raise UnreadableError if the counts do not add up, which a file changing meanwhile can cause."""
        parts = self.landed + self.quarantined + self.duplicate + self.not_applicable
        if self.read != parts:
            raise UnreadableError(f"was read twice with different results ({self.read} records, then {parts})")


@dataclass(frozen=True, slots=True)
class Text:
    """What is known of a text file without parsing it: an upper bound of its records, None where unknown."""

    is_json: bool
    most_records: int | None


class Staging:
    """Lands one entity from `relation`: the name of a table, or a parenthesised SELECT."""

    def __init__(self, con: duckdb.DuckDBPyConnection, reading: Reading, relation: str, text: Text | None) -> None:
        self._con = con
        self._reading = reading
        self.relation = relation
        self._text = text
        self._is_located = False  # whether these rows have their byte offsets
        self._rejected = 0  # rows in the table of rejects, of the entity written last

    def write(self, rows: Rows, seq: int, path: Path, malformed: Malformed) -> Counts:
        """Write the acceptable rows to `path`, leave the others in the table `rejects`. Returns the counts."""
        self._is_located = False
        counts = copy(self._con, rows.accepted(self.relation, seq), path, rows)
        if self._text is not None and not self._text.is_json:
            malformed.collect_csv()
        total, applicable = self._totals(rows, counts.landed, malformed.count)
        rejected = 0
        if applicable is None or counts.landed < applicable:
            excerpted = self._reject_missing(rows, seq, path, counts.landed, malformed) if applicable is None else None
            rejected = self._reject(rows, self._not_landed(rows, path), seq) if excerpted is None else excerpted
        if total is None or applicable is None:
            total = applicable = counts.landed + rejected
        counts.not_applicable = total - applicable
        counts.quarantined = self._rejected = rejected
        counts.read = total
        counts.require_identity()
        return counts

    def explain(self, counts: Counts, rows: Rows, malformed: Malformed, path: Path, file: Path) -> None:
        """Write the rejected rows and malformed lines with reasons, file, row and byte offset; count the reasons.

        Malformed lines of JSON have been counted as rejected records, those of CSV have not.
        """
        if self._text is None or not self._text.is_json:
            counts.read += malformed.count
            counts.quarantined += malformed.count
        if not counts.quarantined:
            return
        columns = ", ".join(quote_identifier(name) for name in rows.entity.columns)
        parts = []
        if self._rejected:
            self._locate(file, malformed)
            parts.append(f"SELECT reasons, byte_offset, {columns} FROM {REJECTS}")  # noqa: S608
        if malformed.count and not (self._text and self._text.is_json):
            offset = "byte_offset" if malformed.has_offsets else "NULL"
            parts.append(f"SELECT [reason] AS reasons, {offset} AS byte_offset FROM {MALFORMED}")  # noqa: S608
        union = " UNION ALL BY NAME ".join(parts)
        name = quote_literal(str(file))
        self._con.execute(
            f"COPY (SELECT reasons, {name} AS file, byte_offset, {columns} FROM ({self._shell(rows)} "  # noqa: S608
            f"UNION ALL BY NAME {union})) TO {quote_literal(str(path))} ({PARQUET})"
        )
        each = f"SELECT unnest(reasons) AS reason FROM ({union})"  # noqa: S608
        found = self._con.execute(f"SELECT reason, count(*) FROM ({each}) GROUP BY reason").fetchall()  # noqa: S608
        counts.reasons.update({str(reason): int(number) for reason, number in found})

    def name_malformed_json(self, malformed: Malformed) -> None:
        """Give rejected records of nulls that are no JSON objects their real reason."""
        if self._text is None or not self._text.is_json or not self._rejected:
            return
        blank = self._con.execute(f"SELECT _row FROM {REJECTS} WHERE {BLANK} ORDER BY _row").fetchall()  # noqa: S608
        for reason, found in malformed.add_json([int(row[0]) for row in blank]).items():
            self._con.execute(
                f"UPDATE {REJECTS} SET reasons = [$1] WHERE _row IN (SELECT unnest($2::BIGINT[]))",  # noqa: S608
                [reason, found],
            )

    def _totals(self, rows: Rows, landed: int, malformed: int) -> tuple[int | None, int | None]:
        """Records, and records that belong to this entity; None where only the second pass can tell."""
        where = rows.applicable(self.relation)
        if where:
            total = self._reading.records
            if total is None:
                total = self._number(f"SELECT count(*) FROM {self.relation}")  # noqa: S608
            return total, self._number(f"SELECT count(*) FROM {self.relation} WHERE {where}")  # noqa: S608
        if self._text is None:
            return self._reading.records, self._reading.records
        # There are at most as many records as lines, so if all lines are accounted for there is nothing else.
        is_clean = self._text.most_records is not None and landed + malformed == self._text.most_records
        return (landed, landed) if is_clean else (None, None)

    def _reject_missing(self, rows: Rows, seq: int, path: Path, landed: int, malformed: Malformed) -> int | None:
        """Reject the records whose numbers are not among the landed, from an excerpt. None: that cannot be done.

        Each of them has to be rejected again; otherwise records are not where they were thought to be, and the whole
        file has to be read after all.
        """
        if self._text is None or self._text.most_records is None:
            return None
        broken = malformed.starts(MOST_OFFSETS)
        if broken is None or self._text.most_records - landed - malformed.count > MOST_OFFSETS:
            return None
        sql = (
            f"SELECT range FROM range(1, {self._text.most_records} + 1) WHERE range NOT IN "  # noqa: S608
            f"(SELECT _row FROM read_parquet({quote_literal(str(path))}, hive_partitioning = false)) ORDER BY range"
        )
        missing = [int(row[0]) for row in self._con.execute(sql).fetchall()]
        file, shape = malformed.path, self._reading.shape
        with excerpt(file, shape, missing, is_json=self._text.is_json, broken=broken) as part:
            self._con.execute(
                "CREATE OR REPLACE TEMP TABLE excerpted AS SELECT unnest($1::BIGINT[]) AS number, "
                "unnest($2::BIGINT[]) AS byte_offset, unnest($3::BIGINT[]) AS place",
                [part.numbers, part.offsets, list(range(1, len(part.numbers) + 1))],
            )
            records = self._reading.records_sql.replace(quote_literal(str(file)), quote_literal(part.path))
            relation = (
                f"(SELECT r.* EXCLUDE (_row), excerpted.number AS _row FROM ({records}) r "  # noqa: S608
                "JOIN excerpted ON excerpted.place = r._row)"
            )
            try:
                rejected = self._reject(rows, rows.values(relation), seq)
            except duckdb.InvalidInputException:  # torn out of their place, quoted lines need not even be CSV
                return None
        if rejected != len(part.numbers):
            return None
        self._con.execute(
            f"UPDATE {REJECTS} SET byte_offset = excerpted.byte_offset FROM excerpted "  # noqa: S608
            f"WHERE {REJECTS}._row = excerpted.number"
        )
        self._is_located = True
        return rejected

    def _not_landed(self, rows: Rows, path: Path) -> str:
        """SELECT of the values of all records, without those that have landed where their numbers are sure to tell."""
        if self._text is not None:
            return rows.values(self.relation)
        landed = f"SELECT _row FROM read_parquet({quote_literal(str(path))}, hive_partitioning = false)"  # noqa: S608
        return rows.values(f"(SELECT * FROM {self.relation} WHERE _row NOT IN ({landed}))")  # noqa: S608

    def _reject(self, rows: Rows, values: str, seq: int) -> int:
        blank = f", {BLANK}" if self._text is not None and self._text.is_json else ""
        self._con.execute(
            f"CREATE OR REPLACE TEMP TABLE {REJECTS} AS SELECT {rows.reasons} AS reasons, "  # noqa: S608
            f"CAST(NULL AS BIGINT) AS byte_offset, {rows.landed(seq)}{blank} "
            f"FROM ({values}) WHERE ({rows.acceptable}) IS NOT TRUE"
        )
        return self._number(f"SELECT count(*) FROM {REJECTS}")  # noqa: S608

    def _locate(self, file: Path, malformed: Malformed) -> None:
        broken = {} if self._text is None or self._text.is_json else malformed.starts(MOST_OFFSETS)
        if self._text is None or not malformed.has_offsets or broken is None or self._is_located:
            return
        sql = f"SELECT _row FROM {REJECTS} ORDER BY _row LIMIT {MOST_OFFSETS}"  # noqa: S608
        wanted = [int(row[0]) for row in self._con.execute(sql).fetchall()]
        shape = self._reading.shape
        places = list(lines.locate(file, shape, wanted, is_json=self._text.is_json, broken=broken))
        self._con.execute(
            f"UPDATE {REJECTS} SET byte_offset = places.place FROM (SELECT unnest($1::BIGINT[]) AS number, "  # noqa: S608
            f"unnest($2::BIGINT[]) AS place) places WHERE {REJECTS}._row = places.number",
            [[row for row, _, _ in places], [offset for _, offset, _ in places]],
        )

    def _shell(self, rows: Rows) -> str:
        """No row, with all columns and their types."""
        typed = ", ".join(f"CAST(NULL AS {t}) AS {quote_identifier(name)}" for name, t in rows.entity.columns.items())
        return f"SELECT CAST(NULL AS VARCHAR[]) AS reasons, CAST(NULL AS BIGINT) AS byte_offset, {typed} WHERE FALSE"

    def _number(self, sql: str) -> int:
        row = self._con.execute(sql).fetchone()
        return int(row[0]) if row else 0


def copy(con: duckdb.DuckDBPyConnection, select: str, path: Path, rows: Rows) -> Counts:
    """Write a SELECT of landed rows to Parquet; what can be known from the writer's own statistics is returned."""
    row = con.execute(f"COPY ({select}) TO {quote_literal(str(path))} ({PARQUET}, RETURN_STATS)").fetchone()
    if row is None:
        return Counts()
    statistics: dict[str, dict[str, Any]] = row[4] or {}
    times = [one for one in rows.fields if one.type == "TIMESTAMP"]
    main = next((one for one in times if one.required), times[0] if times else None)
    span = statistics.get(quote_identifier(main.name), {}) if main else {}
    return Counts(landed=int(row[1]), bytes=int(row[2]), min_at=span.get("min"), max_at=span.get("max"))
