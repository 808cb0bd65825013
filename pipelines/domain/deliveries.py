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
class Door:
    """How one source's webhooks are recognised.

    `is_genuine` compares the signature over the raw body, in constant time. `identify` gives topic and id of a genuine
    delivery; the id is empty where the vendor sends none, or where the body cannot be read.
    """

    is_genuine: Callable[[Headers, bytes], bool]
    identify: Callable[[Headers, bytes], tuple[str, str]]
