"""EasyPost as a connector: one stream of trackers."""

from __future__ import annotations

from typing import Final

from pipelines.domain.pages import Stream, Window
from pipelines.sources._vendor import Checked, Connector, stream
from pipelines.sources.easypost.entities import CUTS
from pipelines.sources.easypost.settings import EasyPostSettings
from pipelines.sources.easypost.webhook import door


def streams(source: str, settings: EasyPostSettings) -> tuple[Stream, ...]:
    """The stream of trackers."""
    return (stream(source, settings, "trackers", CUTS),)


def check(settings: EasyPostSettings) -> Checked:
    """Ask for one tracker. Raises SourceError."""
    from pipelines.sources.easypost import client

    with client.connect(settings, attempts=2) as http:
        page = next(client.trackers(http, Window(), None, size=1))
        found = "trackers are there" if page.records else "no tracker yet"
        return Checked(f"the key works; {found}", http.skew_seconds)


CONNECTOR: Final = Connector("easypost", EasyPostSettings, CUTS, streams, check, door)
