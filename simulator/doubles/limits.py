"""Rate limits as vendors keep them: so many requests in any stretch of seconds, and a leaking bucket of points."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from simulator.doubles.clock import Clock


class Window:
    """At most `limit` requests within any `seconds` on end. Refused requests do not count."""

    def __init__(self, clock: Clock, limit: int, seconds: float) -> None:
        self.clock, self.limit, self.period = clock, limit, seconds
        self._taken: deque[float] = deque()

    def take(self) -> float:
        """Seconds to wait; 0 when the request is let through."""
        now = self.clock.seconds()
        while self._taken and self._taken[0] <= now - self.period:
            self._taken.popleft()
        if len(self._taken) >= self.limit:
            return max(self._taken[0] + self.period - now, 0.001)
        self._taken.append(now)
        return 0.0

    @property
    def remaining(self) -> int:
        """Requests that would be let through now."""
        return self.limit - len(self._taken)

    @property
    def reset_seconds(self) -> float:
        """Seconds until the window is empty again."""
        return max(self._taken[-1] + self.period - self.clock.seconds(), 0.0) if self._taken else 0.0


@dataclass(slots=True)
class Bucket:
    """Points that are spent by requests and come back at `rate` a second, never more than `size`."""

    clock: Clock
    size: float
    rate: float
    _level: float = -1.0
    _at: float = 0.0

    def available(self) -> float:
        """Points there are now."""
        now = self.clock.seconds()
        self._level = self.size if self._level < 0 else min(self.size, self._level + (now - self._at) * self.rate)
        self._at = now
        return self._level

    def take(self, points: float) -> float:
        """Spend points: seconds to wait for them, 0 when there were enough."""
        missing = points - self.available()
        if missing > 0:
            return max(missing / self.rate, 0.001)
        self._level -= points
        return 0.0

    def give_back(self, points: float) -> None:
        """Refund what was reserved and not needed."""
        self._level = min(self.size, self._level + points)
