"""kill -9 at ten random moments of a refresh. Three of them run in tests/e2e/test_interrupted.py."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.e2e.comparing import differences
from tests.e2e.fixtures import LittleShop
from tests.e2e.readers import Reader
from tests.e2e.runs import current
from tests.e2e.test_interrupted import begin, kill_and_complete

pytestmark = pytest.mark.prove

SEEDS = range(1, 11)


@pytest.fixture(scope="module")
def undisturbed(little_shop: LittleShop, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """The night that the others are killed in, refreshed in peace: published file, and seconds it took."""
    shop = little_shop.copy_to(tmp_path_factory.mktemp("undisturbed"))
    shop.world.next_night()
    seconds = begin(shop).wait().expect().wall_seconds
    return current(shop.data_dir), seconds


@pytest.mark.parametrize("seed", SEEDS)
def test_killed_once(little_shop: LittleShop, undisturbed: tuple[Path, float], seed: int, tmp_path: Path) -> None:
    """The next run completes and equals the undisturbed one; the reader never saw anything but a whole file."""
    expected, usual = undisturbed
    shop = little_shop.copy_to(tmp_path)
    shop.world.next_night()
    with Reader(shop.data_dir) as reader:
        print(f"\nseed {seed}: killed after {kill_and_complete(shop, seed, usual):.2f} s of about {usual:.1f} s")
        begin(shop).wait().expect()
        time.sleep(0.2)
    assert reader.problems == []
    assert len(reader.seen) in (1, 2)
    assert current(shop.data_dir).name == reader.seen[-1]
    assert differences(expected, current(shop.data_dir)) == {}
