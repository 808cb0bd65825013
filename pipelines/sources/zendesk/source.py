"""Zendesk as a connector: one stream of tickets."""

from __future__ import annotations

from typing import Final

from pipelines.domain.pages import Stream, Window
from pipelines.sources._vendor import Checked, Connector, stream
from pipelines.sources.zendesk.entities import cuts
from pipelines.sources.zendesk.settings import ZendeskSettings


def streams(source: str, settings: ZendeskSettings) -> tuple[Stream, ...]:
    """The stream of tickets."""
    return (stream(source, settings, "tickets", cuts(settings)),)


def check(settings: ZendeskSettings) -> Checked:
    """Ask for one ticket. Raises SourceError."""
    from pipelines.sources.zendesk import client

    with client.connect(settings, attempts=2) as http:
        page = next(client.tickets(http, Window(), None, size=1))
        found = "tickets are there" if page.records else "no ticket yet"
        return Checked(f"the token works; {found}", http.skew_seconds)


CONNECTOR: Final = Connector("zendesk", ZendeskSettings, cuts(), streams, check)
