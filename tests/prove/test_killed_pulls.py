"""kill -9 during a pull, five times at random: the same end state, and under a fifth of the pages asked for again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.killed_pulls import Trackers, kill_after, require_all_once, serving

pytestmark = pytest.mark.prove


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_pull_killed_five_times(seed: int, tmp_path: Path) -> None:
    with serving(Trackers(30_000)) as trackers:
        kill_after(trackers, tmp_path, seed, kills=5)
    require_all_once(trackers, tmp_path)
    print(f"\nseed {seed}: {trackers.asked_again} of {trackers.finished} pages were asked for again")
    assert trackers.asked_again < 0.2 * trackers.finished
