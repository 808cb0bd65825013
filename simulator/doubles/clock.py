"""Two clocks: the moment of the world that the vendors show, and the seconds that rate limits count."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime


class Clock:
    """`as_of` moves only when told to. Limits run on real seconds, or on virtual ones that advance with each request.

    A virtual clock lets a demo go at full speed: nothing is ever too fast for it, unless `seconds_per_request` is 0
    (then time stands still until `advance`, which is how tests see a limit without waiting).
    """

    def __init__(self, as_of: datetime, seconds_per_request: float | None = None) -> None:
        self._lock = threading.Lock()
        self._as_of = as_of.astimezone(UTC)
        self.seconds_per_request = seconds_per_request  # None: real time
        self._added = 0.0

    @property
    def as_of(self) -> datetime:
        """The world's moment, UTC."""
        return self._as_of

    @property
    def as_of_us(self) -> int:
        """The world's moment in microseconds since 1970."""
        return int(self._as_of.timestamp()) * 1_000_000 + self._as_of.microsecond

    def set_as_of(self, moment: datetime) -> None:
        """Move the world."""
        with self._lock:
            self._as_of = moment.astimezone(UTC)

    def tick(self) -> None:
        """A request has come in."""
        with self._lock:
            self._added += self.seconds_per_request or 0.0

    def advance(self, seconds: float) -> None:
        """Let the limits' clock run on."""
        with self._lock:
            self._added += seconds

    def seconds(self) -> float:
        """Now, for limits; from an arbitrary start."""
        return self._added + (time.monotonic() if self.seconds_per_request is None else 0.0)
