"""Deliveries on their way to disk: those that come together are kept together, and each is kept once.

What lives here: grouping, repeats, shedding load. What does not: HTTP (`app`), where they are kept (given as `keep`).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.domain.deliveries import Delivery

_LARGEST_GROUP: Final = 500


@dataclass(frozen=True, slots=True)
class Limits:
    """What the receiver takes on. Sizes in bytes."""

    body_bytes: int = 2 << 20
    waiting_bytes: int = 64 << 20  # of bodies not yet on disk; beyond, senders are asked to come again
    waiting: int = 2_000  # deliveries likewise


class BusyError(Exception):
    """More is waiting to be written than the limits allow."""


class Receiver:
    """Keeps deliveries in groups. `keep` writes a group durably or raises; `known` holds keys of what was kept."""

    def __init__(
        self,
        keep: Callable[[Sequence[Delivery]], None],
        known: set[bytes],
        key_of: Callable[[str, str], bytes],
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self._keep = keep
        self._known = known
        self._key_of = key_of
        self._waiting: dict[bytes, tuple[Delivery, asyncio.Future[None]]] = {}
        self._bytes = 0
        self._writing: asyncio.Task[None] | None = None

    async def receive(self, delivery: Delivery) -> bool:
        """Return once the delivery is durable; False for a repeat. Raises BusyError, or what `keep` raised."""
        delivery = delivery if delivery.id else _named(delivery)
        key = self._key_of(delivery.source, delivery.id)
        if key in self._known:
            return False
        if key in self._waiting:
            await asyncio.shield(self._waiting[key][1])
            return False
        size = len(delivery.body)
        if len(self._waiting) >= self.limits.waiting or self._bytes + size > self.limits.waiting_bytes:
            raise BusyError
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[key] = (delivery, future)
        self._bytes += size
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await asyncio.shield(future)
        return True

    async def _write(self) -> None:
        """Write what waits, group by group; meanwhile the next group gathers."""
        while self._waiting:
            group = dict(list(self._waiting.items())[:_LARGEST_GROUP])
            problem: Exception | None = None
            try:
                await asyncio.to_thread(self._keep, [delivery for delivery, _ in group.values()])
                self._known.update(group)
            except Exception as error:
                problem = error
            for key, (delivery, future) in group.items():
                del self._waiting[key]
                self._bytes -= len(delivery.body)
                if problem is None:
                    future.set_result(None)
                else:
                    future.set_exception(problem)


def _named(delivery: Delivery) -> Delivery:
    """A delivery without an id is known by its content."""
    digest = hashlib.blake2b(delivery.body, digest_size=16).hexdigest()
    return Delivery(delivery.source, delivery.topic, digest, delivery.received_at, delivery.body)
