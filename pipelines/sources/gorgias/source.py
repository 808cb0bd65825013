"""Gorgias as a connector: one stream of tickets."""

from __future__ import annotations

from typing import Final

from pipelines.domain.pages import Stream, Window
from pipelines.sources._vendor import Checked, Connector, stream
from pipelines.sources.gorgias.entities import CUTS
from pipelines.sources.gorgias.settings import GorgiasSettings


def streams(source: str, settings: GorgiasSettings) -> tuple[Stream, ...]:
    """The stream of tickets."""
    return (stream(source, settings, "tickets", CUTS),)


def check(settings: GorgiasSettings) -> Checked:
    """Ask for one ticket. Raises SourceError."""
    from pipelines.sources.gorgias import client

    with client.connect(settings, attempts=2) as http:
        page = next(client.tickets(http, Window(), None, size=1))
        found = "tickets are there" if page.records else "no ticket yet"
        return Checked(f"the key works; {found}", http.skew_seconds)


CONNECTOR: Final = Connector("gorgias", GorgiasSettings, CUTS, streams, check)
