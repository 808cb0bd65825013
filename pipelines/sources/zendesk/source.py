"""Zendesk as a connector: one stream of tickets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pipelines.domain.pages import Page, Stream, Window
from pipelines.sources._vendor import Checked, Connector
from pipelines.sources.zendesk.entities import cuts
from pipelines.sources.zendesk.settings import ZendeskSettings


@dataclass(slots=True)
class _Tickets:
    """Reads the stream; remembers how far Zendesk's clock is from ours."""

    settings: ZendeskSettings
    skew: float = 0.0

    def read(self, window: Window, cursor: Any) -> Iterator[Page]:
        """Pages of tickets."""
        from pipelines.sources.zendesk import client  # here: it imports the HTTP library

        with client.connect(self.settings) as http:
            for page in client.tickets(http, window, cursor):
                self.skew = http.skew_seconds
                yield page


def streams(source: str, settings: ZendeskSettings) -> tuple[Stream, ...]:
    """The stream of tickets."""
    tickets = _Tickets(settings)
    return (
        Stream(
            source,
            "zendesk",
            "tickets",
            cuts(settings),
            tickets.read,
            since=settings.first_moment,
            look_back=settings.look_back,
            skew_seconds=lambda: tickets.skew,
        ),
    )


def check(settings: ZendeskSettings) -> Checked:
    """Ask for one ticket. Raises SourceError."""
    from pipelines.sources.zendesk import client

    with client.connect(settings, attempts=2) as http:
        page = next(client.tickets(http, Window(), None, size=1))
        found = "tickets are there" if page.records else "no ticket yet"
        return Checked(f"the token works; {found}", http.skew_seconds)


CONNECTOR: Final = Connector("zendesk", ZendeskSettings, cuts(), streams, check)
