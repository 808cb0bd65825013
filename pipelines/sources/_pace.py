"""How often a vendor may be asked, kept from our side so that its limit is never met."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final

LONGEST_WAIT: Final = 300.0  # seconds; a vendor that asks for more is asked again after that
_MARGIN: Final = 1.05  # of a window: requests do not travel equally fast


class Pace:
    """At most `limit` requests in any `seconds`, from all threads; and none while a vendor wants none."""

    def __init__(
        self,
        limit: int,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limit, self._seconds = limit, seconds * _MARGIN
        self._clock, self._sleep = clock, sleep
        self._sent: deque[float] = deque()
        self._not_before = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when a request may be sent."""
        while (seconds := self._take()) > 0:
            self._sleep(seconds)

    def pause(self, seconds: float) -> None:
        """Send nothing for so long."""
        with self._lock:
            self._not_before = max(self._not_before, self._clock() + min(seconds, LONGEST_WAIT))

    def _take(self) -> float:
        """Seconds to wait before asking again; 0: the request counts as sent."""
        with self._lock:
            now = self._clock()
            if now < self._not_before:
                return self._not_before - now
            while self._sent and self._sent[0] <= now - self._seconds:
                self._sent.popleft()
            if len(self._sent) >= self._limit:
                return max(self._sent[0] + self._seconds - now, 0.001)
            self._sent.append(now)
            return 0.0
