"""Topics in phrases kept for tests, over several worlds: one alone has few tickets of most phrases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.unit.landing.test_topics_measured import README, TARGET, kept_tickets

pytestmark = pytest.mark.prove


def test_phrases_kept_for_tests_in_four_worlds(tmp_path: Path) -> None:
    right = [one for seed in (11, 21, 22, 23) for one in kept_tickets(tmp_path / str(seed), seed=seed)]
    shown = f"{np.mean(right):.1%} of {len(right):,}"
    print(shown)
    assert shown in README.read_text(encoding="utf-8")
    assert np.mean(right) >= TARGET
