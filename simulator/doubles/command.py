"""`python -m simulator serve`: the doubles as a process, or beside a command that asks them.

The hook is `add_parser(commands)`, then `serve(args)`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from pipelines.domain.errors import SettingsError
from simulator.settings import Request

ADDRESS: Final = "SIMULATED_VENDORS"  # environment variable
KEYS: Final = frozenset({"access_token", "api_key", "api_token", "user"})


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a moment such as 2026-10-02T04:00:00Z") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-08-03") from None


def add_parser(commands: Any, add_world: Callable[[argparse.ArgumentParser, Request], None] | None = None) -> None:
    """Add `serve` to the subcommands; `add_world` adds the flags that say which world (seed, days, ...)."""
    parser: argparse.ArgumentParser = commands.add_parser("serve", help="answer as six vendors would, over HTTP")
    if add_world is not None:
        add_world(parser, Request())
    parser.add_argument("--world", type=Path, help="folder to keep the world in; one that holds a world is used as is")
    parser.add_argument("--until", type=_day, help="how far the world reaches (default: the end of orders)")
    parser.add_argument("--as-of", type=_moment, help="moment that the vendors show (default: as far as it reaches)")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--clock", choices=("virtual", "real"), default="virtual", help="what rate limits run on")
    parser.add_argument(
        "--seconds-per-request", type=float, default=7.0, help="by which a virtual clock advances (7: never limited)"
    )
    parser.add_argument("--faults", type=Path, help="TOML or JSON file of faults")
    parser.add_argument("--returns-in", choices=("split", "loop", "shopify", "both"), default="split")
    parser.add_argument("--tickets-in", choices=("split", "zendesk", "gorgias", "both"), default="split")
    parser.add_argument(
        "command_beside", nargs="*", metavar="COMMAND", help="after --: run it, end as it ends; keys in its environment"
    )
    parser.add_argument("--shopify-plan", choices=("standard", "advanced", "plus"), default="standard")


def serve(args: argparse.Namespace) -> int:
    """Serve until interrupted. Prints one line of JSON when ready: addresses, keys, webhook secrets."""
    from simulator.doubles.app import App
    from simulator.doubles.book import make_book, open_book
    from simulator.doubles.clock import Clock
    from simulator.doubles.faults import Faults
    from simulator.doubles.server import beside, listening, run
    from simulator.doubles.vendor import Setting

    default = Request()
    request = Request(
        seed=getattr(args, "seed", default.seed),
        first_day=getattr(args, "first_day", default.first_day),
        days=getattr(args, "days", default.days),
        orders_per_day=getattr(args, "orders_per_day", default.orders_per_day),
        scenarios=frozenset(getattr(args, "scenario", ())),
        phrases=getattr(args, "phrases", default.phrases),
    )
    faults = Faults.read(args.faults) if args.faults else Faults()
    book = open_book(args.world, request, args.until) if args.world else make_book(request, args.until)
    as_of = args.as_of or book.until
    if as_of > book.until:
        raise SettingsError(f"--as-of lies after {book.until.isoformat()}, to which the world reaches; give --until")
    clock = Clock(as_of, None if args.clock == "real" else args.seconds_per_request)
    app = App(Setting(book, clock, args.returns_in, args.tickets_in, args.shopify_plan), faults)
    if args.command_beside:
        with beside(app, listening(args.port)):
            return _run(args.command_beside, environment(app.addresses()))
    run(app, listening(args.port), lambda: print(json.dumps(app.addresses()), flush=True))
    return 0


def environment(addresses: Mapping[str, Any]) -> dict[str, str]:
    """What a command that asks the doubles needs: their address, keys and webhook secrets, by the usual names."""
    found = {ADDRESS: str(addresses["control"]).removesuffix("/_control")}
    for vendor, own in addresses["vendors"].items():
        found |= {f"{vendor}_{name}".upper(): value for name, value in own.items() if name in KEYS}
    return found | {f"{vendor}_webhook_secret".upper(): own for vendor, own in addresses["webhook_secrets"].items()}


def _run(command: Sequence[str], more: Mapping[str, str]) -> int:
    """Run a command to its end; Ctrl-C is its affair."""
    with subprocess.Popen(command, env={**os.environ, **more}) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue
