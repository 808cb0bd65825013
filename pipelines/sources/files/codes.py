"""The CSV files that say what a source's status codes and return reasons mean. Codes they lack stay unknown."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipelines.domain.errors import SettingsError
from pipelines.domain.milestones import FAULTS, MILESTONES, RETURN_REASON_GROUPS


@dataclass(frozen=True, slots=True)
class StatusCode:
    """What one status code means; `carrier` None: for every carrier of the source."""

    status_code: str
    milestone: str
    incident: str | None = None
    carrier: str | None = None


@dataclass(frozen=True, slots=True)
class ReasonCode:
    """What one return reason code means, and whose fault it is."""

    reason_code: str
    reason: str
    reason_group: str
    reason_fault: str


def read_status_map(path: Path | None, setting: str) -> list[StatusCode]:
    """Rows of a status map (status_code, milestone[, incident][, carrier][, comment]).

    Raises SettingsError naming file, line and what is allowed.
    """
    rows: dict[tuple[str, str | None], StatusCode] = {}
    for where, row in _rows(path, setting, ("status_code", "milestone")):
        if row["milestone"] not in MILESTONES:
            raise SettingsError(f"{where}: {row['milestone']!r} is not a milestone; one of {', '.join(MILESTONES)}")
        incident = row.get("incident") or None
        if incident and incident != "unknown" and incident.split("_")[0] not in FAULTS:
            raise SettingsError(f"{where}: incident {incident!r} must start with one of {', '.join(FAULTS)} and _")
        code = StatusCode(row["status_code"], row["milestone"], incident, row.get("carrier") or None)
        if (code.status_code, code.carrier) in rows:
            raise SettingsError(f"{where}: status code {code.status_code!r} stands twice")
        rows[code.status_code, code.carrier] = code
    return list(rows.values())


def read_reason_map(path: Path | None, setting: str) -> list[ReasonCode]:
    """Rows of a reason map (reason_code, reason, reason_group, reason_fault[, comment]).

    Raises SettingsError naming file, line and what is allowed.
    """
    rows: dict[str, ReasonCode] = {}
    for where, row in _rows(path, setting, ("reason_code", "reason", "reason_group", "reason_fault")):
        for column, allowed in (("reason_group", RETURN_REASON_GROUPS), ("reason_fault", FAULTS)):
            if row[column] not in allowed:
                raise SettingsError(f"{where}: {column} {row[column]!r} is not one of {', '.join(allowed)}")
        if row["reason_code"] in rows:
            raise SettingsError(f"{where}: reason code {row['reason_code']!r} stands twice")
        rows[row["reason_code"]] = ReasonCode(
            row["reason_code"], row["reason"], row["reason_group"], row["reason_fault"]
        )
    return list(rows.values())


def _rows(path: Path | None, setting: str, needed: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    if path is None:
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            absent = [name for name in needed if name not in (reader.fieldnames or [])]
            if absent:
                raise SettingsError(f"{path}: column {absent[0]!r} is not there (setting '{setting}')")
            for row in reader:
                clean = {key: (value or "").strip() for key, value in row.items() if key is not None}
                if any(clean.values()):
                    yield f"{path} line {reader.line_num}", clean
    except OSError as error:
        raise SettingsError(f"setting '{setting}': {path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SettingsError(f"setting '{setting}': {path} is not UTF-8 text") from None
