"""The receiver of webhooks: an ASGI app that answers only what is genuine and only once it is durable."""

from pipelines.sources.webhooks.app import make_app
from pipelines.sources.webhooks.receiver import BusyError, Limits, Receiver

__all__ = ["BusyError", "Limits", "Receiver", "make_app"]
