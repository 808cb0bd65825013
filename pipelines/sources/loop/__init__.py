"""Loop: returns with their lines, those changed since."""

from pipelines.sources.loop.source import CONNECTOR

__all__ = ["CONNECTOR"]
