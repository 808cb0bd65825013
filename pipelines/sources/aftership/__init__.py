"""AfterShip: trackings with their checkpoints, those changed since."""

from pipelines.sources.aftership.source import CONNECTOR

__all__ = ["CONNECTOR"]
