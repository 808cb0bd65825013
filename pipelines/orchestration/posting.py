"""Landing what the receiver of webhooks has kept: segment by segment, also while a refresh runs.

A segment lands stream by stream, each in one commit that names it; then the spool lets go of it. Wishes about personal
data need the warehouse to themselves: while a refresh runs they go back into the spool.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pipelines.domain.deliveries import Delivery, Door, Opened, Person
from pipelines.domain.errors import LockedError, SettingsError, WherehouseError
from pipelines.domain.pages import Stream
from pipelines.landing import Landing
from pipelines.landing.erasure import erase_customer, standing_still
from pipelines.landing.keys import Keys
from pipelines.landing.spool import Spool
from pipelines.landing.tokens import token
from pipelines.landing.vault import Vault
from pipelines.orchestration.registry import landed_by_vendors
from pipelines.warehouse.lock import writer_lock

_LONGEST_PAUSE: Final = 60.0
REQUESTS: Final = "privacy.jsonl"  # in the data folder: what was asked and done, with tokens for persons


@dataclass(frozen=True, slots=True)
class Entrance:
    """One source's door, and the streams that its deliveries land as."""

    door: Door
    streams: Mapping[str, Stream]


@dataclass(slots=True)
class _Sorted:
    """The deliveries of one segment by what becomes of them."""

    records: dict[tuple[str, str], list[bytes]] = field(default_factory=lambda: defaultdict(list))
    wishes: list[tuple[Delivery, Opened]] = field(default_factory=list)
    unreadable: dict[str, list[Delivery]] = field(default_factory=lambda: defaultdict(list))


class Post:
    """Lands what is in the spool, in a thread of its own between `start` and `stop`."""

    def __init__(
        self,
        landing: Landing,
        spool: Spool,
        keys: Keys,
        entrances: Mapping[str, Entrance],
        *,
        every_seconds: float,
        progress: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._landing, self._spool, self._keys = landing, spool, keys
        self._entrances = entrances
        self._every_seconds = every_seconds
        self._progress = progress
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="post", daemon=True)

    def start(self) -> None:
        """Begin to land."""
        self._thread.start()

    def stop(self) -> None:
        """Land what there is, and end."""
        self._is_over.set()
        self._thread.join()

    def land(self) -> int:
        """Land everything that has come in so far. Returns the number of deliveries. Raises WherehouseError."""
        self._spool.rotate()
        return sum(self._land(segment) for segment in self._spool.waiting())

    def _run(self) -> None:
        pause = self._every_seconds
        while not self._is_over.wait(pause):
            pause = self._turn(pause)
        self._turn(pause)

    def _turn(self, pause: float) -> float:
        """Land, and say how long to wait until the next time: longer and longer while something is in the way."""
        try:
            self.land()
        except Exception as error:
            # whatever it is, receiving goes on: what came in is on the disk, and lands once this is mended
            what = str(error) if isinstance(error, WherehouseError) else f"{type(error).__name__} while landing"
            self._progress(f"{what}; what came in waits in the spool")
            return min(pause * 2, _LONGEST_PAUSE)
        return self._every_seconds

    def _land(self, segment: Path) -> int:
        deliveries = self._spool.read(segment)
        found = self._sorted(deliveries)
        with standing_still(self._landing.data_dir):
            self._store(segment.stem, found)
        if found.wishes:
            self._fulfil(found.wishes)
        self._spool.forget(segment, deliveries)
        return len(deliveries)

    def _store(self, segment: str, found: _Sorted) -> None:
        self._landing.reread_suppressed()
        for (source, name), records in found.records.items():
            outcomes = self._landing.post(segment, self._entrances[source].streams[name], records)
            rows = sum(one.landed for one in outcomes)
            self._progress(f"{source}: {name}: {len(records):,} deliveries, {rows:,} rows landed")
        for source, unreadable in found.unreadable.items():
            self._landing.keep_unreadable(segment, source, unreadable)
            self._progress(f"{source}: {len(unreadable):,} deliveries cannot be read; they are in the vault")

    def _sorted(self, deliveries: Sequence[Delivery]) -> _Sorted:
        found = _Sorted()
        for one in deliveries:
            entrance = self._entrances.get(one.source)
            if entrance is None:
                raise SettingsError(f"the spool holds deliveries for {one.source!r}, which takes no webhooks any more")
            try:
                opened = entrance.door.open(one)
            except ValueError:
                found.unreadable[one.source].append(one)
                continue
            if opened.record:
                found.records[one.source, opened.stream].append(opened.record)
            elif opened.forget or opened.asks_for or opened.forgets_shop:
                found.wishes.append((one, opened))
        return found

    def _fulfil(self, wishes: Sequence[tuple[Delivery, Opened]]) -> None:
        try:
            with writer_lock(self._landing.data_dir, "privacy"):
                for delivery, wish in wishes:
                    self._note(delivery, wish, self._done(delivery, wish))
        except LockedError:
            self._spool.append([delivery for delivery, _ in wishes])
        else:
            self._landing.reread_suppressed()

    def _done(self, delivery: Delivery, wish: Opened) -> dict[str, int]:
        data_dir = self._landing.data_dir
        vault = Vault(data_dir, self._keys)
        if wish.forgets_shop:
            return {"texts": vault.erase_source(delivery.source)}
        if wish.forget is not None and any(self._tokens(wish.forget)):
            person = wish.forget
            done = erase_customer(
                data_dir,
                self._keys,
                customer=person.customer,
                email=person.email,
                phone=person.phone,
                vendors=landed_by_vendors(),
            )
            return {"texts": done.vault.records + done.vault.lines, "tokens": len(done.tokens)}
        if wish.asks_for is not None:
            return {"texts": vault.count(self._tokens(wish.asks_for))}
        return {}

    def _note(self, delivery: Delivery, wish: Opened, done: Mapping[str, int]) -> None:
        person = wish.forget or wish.asks_for
        entry = {
            "topic": delivery.topic,
            "source": delivery.source,
            "received_at": delivery.received_at.isoformat(timespec="seconds"),
            "done_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "person": sorted(self._tokens(person)) if person else [],
            **done,
        }
        with (self._landing.data_dir / REQUESTS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
        self._progress(f"{delivery.source}: {delivery.topic} fulfilled; see {REQUESTS}")

    def _tokens(self, person: Person) -> list[str]:
        given = {"customer": person.customer, "email": person.email, "phone": person.phone}
        return [one for kind, value in given.items() if (one := token(value, kind, self._keys)) is not None]
