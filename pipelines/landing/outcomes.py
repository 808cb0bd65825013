"""What became of one file and entity: the counts that have to add up, and one line for the person in charge."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

ACCEPTED: Final = "accepted"  # landed, listed, visible downstream
HELD: Final = "held"  # landed, invisible until released: too many rows were rejected
KNOWN: Final = "known"  # this content with this mapping has landed before
INCOMPLETE: Final = "incomplete"  # not whole yet, or changing; left for the next time
EMPTY: Final = "empty"  # not a byte in it
FAILED: Final = "failed"  # cannot be taken as it is; the message says what to do


@dataclass(frozen=True, slots=True)
class Outcome:
    """One file and entity. Where it landed: read = landed + quarantined + duplicate + not_applicable.

    `retired` counts tombstones of a snapshot, which are rows of ours and not read. Times are UTC, ISO 8601.
    """

    source: str
    connector: str
    entity: str
    label: str
    file: str
    outcome: str
    message: str = ""
    notes: tuple[str, ...] = ()
    batch_id: str = ""
    seq: int = 0
    path: str = ""  # of the landed Parquet file, relative to the data folder; empty where no row landed
    quarantine_path: str = ""
    read: int = 0
    landed: int = 0
    quarantined: int = 0
    duplicate: int = 0
    not_applicable: int = 0
    retired: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)  # rows by reason; a row may have several
    min_at: str | None = None
    max_at: str | None = None
    bytes: int = 0
    landed_at: str = ""
    seconds: float = 0.0

    @property
    def is_gap(self) -> bool:
        """Whether something that should be there is not visible downstream."""
        return self.outcome in (HELD, FAILED)

    def as_json(self) -> str:
        """The outcome as one JSON object."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Outcome:
        """The outcome that `as_json` wrote. Fields that this version does not know are ignored."""
        values: dict[str, Any] = json.loads(text)
        known = {name: value for name, value in values.items() if name in cls.__dataclass_fields__}
        return cls(**known | {"notes": tuple(known.get("notes", ()))})
