"""What goes wrong, when: switchable by vendor and kind, on a schedule that follows from the seed and request numbers.

A fault is a table of settings under `[vendor.kind]` ("all" for every vendor): `rate` (share of requests), or `every`
(each n-th), or `at` (request numbers from 1); `burst` (that many requests in a row); and what the kind itself takes.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pipelines.domain.errors import SettingsError

KINDS: Final[dict[str, frozenset[str]]] = {
    # refused before anything is read
    "rate_limited": frozenset({"retry_after"}),  # 429 with Retry-After; may be negative or not a number
    "rate_limited_bare": frozenset(),  # 429 without
    "server_error": frozenset({"status"}),
    "expired_key": frozenset({"after"}),  # every request from number `after` + 1 on
    "redirect": frozenset({"location"}),
    "token_in_error": frozenset(),  # a 500 whose body repeats the credentials that were sent
    # an answer that does not arrive as it should
    "slow": frozenset({"seconds"}),
    "reset": frozenset(),  # connection reset in the middle of the body
    "truncated": frozenset(),  # a whole answer of half a document
    "html": frozenset(),
    "huge_body": frozenset({"bytes"}),
    "gzip_bomb": frozenset({"bytes"}),
    "clock_skew": frozenset({"seconds"}),  # the Date header
    # an answer that is not what it was, or not what anyone expected
    "shift": frozenset({"records"}),
    "duplicates": frozenset({"records"}),
    "edited": frozenset({"records"}),
    "unknown_enum": frozenset({"records"}),
    "naive_times": frozenset(),
}
SCHEDULE: Final = frozenset({"rate", "every", "at", "burst"})


@dataclass(frozen=True, slots=True)
class Trouble:
    """The faults that strike one request: settings by kind; and a number that decides details."""

    number: int = 0
    kinds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    dice: int = 0

    def __contains__(self, kind: str) -> bool:
        return kind in self.kinds

    def get(self, kind: str, name: str, default: Any) -> Any:
        """A setting of a fault that strikes."""
        return self.kinds.get(kind, {}).get(name, default)

    def records(self, kind: str, default: int) -> int:
        """How many records a fault touches; 0 when it does not strike."""
        return int(self.get(kind, "records", default)) if kind in self else 0


def _number(*parts: object) -> int:
    return int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=8).digest(), "big")


class Faults:
    """Settings, and one counter of requests a vendor."""

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        self.settings: dict[str, dict[str, dict[str, Any]]] = {}
        self.seed = 0
        self.numbers: dict[str, int] = {}
        self.struck: dict[str, dict[str, int]] = {}
        self.replace(settings or {})

    def replace(self, settings: Mapping[str, Any]) -> None:
        """Take new settings; counters start again. Raises SettingsError for what is not known."""
        checked: dict[str, dict[str, dict[str, Any]]] = {}
        for vendor, kinds in settings.items():
            if vendor == "seed":
                continue
            if not isinstance(kinds, Mapping):
                raise SettingsError(f"faults of {vendor!r} must be a table of kinds")
            checked[vendor] = {kind: self._checked(vendor, kind, values) for kind, values in kinds.items()}
        self.settings, self.seed = checked, int(settings.get("seed", 0))
        self.numbers, self.struck = {}, {}

    @staticmethod
    def _checked(vendor: str, kind: str, values: Any) -> dict[str, Any]:
        if kind not in KINDS:
            raise SettingsError(f"no fault named {kind!r}; choose from {', '.join(KINDS)}")
        if not isinstance(values, Mapping):
            raise SettingsError(f"fault {vendor}.{kind} must be a table such as {{ rate = 0.05 }}")
        unknown = set(values) - SCHEDULE - KINDS[kind]
        if unknown:
            raise SettingsError(f"fault {vendor}.{kind} does not take {sorted(unknown)[0]!r}")
        return dict(values)

    @classmethod
    def read(cls, path: Path) -> Faults:
        """Settings from a TOML or JSON file."""
        text = path.read_text(encoding="utf-8")
        return cls(json.loads(text) if path.suffix == ".json" else tomllib.loads(text))

    def draw(self, vendor: str) -> Trouble:
        """Count a request and say what strikes it."""
        number = self.numbers.get(vendor, 0) + 1
        self.numbers[vendor] = number
        kinds: dict[str, Mapping[str, Any]] = {}
        for scope in ("all", vendor):
            for kind, values in self.settings.get(scope, {}).items():
                if self._strikes(vendor, kind, values, number):
                    kinds[kind] = values
        for kind in kinds:
            counts = self.struck.setdefault(vendor, {})
            counts[kind] = counts.get(kind, 0) + 1
        return Trouble(number, kinds, _number(self.seed, vendor, "dice", number))

    def _strikes(self, vendor: str, kind: str, values: Mapping[str, Any], number: int) -> bool:
        if kind == "expired_key" and "after" in values:
            return number > int(values["after"])
        first = max(number - int(values.get("burst", 1)) + 1, 1)
        return any(self._starts(vendor, kind, values, place) for place in range(first, number + 1))

    def _starts(self, vendor: str, kind: str, values: Mapping[str, Any], number: int) -> bool:
        if "at" in values:
            return number in values["at"]
        if "every" in values:
            return number % int(values["every"]) == 0
        return _number(self.seed, vendor, kind, number) < float(values.get("rate", 1.0)) * 2**64
