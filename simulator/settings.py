"""The simulated merchant's settings (`world.toml`) and what one run asks for. No randomness lives here."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

from pipelines.domain.errors import SettingsError

WORLD_FILE: Final = Path(__file__).with_name("world.toml")
EPOCH: Final = date(1970, 1, 1)
DAY: Final = 86_400  # seconds
REACH_DAYS: Final = 330  # nothing that an order causes arrives later than this after the day that caused it


@cache
def world_settings() -> Mapping[str, Any]:
    """The committed settings of the world, as read from `world.toml`."""
    return tomllib.loads(WORLD_FILE.read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Request:
    """Which world: seed, first day, days of orders, volume, planted scenarios, part of the phrase bank.

    Raises SettingsError for an unknown scenario or a volume that cannot be.
    """

    seed: int = 7
    first_day: date = date(2026, 8, 3)
    days: int = 60
    orders_per_day: float = 500
    scenarios: frozenset[str] = field(default_factory=frozenset)
    phrases: str = "open"  # open, kept, both

    def __post_init__(self) -> None:
        unknown = sorted(self.scenarios - set(world_settings()["scenarios"]))
        if unknown:
            known = ", ".join(world_settings()["scenarios"])
            raise SettingsError(f"no scenario named {unknown[0]!r}; choose from {known}")
        if self.days < 1 or not 0 < self.orders_per_day <= 1_000_000:
            raise SettingsError("a world needs at least one day and between 1 and 1,000,000 orders a day")
        if self.phrases not in ("open", "kept", "both"):
            raise SettingsError(f"phrases are 'open', 'kept' or 'both', not {self.phrases!r}")
        if self.first_day < date(2015, 1, 1):
            raise SettingsError("the first day must not lie before 2015-01-01")

    @property
    def start(self) -> int:
        """First day of orders, in days since 1970-01-01."""
        return (self.first_day - EPOCH).days

    @property
    def end(self) -> int:
        """Day after the last day of orders."""
        return self.start + self.days
