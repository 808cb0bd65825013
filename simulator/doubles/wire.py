"""Puts answers on the wire, whole or as a fault has it: cut, reset, endless, compressed beyond reason, or HTML."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from email.utils import formatdate
from typing import Any, Final

from simulator.doubles.answers import Answer
from simulator.doubles.faults import Trouble

TRANSPORT: Final = "simulator.transport"  # scope extension: the connection, so that it can be reset
MEGABYTE: Final = 2**20
PAGE: Final = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking.</body></html>"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


async def finish(send: Send, answer: Answer, trouble: Trouble, scope: Scope) -> None:
    """Put an answer on the wire, or what a fault makes of it."""
    skew = float(trouble.get("clock_skew", "seconds", 3600.0)) if "clock_skew" in trouble else 0.0
    headers = {"Content-Type": answer.media, "Date": formatdate(time.time() + skew, usegmt=True)} | answer.headers
    if "html" in trouble:
        answer = Answer(200, PAGE)
        headers["Content-Type"] = "text/html; charset=utf-8"
    body = answer.body()
    if "truncated" in trouble:
        body = body[: len(body) // 2]
    if "huge_body" in trouble:
        await _stream(send, answer.status, headers, _spaces(int(trouble.get("huge_body", "bytes", 2**31))))
    elif "gzip_bomb" in trouble:
        headers["Content-Encoding"] = "gzip"
        await _stream(send, answer.status, headers, _bomb(int(trouble.get("gzip_bomb", "bytes", 2**30))))
    elif "reset" in trouble:
        await _start(send, answer.status, headers | {"Content-Length": str(max(len(body), 2))})
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
        await asyncio.sleep(0.02)  # the first half is on its way before the reset overtakes it
        _reset(scope["extensions"][TRANSPORT])
    else:
        await _start(send, answer.status, headers | {"Content-Length": str(len(body))})
        await send({"type": "http.response.body", "body": body})


async def _start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})


async def _stream(send: Send, status: int, headers: Mapping[str, str], parts: Any) -> None:
    await _start(send, status, headers)
    for part in parts:
        await send({"type": "http.response.body", "body": part, "more_body": True})
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b""})


def _spaces(count: int) -> Any:
    """A JSON document of so many bytes that holds nothing."""
    yield b"{"
    block = b" " * MEGABYTE
    for _ in range(count // MEGABYTE):
        yield block
    yield b"}"


def _bomb(count: int) -> Any:
    """Gzip of so many zeros: one compressed megabyte, said again and again (a full flush makes it repeatable)."""
    yield b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(bytes(MEGABYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    for _ in range(count // MEGABYTE):
        yield block
    yield b"\x03\x00" + bytes(8)


def _reset(transport: asyncio.Transport) -> None:
    """Close so that the other side sees a reset, not an end."""
    own = transport.get_extra_info("socket")
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
