"""Returns, in full: two hundred worlds where nothing is wrong, twenty with defects."""

from __future__ import annotations

import pytest

from tests.unit.warehouse.test_return_excess import null_worlds, planted_in_top

pytestmark = pytest.mark.prove


def test_nothing_is_listed_where_nothing_is_wrong() -> None:
    skus, sizes = null_worlds(200)
    assert skus <= 0.08 * 200
    assert sizes <= 0.08 * 200


@pytest.mark.parametrize("seed", range(1, 21))
def test_defective_skus_stand_out(seed: int) -> None:
    assert planted_in_top(seed) >= 8
