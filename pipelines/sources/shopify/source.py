"""Shopify as a connector: a stream of orders with all that hangs on them, and one of carriers' events."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from pipelines.domain.pages import Stream, Window
from pipelines.sources._vendor import Checked, Connector, stream
from pipelines.sources.shopify.entities import event_cuts, order_cuts
from pipelines.sources.shopify.settings import ShopifySettings
from pipelines.sources.shopify.webhook import PUSHED, door, hooks


def streams(source: str, settings: ShopifySettings) -> tuple[Stream, ...]:
    """Orders, and events unless a tracking service is asked for them."""

    def count(window: Window) -> int:
        from pipelines.sources.shopify import client

        with client.connect(settings, attempts=2) as http:
            return client.count(http, window)

    orders = replace(stream(source, settings, "orders", order_cuts(settings)), count=count, pushed_as=PUSHED)
    events = stream(source, settings, "events", event_cuts())
    return (orders, events) if settings.fulfillment_events else (orders,)


def check(settings: ShopifySettings) -> Checked:
    """Ask how many orders changed since yesterday. Raises SourceError."""
    from pipelines.sources.shopify import client

    with client.connect(settings, attempts=2) as http:
        changed = client.count(http, Window(since=datetime.now(UTC) - timedelta(days=1)))
        return Checked(f"the token works; {changed:,} orders changed since yesterday", http.skew_seconds)


CONNECTOR: Final = Connector("shopify", ShopifySettings, (*order_cuts(), *event_cuts()), streams, check, door, hooks)
