"""Loop's webhooks: returns as they are then. A delivery has no id that Loop documents: its content tells repeats."""

from __future__ import annotations

from typing import Final

import msgspec

from pipelines.domain.deliveries import Delivery, Door, Headers, Opened
from pipelines.sources._signatures import is_hmac_base64
from pipelines.sources._vendor import secret
from pipelines.sources.loop.settings import LoopSettings

_SIGNATURE: Final = "x-loop-signature"
_ABOUT: Final = "return"


class _About(msgspec.Struct):
    topic: str = _ABOUT
    trigger: str = ""


class _Return(msgspec.Struct):
    id: int | str
    created_at: str
    updated_at: str


_READ_ABOUT: Final = msgspec.json.Decoder(_About)
_READ_RETURN: Final = msgspec.json.Decoder(_Return)


def door(settings: LoopSettings) -> Door:
    """The door of the source. Raises CredentialsError where the secret is not set."""
    key = secret("Loop", settings.webhook_secret_env).encode()
    return Door(lambda headers, body: is_hmac_base64(_signed(body), key, headers.get(_SIGNATURE)), _identify, _open)


def _signed(body: bytes) -> bytes:
    """What Loop signs: the body with its slashes escaped, as PHP writes them, and without line ends."""
    return body.replace(b"\\/", b"/").replace(b"/", b"\\/").replace(b"\n", b"")


def _identify(headers: Headers, body: bytes) -> tuple[str, str]:
    try:
        about = _READ_ABOUT.decode(body)
    except ValueError:
        return "", ""
    return about.trigger or about.topic, ""


def _open(delivery: Delivery) -> Opened:
    """The return that a delivery is about; labels and gift cards hold nothing that a return does not."""
    if _READ_ABOUT.decode(delivery.body).topic != _ABOUT:
        return Opened()
    _READ_RETURN.decode(delivery.body)
    return Opened("returns", delivery.body)
