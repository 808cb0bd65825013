"""AfterShip as a connector: one stream of trackings."""

from __future__ import annotations

from typing import Final

from pipelines.domain.pages import Stream, Window
from pipelines.sources._vendor import Checked, Connector, stream
from pipelines.sources.aftership.entities import CUTS
from pipelines.sources.aftership.settings import AfterShipSettings
from pipelines.sources.aftership.webhook import door


def streams(source: str, settings: AfterShipSettings) -> tuple[Stream, ...]:
    """The stream of trackings."""
    return (stream(source, settings, "trackings", CUTS),)


def check(settings: AfterShipSettings) -> Checked:
    """Ask for one tracking. Raises SourceError."""
    from pipelines.sources.aftership import client

    with client.connect(settings, attempts=2) as http:
        page = next(client.trackings(http, Window(), None, size=1))
        found = "trackings are there" if page.records else "no tracking yet"
        return Checked(f"the key works; {found}", http.skew_seconds)


CONNECTOR: Final = Connector("aftership", AfterShipSettings, CUTS, streams, check, door)
