"""EasyPost's webhooks: events about trackers, each with the whole tracker as it is then."""

from __future__ import annotations

import unicodedata
from typing import Final

import msgspec

from pipelines.domain.deliveries import Delivery, Door, Headers, Opened
from pipelines.sources._signatures import is_hmac_hex
from pipelines.sources._vendor import secret
from pipelines.sources.easypost.settings import EasyPostSettings

_SIGNATURE: Final = "x-hmac-signature"
_PREFIX: Final = "hmac-sha256-hex="
_ABOUT: Final = "tracker."


class _Event(msgspec.Struct):
    id: str = ""
    description: str = ""


class _Content(msgspec.Struct):
    result: msgspec.Raw


class _Result(msgspec.Struct):
    id: str


_EVENT: Final = msgspec.json.Decoder(_Event)
_CONTENT: Final = msgspec.json.Decoder(_Content)
_RESULT: Final = msgspec.json.Decoder(_Result)


def door(settings: EasyPostSettings) -> Door:
    """The door of the source. Raises CredentialsError where the secret is not set."""
    key = unicodedata.normalize("NFKD", secret("EasyPost", settings.webhook_secret_env)).encode()

    def is_genuine(headers: Headers, body: bytes) -> bool:
        given = headers.get(_SIGNATURE, "")
        return is_hmac_hex(body, key, given.removeprefix(_PREFIX) if given.startswith(_PREFIX) else None)

    return Door(is_genuine, _identify, _open)


def _identify(headers: Headers, body: bytes) -> tuple[str, str]:
    try:
        event = _EVENT.decode(body)
    except ValueError:
        return "", ""
    return event.description, event.id


def _open(delivery: Delivery) -> Opened:
    """The tracker of an event; events about labels, batches and the like hold nothing for us."""
    if not delivery.topic.startswith(_ABOUT):
        return Opened()
    record = bytes(_CONTENT.decode(delivery.body).result)
    _RESULT.decode(record)
    return Opened("trackers", record)
