"""EasyPost: trackers with their tracking details, by re-listing the trackers created in the last weeks."""

from pipelines.sources.easypost.source import CONNECTOR

__all__ = ["CONNECTOR"]
