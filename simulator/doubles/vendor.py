"""What all doubles share: a key, a limit, a collection, and the order in which a request is judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from simulator.doubles.answers import Answer, Call
from simulator.doubles.book import Book
from simulator.doubles.clock import Clock

UNKNOWN_WORD = "not_seen_before"


@dataclass(slots=True)
class Setting:
    """What doubles are made from."""

    book: Book
    clock: Clock
    returns_in: str = "split"  # loop, shopify, both; split: returns from the United States in Loop, others in Shopify
    tickets_in: str = "split"  # zendesk, gorgias, both; split: chat and social in Gorgias, the rest in Zendesk
    shopify_plan: str = "standard"
    altered: list[dict[str, Any]] = field(default_factory=list)

    def note(self, vendor: str, record: str, name: str, true: Any, sent: Any) -> None:
        """Keep what a fault changed in a record, so that a test can tell invention from fault."""
        self.altered.append({"vendor": vendor, "record": record, "field": name, "true": true, "sent": sent})


class Double(Protocol):
    """One vendor's API."""

    name: str
    key: str

    def access(self) -> dict[str, str]:
        """What a client needs besides the base address: key, and user where there is one."""
        ...

    def refused(self, call: Call) -> Answer | None:
        """The answer to a request without a valid key; None when it has one."""
        ...

    def bad_key(self) -> Answer:
        """The answer to a key that is not valid (any more)."""
        ...

    def limited(self, wait: float) -> tuple[int, Any]:
        """Status and body of a 429 (the headers are the fault's or the limit's)."""
        ...

    def answer(self, call: Call) -> Answer:
        """Answer a request whose key is good, within the limits or not."""
        ...
