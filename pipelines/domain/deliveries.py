"""Webhooks in plain data: what a vendor delivered, and how its folder tells a genuine delivery from a forged one.

Each vendor's folder makes its `Door`; `pipelines.sources.webhooks` opens it to the network; `pipelines.landing` keeps
what came through. None of them imports another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

Headers = Mapping[str, str]  # names in lower case


@dataclass(frozen=True, slots=True)
class Delivery:
    """One genuine delivery. Repeats of it share `id`; `received_at` is UTC."""

    source: str
    topic: str
    id: str
    received_at: datetime
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whom a vendor tells us to forget, by whatever the vendor knows."""

    customer: str | None = None
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """What is in a delivery: the record of a stream, or a wish about personal data. Neither: nothing that lands."""

    stream: str = ""
    record: bytes = field(default=b"", repr=False)
    forget: Person | None = None
    forgets_shop: bool = False  # everything that the source has sent
    asks_for: Person | None = None  # what do you hold about this person?


@dataclass(frozen=True, slots=True)
class Door:
    """How one source's webhooks are recognised and read.

    `is_genuine` compares the signature over the raw body, in constant time. `identify` gives topic and id of a genuine
    delivery; the id is empty where the vendor sends none, or where the body cannot be read. `open` raises ValueError
    for a body that is not what the topic promises.
    """

    is_genuine: Callable[[Headers, bytes], bool]
    identify: Callable[[Headers, bytes], tuple[str, str]]
    open: Callable[[Delivery], Opened] = lambda delivery: Opened()
