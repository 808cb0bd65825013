"""What a vendor's source hands to landing: pages of records as the vendor says them, and what to cut from them.

Plain data only. `pipelines.sources.<vendor>` makes it, `pipelines.landing` executes it: neither imports the other.
A `Stream` is cheap: nothing is asked of the vendor until landing, which knows how far it got, calls `read`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pipelines.domain.entities import Entity
from pipelines.domain.errors import SourceError


class CredentialsError(SourceError):
    """The vendor refuses the key. Asking again would not help."""


class CursorLostError(SourceError):
    """The vendor does not know the place any more where a pull wanted to go on; it has to start over."""


@dataclass(frozen=True, slots=True)
class Cut:
    """One landed entity and where its values stand in the records of a stream. Field names are the vendor's.

    `each` are the lists to go down, outermost first: () cuts one row a record, ("fulfillments", "events.nodes") one
    row per event of each fulfilment. A path is a field's place from there, by default the field's own name:
    `carrier_detail.service`; `^id` is one level up, `^^id` two; `custom_fields[id=42].value` looks into a list of
    named values, `nodes[0].id` into a list by place; `?checkpoint_time` (a FLAG) is whether the time there lacks an
    offset.
    """

    entity: Entity
    each: tuple[str, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Window:
    """What a pull asks for: records changed (or created, where a vendor knows nothing better) in [since, until).

    None is no bound. `bookmark` is the last cursor of the pull before, for vendors whose cursors never end.
    """

    since: datetime | None = None
    until: datetime | None = None
    bookmark: Any = None

    def __str__(self) -> str:
        since = "the beginning" if self.since is None else f"{self.since.astimezone(UTC):%Y-%m-%d %H:%M}"
        return f"from {since}" + ("" if self.until is None else f" to {self.until.astimezone(UTC):%Y-%m-%d %H:%M}")


@dataclass(frozen=True, slots=True)
class Page:
    """Records, each as the bytes of its JSON, and the cursor (anything JSON can say) that goes on after them."""

    records: Sequence[bytes]
    cursor: Any = None


@dataclass(frozen=True, slots=True)
class Stream:
    """One of a vendor's collections. The first cut is the record itself, and its key tells records apart.

    `read` yields pages from a cursor on (None: from the start of the window) and ends when there are no more. It
    raises SourceError, and CursorLostError for a cursor that the vendor does not take any more.
    """

    source: str
    connector: str
    name: str
    cuts: tuple[Cut, ...]
    read: Callable[[Window, Any], Iterator[Page]]
    since: datetime | None = None  # where the first pull starts; none before it ever asks for more
    look_back: timedelta = timedelta(hours=1)  # how far a pull reads again what the one before has read
    skew_seconds: Callable[[], float] = lambda: 0.0  # of the vendor's clock, as last seen
    count: Callable[[Window], int | None] = lambda window: None  # records of a window, where the vendor tells
    pushed_as: tuple[str, ...] = ()  # streams in which webhooks bring the same records, in other words


@dataclass(frozen=True, slots=True)
class Budget:
    """When a pull stops for now, though there is more; the next one goes on where it stopped. 0: never."""

    pages: int = 0
    minutes: float = 0.0
