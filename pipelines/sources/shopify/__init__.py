"""Shopify: orders with all that hangs on them, and carriers' events as the shop hears of them, over Admin GraphQL."""

from pipelines.sources.shopify.source import CONNECTOR

__all__ = ["CONNECTOR"]
