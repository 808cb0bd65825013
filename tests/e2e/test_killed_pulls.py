"""A pull that is killed goes on where its last commit was. tests/prove kills five times, in a larger world."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.killed_pulls import Trackers, kill_after, require_all_once, serving


def test_a_pull_killed_twice_ends_as_if_it_were_not(tmp_path: Path) -> None:
    with serving(Trackers(8_000)) as trackers:
        kill_after(trackers, tmp_path, seed=3, kills=2)
    require_all_once(trackers, tmp_path)
    print(f"{trackers.asked_again} of {trackers.finished} pages were asked for again")
    assert trackers.asked_again < 0.2 * trackers.finished
