"""What end-to-end tests share. They run the command as a process of its own (runs.py); its tests import nothing of the product."""

from __future__ import annotations

import pytest

for module in ("olist_checks", "retail_checks", "yardstick_checks", "carrier_checks", "runs", "comparing"):
    pytest.register_assert_rewrite(f"tests.e2e.{module}")

from tests.e2e.fixtures import little_shop, shared_data, yardstick, yardstick_scripts  # noqa: E402

__all__ = ["little_shop", "shared_data", "yardstick", "yardstick_scripts"]
