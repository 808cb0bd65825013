"""Runs the doubles on 127.0.0.1: in a thread for tests, in the foreground for `serve`."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from simulator.doubles.app import App
from simulator.doubles.book import Book
from simulator.doubles.clock import Clock
from simulator.doubles.faults import Faults
from simulator.doubles.vendor import Setting
from simulator.doubles.wire import TRANSPORT, Receive, Scope, Send

HOST: Final = "127.0.0.1"
START_SECONDS: Final = 10.0


class _Protocol(H11Protocol):
    """HTTP/1.1 that lets the application reach its connection."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        app = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[TRANSPORT] = self.transport
            await app(scope, receive, send)

        self.app = with_transport


def _server(app: App) -> uvicorn.Server:
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_level="error",
        access_log=False,
        date_header=False,
        server_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


def listening(port: int = 0) -> socket.socket:
    """A socket on a port of this machine only; 0 takes a free one."""
    own = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio asks for it, to not delay
    own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    own.bind((HOST, port))
    return own


@dataclass(frozen=True, slots=True)
class Served:
    """Doubles that are running: their address, and what a test may turn."""

    address: str
    app: App
    clock: Clock
    faults: Faults

    def base_url(self, vendor: str) -> str:
        """The vendor's base address."""
        return f"{self.address}/{vendor}"


@contextlib.contextmanager
def serving(
    book: Book,
    as_of: datetime | None = None,
    *,
    seconds_per_request: float | None = 7.0,
    faults: Faults | None = None,
    port: int = 0,
    **settings: Any,
) -> Iterator[Served]:
    """Serve a book in a thread. `settings` are those of `Setting`: returns_in, tickets_in, shopify_plan."""
    clock = Clock(as_of or book.until, seconds_per_request)
    own = faults or Faults()
    app = App(Setting(book, clock, **settings), own)
    with beside(app, listening(port)):
        yield Served(app.address, app, clock, own)


@contextlib.contextmanager
def beside(app: App, door: socket.socket) -> Iterator[None]:
    """Serve in a thread, until left."""
    app.at(f"http://{HOST}:{door.getsockname()[1]}")
    server = _server(app)
    thread = threading.Thread(target=server.run, args=([door],), daemon=True)
    thread.start()
    try:
        _wait(lambda: server.started)
        yield
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)
        door.close()


def _wait(ready: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(START_SECONDS / 0.01)):
        if ready():
            return
        pause.wait(0.01)
    raise TimeoutError("the doubles did not start")


def run(app: App, door: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until interrupted; `ready` is called once requests are answered."""
    app.at(f"http://{HOST}:{door.getsockname()[1]}")
    server = _server(app)

    async def main() -> None:
        task = asyncio.create_task(server.serve([door]))
        while not server.started and not task.done():
            await asyncio.sleep(0.01)
        if not task.done():
            ready()
        await task

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
