"""The receiver's HTTP side: POST /<source> for every source with a door, GET /health.

401 for a signature that is missing or wrong, 413 for a body over the limit, 429 with Retry-After when more waits than
can be written, 503 when the disk refuses. 200 means: on disk. No body and no signature is ever logged.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from pipelines.domain.deliveries import Delivery, Door
from pipelines.domain.errors import StorageError
from pipelines.sources.webhooks.receiver import BusyError, Receiver

_log = logging.getLogger(__name__)


def make_app(doors: Mapping[str, Door], receiver: Receiver) -> Starlette:
    """The ASGI app for these sources."""

    async def receive(request: Request) -> Response:
        source = request.path_params["source"]
        door = doors.get(source)
        if door is None:
            return _answer(404, "no source of this name takes webhooks")
        body = await _body(request, receiver.limits.body_bytes)
        if body is None:
            return _answer(413, f"larger than {receiver.limits.body_bytes:,} bytes")
        if not door.is_genuine(request.headers, body):
            return _answer(401, "the signature is missing or wrong")
        topic, id_ = door.identify(request.headers, body)
        try:
            is_new = await receiver.receive(Delivery(source, topic, id_, datetime.now(UTC), body))
        except BusyError:
            return _answer(429, "busy", {"Retry-After": "1"})
        except StorageError as error:
            _log.error("%s", error)
            return _answer(503, "cannot be kept now", {"Retry-After": "30"})
        return _answer(200, "kept" if is_new else "known")

    async def health(request: Request) -> Response:
        return _answer(200, "well")

    return Starlette(routes=[Route("/health", health), Route("/{source}", receive, methods=["POST"])])


async def _body(request: Request, most: int) -> bytes | None:
    """The raw body, or None when it is larger than allowed; not read further than that."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        return None
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            return None
        parts.append(part)
    return b"".join(parts)


def _answer(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    return PlainTextResponse(text + "\n", status, dict(headers or {}))
