"""Lines that are no records: which, where, why. Their text goes to the vault and nowhere else.

They stand in a temporary table `malformed` (byte_offset, reason, line), at most one file at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import duckdb

from pipelines.domain.drops import REJECTED_LINES, REJECTED_SCANS, TextShape
from pipelines.landing import lines
from pipelines.landing.vault import RejectedLine

TABLE: Final = "malformed"
_BATCH: Final = 10_000
_REASONS: Final = """CASE error_type
    WHEN 'MISSING COLUMNS' THEN 'line: too few columns'
    WHEN 'TOO MANY COLUMNS' THEN 'line: too many columns'
    WHEN 'UNQUOTED VALUE' THEN 'line: broken quotes'
    WHEN 'INVALID ENCODING' THEN 'line: not in the declared encoding'
    WHEN 'LINE SIZE OVER MAXIMUM' THEN 'line: too long'
    ELSE 'line: cannot be split into columns' END"""
_IN_QUOTES: Final = "line: inside a broken quote"


class Malformed:
    """The malformed lines of the file being landed."""

    def __init__(self, con: duckdb.DuckDBPyConnection, path: Path, shape: TextShape) -> None:
        self._con = con
        self.path = path
        self._shape = shape
        self.count = 0
        self._json: dict[int, str | None] = {}
        self._clear()

    @property
    def has_offsets(self) -> bool:
        """Whether a byte offset means something: neither compressed nor recoded."""
        return not (self._shape.compression or self._shape.is_recoded or self._shape.encoding == "utf-16")

    def collect_csv(self) -> None:
        """Take over what the CSV reader has set aside, and clear it.

        A quote that is never closed swallows the lines after it: each of those counts, so that the loss is seen.
        """
        if not self._set_aside():
            return
        # The reported line starts with the line ends before it, and its position lies there as well.
        blank = "strlen(csv_line) - strlen(ltrim(csv_line, chr(10) || chr(13)))"
        self._con.execute(
            f"""
            INSERT INTO {TABLE}
            SELECT line_byte_position - 1 + any_value({blank}), min_by({_REASONS}, byte_position),
                any_value(ltrim(csv_line, chr(10) || chr(13))), any_value(strlen(csv_line) - ({blank}))
            FROM {REJECTED_LINES} GROUP BY line_byte_position ORDER BY line_byte_position
            """  # noqa: S608
        )
        self._clear()
        self._count()
        if self.count:
            self._expand_swallowed()

    def add_json(self, rows: list[int]) -> dict[str, list[int]]:
        """Look at records of nulls again: lines that are no JSON object are malformed. Returns their rows by reason."""
        added: list[tuple[int | None, str, str, int | None]] = []
        unseen = [row for row in rows if row not in self._json]
        for row, offset, line in lines.locate(self.path, self._shape, unseen, is_json=True):
            reason = self._json[row] = _json_problem(line)
            if reason is not None:
                text = line.decode("utf-8", "backslashreplace")
                added.append((offset if self.has_offsets else None, reason, text, len(line)))
            if len(added) >= _BATCH:
                self._insert(added)
        self._insert(added)
        found: dict[str, list[int]] = {}
        for row in rows:
            if (problem := self._json.get(row)) is not None:
                found.setdefault(problem, []).append(row)
        return found

    def starts(self, limit: int) -> dict[int, int] | None:
        """Byte offset -> length in bytes of each malformed CSV line; None where there are more than `limit`."""
        if not self.count:
            return {}
        if self.count > limit:
            return None
        sql = f"SELECT byte_offset, bytes FROM {TABLE} WHERE byte_offset IS NOT NULL AND bytes IS NOT NULL"  # noqa: S608
        return {int(offset): int(length) for offset, length in self._con.execute(sql).fetchall()}

    def for_vault(self) -> Iterator[RejectedLine]:
        """The lines themselves, a few at a time. The connection has to be left alone meanwhile."""
        result = self._con.execute(f"SELECT byte_offset, reason, line, bytes FROM {TABLE}")  # noqa: S608
        with self.path.open("rb") as file:
            while rows := result.fetchmany(_BATCH):
                for offset, reason, line, length in rows:
                    if self.has_offsets and offset is not None and "encoding" in reason and length:
                        file.seek(offset)  # the reader shows `?` for what it could not decode
                        line = file.read(length).decode("utf-8", "backslashreplace")
                    yield RejectedLine(str(self.path), offset if self.has_offsets else None, line)

    def _expand_swallowed(self) -> None:
        sql = f"SELECT byte_offset, reason, line FROM {TABLE} WHERE contains(line, chr(10))"  # noqa: S608
        added: list[tuple[int | None, str, str, int | None]] = []
        for offset, reason, text in self._con.execute(sql).fetchall():
            position = offset
            for number, line in enumerate(text.split("\n")):
                if number and line.strip():
                    added.append((position, _IN_QUOTES if "quote" in reason else reason, line.rstrip("\r"), None))
                position += len(line.encode()) + 1
        if added:
            self._con.execute(
                f"UPDATE {TABLE} SET line = split_part(line, chr(10), 1) WHERE contains(line, chr(10))"  # noqa: S608
            )
            self._insert(added)
            self._count()

    def _set_aside(self) -> bool:
        """Whether the CSV reader has set lines aside; if so there is a table to collect them in."""
        try:
            row = self._con.execute(f"SELECT count(*) FROM {REJECTED_LINES}").fetchone()  # noqa: S608
        except duckdb.CatalogException:  # it makes the tables when it first needs them
            return False
        if row is None or not row[0] or self.count:
            return False
        self._create()
        return True

    def _create(self) -> None:
        self._con.execute(
            f"CREATE OR REPLACE TEMP TABLE {TABLE} (byte_offset BIGINT, reason VARCHAR, line VARCHAR, bytes BIGINT)"
        )

    def _clear(self) -> None:
        """Forget what the CSV reader has set aside, be it of another file or of another pass over this one."""
        with suppress(duckdb.CatalogException):  # it makes the tables when it first needs them
            self._con.execute(f"DELETE FROM {REJECTED_LINES}")  # noqa: S608
            self._con.execute(f"DELETE FROM {REJECTED_SCANS}")  # noqa: S608

    def _insert(self, rows: list[tuple[int | None, str, str, int | None]]) -> None:
        if rows:
            if not self.count:
                self._create()
            self.count += len(rows)
            self._con.execute(
                f"INSERT INTO {TABLE} SELECT unnest($1::BIGINT[]), unnest($2::VARCHAR[]), unnest($3::VARCHAR[]), "
                "unnest($4::BIGINT[])",
                [list(column) for column in zip(*rows, strict=True)],
            )
            rows.clear()

    def _count(self) -> None:
        row = self._con.execute(f"SELECT count(*) FROM {TABLE}").fetchone()  # noqa: S608
        self.count = int(row[0]) if row else 0


def _json_problem(line: bytes) -> str | None:
    try:
        record = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return "line: not UTF-8 text"
    except ValueError:
        return "line: not valid JSON"
    return None if isinstance(record, dict) else "line: not a JSON object"
