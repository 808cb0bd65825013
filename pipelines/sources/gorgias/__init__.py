"""Gorgias: tickets, those changed last first."""

from pipelines.sources.gorgias.source import CONNECTOR

__all__ = ["CONNECTOR"]
