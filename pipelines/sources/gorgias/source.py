"""Gorgias as a connector: one stream of tickets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pipelines.domain.pages import Page, Stream, Window
from pipelines.sources._vendor import Checked, Connector
from pipelines.sources.gorgias.entities import CUTS
from pipelines.sources.gorgias.settings import GorgiasSettings


@dataclass(slots=True)
class _Tickets:
    """Reads the stream; remembers how far Gorgias's clock is from ours."""

    settings: GorgiasSettings
    skew: float = 0.0

    def read(self, window: Window, cursor: Any) -> Iterator[Page]:
        """Pages of tickets."""
        from pipelines.sources.gorgias import client  # here: it imports the HTTP library

        with client.connect(self.settings) as http:
            for page in client.tickets(http, window, cursor):
                self.skew = http.skew_seconds
                yield page


def streams(source: str, settings: GorgiasSettings) -> tuple[Stream, ...]:
    """The stream of tickets."""
    tickets = _Tickets(settings)
    return (
        Stream(
            source,
            "gorgias",
            "tickets",
            CUTS,
            tickets.read,
            since=settings.first_moment,
            look_back=settings.look_back,
            skew_seconds=lambda: tickets.skew,
        ),
    )


def check(settings: GorgiasSettings) -> Checked:
    """Ask for one ticket. Raises SourceError."""
    from pipelines.sources.gorgias import client

    with client.connect(settings, attempts=2) as http:
        page = next(client.tickets(http, Window(), None, size=1))
        found = "tickets are there" if page.records else "no ticket yet"
        return Checked(f"the key works; {found}", http.skew_seconds)


CONNECTOR: Final = Connector("gorgias", GorgiasSettings, CUTS, streams, check)
