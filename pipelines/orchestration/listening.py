"""`wherehouse listen`: the receiver of webhooks, served on this machine, with what it needs around it."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipelines.domain.deliveries import Delivery
from pipelines.domain.errors import SettingsError
from pipelines.domain.pages import CredentialsError
from pipelines.landing import Landing
from pipelines.landing.keys import load_or_create
from pipelines.landing.spool import Spool, key_of
from pipelines.orchestration.posting import Entrance, Post
from pipelines.orchestration.registry import Source
from pipelines.settings import Settings

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette

_MEMORY: Final = "1GB"  # of the engine: a refresh may run beside it
_MEGABYTE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Ready:
    """A receiver that is about to be served: the app, and what lands behind it."""

    app: Starlette
    post: Post
    sources: tuple[str, ...]


@contextmanager
def receiver(settings: Settings, sources: Sequence[Source], progress: Callable[[str], None]) -> Iterator[Ready]:
    """Everything of the receiver but the network. Raises SettingsError, CredentialsError, LockedError, StorageError."""
    from pipelines.sources.webhooks import BusyError, Limits, Receiver, make_app

    entrances = _entrances(sources, progress)
    given = settings.webhooks
    keys = load_or_create(settings.key_file)
    most = int(given.spool_mb * _MEGABYTE)
    with Spool(settings.data_dir, keys) as spool, _landing(settings) as landing:

        def keep(deliveries: Sequence[Delivery]) -> None:
            if spool.size() > most:
                raise BusyError
            spool.append(deliveries)

        limits = Limits(body_bytes=int(given.body_mb * _MEGABYTE))
        app = make_app(
            {name: entrance.door for name, entrance in entrances.items()},
            Receiver(keep, spool.known(), key_of, limits),
        )
        post = Post(landing, spool, keys, entrances, every_seconds=given.land_seconds, progress=progress)
        yield Ready(app, post, tuple(entrances))


def listen(settings: Settings, sources: Sequence[Source], *, progress: Callable[[str], None]) -> None:
    """Serve until told to stop; then land what is left. Raises as `receiver`."""
    import uvicorn

    with receiver(settings, sources, progress) as ready:
        door = _bound(settings.webhooks.host, settings.webhooks.port)
        host, port = door.getsockname()[:2]
        for name in ready.sources:
            progress(f"listening on http://{host}:{port}/{name}")
        config = uvicorn.Config(
            ready.app, log_level="error", access_log=False, server_header=False, lifespan="off", timeout_keep_alive=30
        )
        ready.post.start()
        try:
            with _until_told(server := uvicorn.Server(config)):
                server.run(sockets=[door])
        finally:
            ready.post.stop()
            door.close()


@contextmanager
def _until_told(server: uvicorn.Server) -> Iterator[None]:
    """Let SIGINT and SIGTERM end the serving, and nothing else: what came in lands after it."""
    server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]  # its own ends the process
    before = {one: signal.signal(one, server.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _entrances(sources: Sequence[Source], progress: Callable[[str], None]) -> dict[str, Entrance]:
    found: dict[str, Entrance] = {}
    closed: list[str] = []
    for source in sources:
        if source.door is None:
            continue
        try:
            door = source.door()
        except CredentialsError as error:
            closed.append(f"{source.name}: {error}")
            continue
        found[source.name] = Entrance(door, {stream.name: stream for stream in source.hooks()})
    if not found:
        why = closed[0] if closed else "no source of the settings takes webhooks"
        raise SettingsError(f"nothing to listen for: {why}")
    for line in closed:
        progress(f"{line}; its webhooks are not taken")
    return found


def _landing(settings: Settings) -> Landing:
    return Landing(
        settings.data_dir,
        load_or_create(settings.key_file),
        shop=settings.shop,
        quarantine_rate=settings.thresholds.quarantine_rate,
        postal_prefix_length=settings.privacy.postal_prefix_length,
        memory_limit=_MEMORY,
        threads=1,
    )


def _bound(host: str, port: int) -> socket.socket:
    door = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as error:
        door.close()
        raise SettingsError(f"cannot listen on {host}:{port} ({error.strerror}); set webhooks.port") from None
    return door
