"""AfterShip's webhooks: updates of trackings, each with the whole tracking as it is then."""

from __future__ import annotations

from typing import Final

import msgspec

from pipelines.domain.deliveries import Delivery, Door, Headers, Opened
from pipelines.sources._signatures import is_hmac_base64
from pipelines.sources._vendor import secret
from pipelines.sources.aftership.settings import AfterShipSettings

_SIGNATURE: Final = "aftership-hmac-sha256"
_ABOUT: Final = "tracking_"


class _Event(msgspec.Struct):
    event: str = ""
    event_id: str = ""


class _Content(msgspec.Struct):
    msg: msgspec.Raw


class _Tracking(msgspec.Struct):
    id: str


_EVENT: Final = msgspec.json.Decoder(_Event)
_CONTENT: Final = msgspec.json.Decoder(_Content)
_TRACKING: Final = msgspec.json.Decoder(_Tracking)


def door(settings: AfterShipSettings) -> Door:
    """The door of the source. Raises CredentialsError where the secret is not set."""
    key = secret("AfterShip", settings.webhook_secret_env).encode()
    return Door(lambda headers, body: is_hmac_base64(body, key, headers.get(_SIGNATURE)), _identify, _open)


def _identify(headers: Headers, body: bytes) -> tuple[str, str]:
    try:
        event = _EVENT.decode(body)
    except ValueError:
        return "", ""
    return event.event, event.event_id


def _open(delivery: Delivery) -> Opened:
    """The tracking of an event; events about anything else hold nothing for us."""
    if delivery.topic and not delivery.topic.startswith(_ABOUT):
        return Opened()
    record = bytes(_CONTENT.decode(delivery.body).msg)
    _TRACKING.decode(record)
    return Opened("trackings", record)
