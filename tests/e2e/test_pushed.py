"""Deliveries pushed as fast as the receiver takes them, and the receiver killed. tests/prove pushes 100,000."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.e2e import pushing


def test_what_was_acknowledged_lands_once_whatever_is_killed(tmp_path: Path) -> None:
    port = pushing.free_port()
    started = pushing.listen(tmp_path, port)
    with pushing.Pusher(port, 2_000, redelivered=0.05, forged=0.01, threads=4) as pusher:
        while len(pusher.sent.acknowledged) < 900:
            time.sleep(0.01)
        started.kill()
        started.wait()
        started = pushing.listen(tmp_path, port)
    started.process.send_signal(signal.SIGTERM)
    started.wait().expect()
    pushing.require_exactly_once(pusher.sent, tmp_path, 2_000, 20)
