"""Loop as a connector: one stream of returns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from pipelines.domain.pages import Stream, Window
from pipelines.sources._vendor import Checked, Connector, stream
from pipelines.sources.loop.entities import CUTS
from pipelines.sources.loop.settings import LoopSettings
from pipelines.sources.loop.webhook import door


def streams(source: str, settings: LoopSettings) -> tuple[Stream, ...]:
    """The stream of returns."""
    return (stream(source, settings, "returns", CUTS),)


def check(settings: LoopSettings) -> Checked:
    """Ask for the returns of the last days. Raises SourceError."""
    from pipelines.sources.loop import client

    with client.connect(settings, attempts=2) as http:
        month = Window(since=datetime.now(UTC) - timedelta(days=30))
        page = next(client.returns(http, month, None, size=1))
        found = "returns changed in the last 30 days" if page.records else "no return changed in the last 30 days"
        return Checked(f"the key works; {found}", http.skew_seconds)


CONNECTOR: Final = Connector("loop", LoopSettings, CUTS, streams, check, door)
