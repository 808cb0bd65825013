"""Twelve nights of a shop that changes its mind, three shops: adding up equals building afresh."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.comparing import differences
from tests.e2e.runs import current, refresh
from tests.e2e.shop_world import ShopWorld

pytestmark = pytest.mark.prove


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nights_equal_one_build(seed: int, tmp_path: Path) -> None:
    """Incremental against --full over the same batches, every table, every row."""
    world = ShopWorld(tmp_path / "input", seed)
    data = tmp_path / "data"
    for night in range(12):
        world.next_night()
        refresh(world.settings, data, as_of=world.as_of).expect()
        if night % 3 == 2:
            afresh = shutil.copytree(data, tmp_path / f"afresh-{night}", symlinks=True)
            refresh(world.settings, afresh, as_of=world.as_of, full=True).expect()
            found = differences(current(data), current(afresh))
            assert found == {}, f"seed {seed}, night {night}"
            shutil.rmtree(afresh)
