"""`python -m simulator files|serve|describe`: a merchant's world as files or behind vendors' APIs, and its looks."""

from __future__ import annotations

import argparse
import os
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

from pipelines.domain.errors import WherehouseError
from simulator.doubles.command import add_parser, serve
from simulator.settings import EPOCH, Request, world_settings


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-08-03") from None


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a moment such as 2026-10-02T04:00:00Z") from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _add_world(parser: argparse.ArgumentParser, default: Request) -> None:
    parser.add_argument("--seed", type=int, default=default.seed, help=f"same seed, same world ({default.seed})")
    parser.add_argument("--days", type=int, default=default.days, help=f"days of orders ({default.days})")
    parser.add_argument(
        "--orders-per-day", type=float, default=default.orders_per_day, help=f"on average ({default.orders_per_day:g})"
    )
    parser.add_argument("--first-day", type=_day, default=default.first_day, help=f"({default.first_day})")
    parser.add_argument(
        "--scenario",
        action="append",
        default=[],
        help=f"plant something, repeatable: {', '.join(world_settings()['scenarios'])}",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    files = commands.add_parser("files", help="write the world as files, a folder a day of arrival")
    _add_world(files, Request())
    files.add_argument("--out", type=Path, required=True, help="where the merchant's exports go")
    files.add_argument("--truth", type=Path, help="where the truth goes (default: OUT with _truth appended)")
    files.add_argument("--no-truth", action="store_true", help="write no truth at all")
    files.add_argument("--as-of", type=_moment, help="nothing that arrives at or after this moment (UTC)")
    files.add_argument("--from-day", type=_day, help="first day of arrival to write (default: the first day)")
    files.add_argument(
        "--to-day", type=_day, help="day after the last day of arrival to write (default: end of orders)"
    )
    files.add_argument("--only", action="append", default=[], metavar="EXPORT", help="this export, repeatable")
    files.add_argument("--phrases", default="open", choices=("open", "kept", "both"), help="part of the phrase bank")
    add_parser(commands, _add_world)
    describe = commands.add_parser("describe", help="draw the world beside real data, as a page and a figure")
    _add_world(describe, Request(first_day=date(2025, 7, 1), days=365, orders_per_day=250))
    describe.add_argument("--out", type=Path, required=True, help="folder for the page and the figure")
    return parser


def _request(args: argparse.Namespace) -> Request:
    return Request(
        seed=args.seed,
        first_day=args.first_day,
        days=args.days,
        orders_per_day=args.orders_per_day,
        scenarios=frozenset(args.scenario),
        phrases=getattr(args, "phrases", "open"),
    )


def _number(day: date | None) -> int | None:
    return None if day is None else (day - EPOCH).days


def _files(args: argparse.Namespace) -> int:
    # Before polars is loaded: its allocator keeps what was freed, as getting pages back from the kernel is dear.
    # Not only where none is set: a process that has loaded polars leaves its settings to those that it starts.
    os.environ["_RJEM_MALLOC_CONF"] = "dirty_decay_ms:-1,muzzy_decay_ms:-1"
    from simulator.files import write_files
    from simulator.world import World

    begin = time.perf_counter()
    truth = None if args.no_truth else (args.truth or args.out.with_name(args.out.name + "_truth"))
    if truth is not None and truth.resolve().is_relative_to(args.out.resolve()):
        raise SystemExit("--truth must not lie inside --out: connectors read everything there")
    as_of = None if args.as_of is None else int(args.as_of.timestamp())
    world = World(_request(args))
    written = write_files(world, args.out, truth, _number(args.from_day), _number(args.to_day), as_of, args.only)
    totals: dict[str, int] = {}
    for row in written:
        totals[row.folder] = totals.get(row.folder, 0) + row.records
    for folder, records in sorted(totals.items()):
        print(f"{folder:20} {records:>12,}")
    where = f", truth in {truth}" if truth is not None else ""
    print(f"{len(written):,} files in {args.out}{where} ({time.perf_counter() - begin:.1f} s)")
    return 0


def _describe(args: argparse.Namespace) -> int:
    from simulator.describe import describe

    for path in describe(_request(args), args.out):
        print(path)
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run one command; errors meant for a person end in one line."""
    args = _parser().parse_args(arguments)
    try:
        return {"files": _files, "serve": serve, "describe": _describe}[args.command](args)
    except WherehouseError as error:
        print(f"simulator: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
