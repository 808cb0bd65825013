"""A request as a double sees it, its answer, and the forms of times and money that several vendors share."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from simulator.doubles.faults import Trouble

EPOCH = datetime(1970, 1, 1)


@dataclass(slots=True)
class Call:
    """One request: path below the vendor's base address, which is `base_url`."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    base_url: str = ""
    trouble: Trouble = field(default_factory=Trouble)

    def basic(self) -> tuple[str, str] | None:
        """User and password of basic auth."""
        kind, _, value = self.headers.get("authorization", "").partition(" ")
        if kind.lower() != "basic":
            return None
        try:
            user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except ValueError:
            return None
        return user, password


@dataclass(slots=True)
class Answer:
    """Status, JSON content (or finished bytes, or lines to stream) and headers."""

    status: int
    content: Any
    headers: dict[str, str] = field(default_factory=dict)
    media: str = "application/json"

    def body(self) -> bytes:
        """The bytes of the content, unless it streams."""
        if isinstance(self.content, bytes):
            return self.content
        if isinstance(self.content, str):
            return self.content.encode()
        return msgspec.json.encode(self.content)


Lines = Iterator[bytes]


def moment(us: int) -> datetime:
    """Microseconds since 1970 as UTC without a zone."""
    return EPOCH + timedelta(microseconds=us)


def zulu(at: datetime | None) -> str | None:
    """2026-10-02T04:00:00Z; whole seconds."""
    return None if at is None else at.isoformat(timespec="seconds") + "Z"


def plus_zero(at: datetime | None) -> str | None:
    """2026-10-02T04:00:00+00:00."""
    return None if at is None else at.isoformat(timespec="seconds") + "+00:00"


def money(cents: int) -> str:
    """Exact text of an amount with two decimals."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def parse_time(text: str) -> int | None:
    """Microseconds since 1970 of an ISO date or time (UTC without an offset); None when it is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return int(at.timestamp()) * 1_000_000 + at.microsecond


def digits(*parts: object, limit: int = 10**12) -> int:
    """A number that follows from the parts; ids that the world does not have."""
    raw = hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=8).digest()
    return 1 + int.from_bytes(raw, "big") % limit


def hexadecimal(*parts: object) -> str:
    """32 hexadecimal digits that follow from the parts."""
    return hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=16).hexdigest()


def pack_cursor(*values: int) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def unpack_cursor(text: str) -> tuple[int, int] | None:
    """The two numbers of a cursor; None for anything else."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        values = msgspec.json.decode(raw, type=tuple[int, int])
    except (ValueError, msgspec.MsgspecError):
        return None
    return values
