"""100,000 deliveries as fast as this machine takes them, while the receiver is killed and refreshes run beside it."""

from __future__ import annotations

import random
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.e2e import pushing, runs
from tests.e2e.killed_pulls import Trackers, serving

pytestmark = pytest.mark.prove

COUNT = 100_000
KILLS = 3


def test_every_acknowledged_delivery_lands_once_and_every_forged_one_is_refused(tmp_path: Path) -> None:
    port = pushing.free_port()
    chance = random.Random(5)
    over = threading.Event()
    refreshes: list[runs.Run] = []

    def refresh_on(address: str) -> None:
        while not over.is_set():
            refreshes.append(_refresh(tmp_path))

    with serving(Trackers(500)) as trackers:
        started = pushing.listen(tmp_path, port, trackers.address)
        beside = threading.Thread(target=refresh_on, args=(trackers.address,))
        beside.start()
        began = time.monotonic()
        with pushing.Pusher(port, COUNT, redelivered=0.05, forged=0.01, threads=16) as pusher:
            for share in sorted(chance.uniform(0.1, 0.9) for _ in range(KILLS)):
                while len(pusher.sent.acknowledged) < share * COUNT:
                    time.sleep(0.01)
                started.kill()
                started.wait()
                started = pushing.listen(tmp_path, port, trackers.address)
        seconds = time.monotonic() - began
        over.set()
        beside.join()
        started.process.send_signal(signal.SIGTERM)
        ended = started.wait().expect()
        last = _refresh(tmp_path)
    pushing.require_exactly_once(pusher.sent, tmp_path, COUNT, COUNT // 100)
    assert [one.code for one in refreshes] == [0] * len(refreshes) and last.code == 0
    published = runs.rows(
        tmp_path / "data", "select count(*) from marts.fct_shipments where tracking_number like '1Z%'"
    )
    print(
        f"\n{len(refreshes)} refreshes beside; {COUNT / seconds:,.0f} deliveries/s; answers {dict(pusher.sent.statuses)}"
    )
    print(f"the last receiver took {ended.cpu_seconds:.0f} CPU s; {published[0][0]:,} parcels published")
    assert published[0][0] >= COUNT // 4


def _refresh(folder: Path) -> runs.Run:
    return runs.refresh(
        folder / "wherehouse.toml",
        folder / "data",
        as_of="2026-04-15T00:00:00Z",
        environment={"EASYPOST_API_KEY": "EZAK-pushed"},
    )
