"""Adjusted rates on twelve simulated worlds of 27,000 parcels: intervals against their level. Long form: tests/prove."""

from __future__ import annotations

import numpy as np

from tests.e2e.adjusted_rates import Z, model, scores


def test_differences_cover_the_truth_at_their_level_and_lean_to_no_side() -> None:
    found = scores(model(), range(400, 412), days=14, orders_per_day=1800)
    assert len(found) >= 300
    assert 0.93 <= np.mean(np.abs(found) <= Z) <= 0.985
    assert abs(found.mean()) <= 0.25  # a prior that holds lanes together too tightly: -0.9
    assert 0.85 <= found.std() <= 1.1
