"""Shopify's webhooks: orders, fulfilments and refunds in the words of its REST API, and the wishes of privacy topics.

What a body says less of than the Admin API (a line's product type, a fulfilment's warehouse), the next pull fills in.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from pipelines.domain.deliveries import Delivery, Door, Headers, Opened, Person
from pipelines.domain.pages import Page, Stream, Window
from pipelines.sources._signatures import is_hmac_base64
from pipelines.sources._vendor import secret
from pipelines.sources.shopify.entities import rest_cuts
from pipelines.sources.shopify.settings import ShopifySettings

_SIGNATURE: Final = "x-shopify-hmac-sha256"
_TOPIC: Final = "x-shopify-topic"
_ID: Final = "x-shopify-webhook-id"
_KINDS: Final = ("orders", "fulfillments", "refunds")  # the part of a topic before its slash
PUSHED: Final = tuple(f"pushed_{kind}" for kind in _KINDS)  # streams


class _Record(msgspec.Struct):
    id: int


class _Customer(msgspec.Struct):
    id: int | None = None
    email: str | None = None
    phone: str | None = None

    @property
    def person(self) -> Person:
        """In our words."""
        return Person(None if self.id is None else str(self.id), self.email, self.phone)


class _Redacted(msgspec.Struct):
    shop_domain: str
    orders_to_redact: list[int]
    customer: _Customer


class _Asked(msgspec.Struct):
    shop_domain: str
    orders_requested: list[int]
    customer: _Customer


class _Shop(msgspec.Struct, forbid_unknown_fields=True):
    """Nothing else may be in it: the topic is in a header that is not signed, and everything goes by this one."""

    shop_domain: str
    shop_id: int


_RECORD: Final = msgspec.json.Decoder(_Record)
_REDACTED: Final = msgspec.json.Decoder(_Redacted)
_ASKED: Final = msgspec.json.Decoder(_Asked)
_SHOP: Final = msgspec.json.Decoder(_Shop)


def door(settings: ShopifySettings) -> Door:
    """The door of the source. Raises CredentialsError where the secret is not set."""
    key = secret("Shopify", settings.webhook_secret_env).encode()
    return Door(lambda headers, body: is_hmac_base64(body, key, headers.get(_SIGNATURE)), _identify, _open)


def hooks(source: str, settings: ShopifySettings) -> tuple[Stream, ...]:
    """What deliveries land as. They are never read: Shopify sends them."""
    return tuple(
        Stream(source, settings.type, name, rest_cuts(f"{kind}/", settings), _nothing)
        for kind, name in zip(_KINDS, PUSHED, strict=True)
    )


def _nothing(window: Window, cursor: Any) -> Any:
    pages: list[Page] = []
    return iter(pages)


def _identify(headers: Headers, body: bytes) -> tuple[str, str]:
    return headers.get(_TOPIC, ""), headers.get(_ID, "")


def _open(delivery: Delivery) -> Opened:
    match delivery.topic:
        case "customers/redact":
            return Opened(forget=_REDACTED.decode(delivery.body).customer.person)
        case "customers/data_request":
            return Opened(asks_for=_ASKED.decode(delivery.body).customer.person)
        case "shop/redact":
            _SHOP.decode(delivery.body)
            return Opened(forgets_shop=True)
        case "orders/delete":  # nothing but a number; the order's history stays
            return Opened()
    kind = delivery.topic.partition("/")[0]
    if kind not in _KINDS:
        return Opened()
    _RECORD.decode(delivery.body)
    return Opened(f"pushed_{kind}", delivery.body)
