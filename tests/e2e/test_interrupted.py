"""A refresh that is killed, and one that another meets: the published file is whole at every moment."""

from __future__ import annotations

import random
import time
from pathlib import Path

from tests.e2e.comparing import differences
from tests.e2e.fixtures import LittleShop
from tests.e2e.readers import Reader
from tests.e2e.runs import Forked, current, start

LOCKED = 4


def begin(shop: LittleShop) -> Forked:
    """Start a refresh of the shop's last night."""
    return start(shop.world.settings, shop.data_dir, as_of=shop.world.as_of)


def kill_and_complete(shop: LittleShop, seed: int, longest: float) -> float:
    """Start a refresh and kill it at a moment that the seed says, within its usual length; returns the moment in s."""
    moment = random.Random(seed).uniform(0.2, longest)
    started = begin(shop)
    deadline = time.monotonic() + moment
    while started.is_running() and time.monotonic() < deadline:
        time.sleep(0.005)
    if started.is_running():
        started.kill()
    started.wait()
    return moment


def test_killed_refreshes_leave_no_trace(little_shop: LittleShop, tmp_path: Path) -> None:
    """kill -9 at three random moments of the next night; then it completes, and equals an undisturbed one."""
    undisturbed, killed = little_shop.copy_to(tmp_path / "undisturbed"), little_shop.copy_to(tmp_path / "killed")
    for shop in (undisturbed, killed):
        shop.world.next_night()
    usual = begin(undisturbed).wait().expect().wall_seconds
    with Reader(killed.data_dir) as reader:
        for seed in (101, 202, 303):
            print(f"\nseed {seed}: killed after {kill_and_complete(killed, seed, usual):.2f} s of about {usual:.1f} s")
        begin(killed).wait().expect()
        time.sleep(0.2)
    assert reader.problems == []
    assert reader.reads > 20
    assert current(killed.data_dir).name == reader.seen[-1]
    assert differences(current(undisturbed.data_dir), current(killed.data_dir)) == {}
    left_over = [path.name for path in (killed.data_dir / "published").iterdir() if ".tmp" in path.name]
    assert left_over == []


def test_second_refresh_meanwhile(little_shop: LittleShop, tmp_path: Path) -> None:
    """It ends at once and says whose run it is; the first one goes on, and readers read on."""
    shop = little_shop.copy_to(tmp_path)
    shop.world.next_night()
    before = current(shop.data_dir)
    with Reader(shop.data_dir) as reader:
        first = begin(shop)
        lock = shop.data_dir / ".lock"
        while first.is_running() and not lock.read_text().strip():
            time.sleep(0.02)
        second = begin(shop).wait(60)
        assert first.is_running(), "the second one has waited for the first"
        assert second.code == LOCKED
        assert str(first.pid) in second.last_line
        assert "wait" in second.last_line
        assert current(shop.data_dir) == before
        first.wait().expect()
        time.sleep(0.2)
    assert reader.problems == []
    assert len(reader.seen) == 2  # the old file, then the new one
