"""EasyPost as a connector: one stream of trackers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from pipelines.domain.pages import Page, Stream, Window
from pipelines.sources._vendor import Checked, Connector
from pipelines.sources.easypost.entities import CUTS
from pipelines.sources.easypost.settings import EasyPostSettings
from pipelines.sources.easypost.webhook import door


@dataclass(slots=True)
class _Trackers:
    """Reads the stream; remembers how far EasyPost's clock is from ours."""

    settings: EasyPostSettings
    skew: float = 0.0

    def read(self, window: Window, cursor: Any) -> Iterator[Page]:
        """Pages of trackers."""
        from pipelines.sources.easypost import client  # here: it imports the HTTP library

        with client.connect(self.settings) as http:
            for page in client.trackers(http, window, cursor):
                self.skew = http.skew_seconds
                yield page


def streams(source: str, settings: EasyPostSettings) -> tuple[Stream, ...]:
    """The stream of trackers."""
    trackers = _Trackers(settings)
    return (
        Stream(
            source,
            "easypost",
            "trackers",
            CUTS,
            trackers.read,
            since=settings.first_moment,
            look_back=settings.look_back,
            skew_seconds=lambda: trackers.skew,
        ),
    )


def check(settings: EasyPostSettings) -> Checked:
    """Ask for one tracker. Raises SourceError."""
    from pipelines.sources.easypost import client

    with client.connect(settings, attempts=2) as http:
        page = next(client.trackers(http, Window(), None, size=1))
        found = "trackers are there" if page.records else "no tracker yet"
        return Checked(f"the key works; {found}", http.skew_seconds)


CONNECTOR: Final = Connector("easypost", EasyPostSettings, CUTS, streams, check, door)
