"""Zendesk: tickets, by the incremental export."""

from pipelines.sources.zendesk.source import CONNECTOR

__all__ = ["CONNECTOR"]
