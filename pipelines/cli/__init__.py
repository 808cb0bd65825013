"""The command `wherehouse`: arguments, one clear line for every error, and the exit code (domain/errors.py).

Imports are as late as possible: `--help`, a typing error or a wrong setting must not wait for the engine or Dagster.
WHEREHOUSE_TRACEBACK=1 shows where an error comes from.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pipelines.cli.arguments import USAGE, Parser, as_of, chosen_of, command, day, loaded, settings_of
from pipelines.cli.console import complain, ours_only, say
from pipelines.cli.live import add_listen, add_sources
from pipelines.domain.errors import WherehouseError

INTERRUPTED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code; without `arguments`, run the process's own and end it."""
    if arguments is not None:
        return _run(arguments)
    # What imports make lives to the end. Looking through half a million objects for garbage meanwhile, and taking them
    # apart one by one when everything is closed and written, would cost a quarter of a night without news.
    gc.set_threshold(3_000_000, 50, 100)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices: a second thread does nothing but wait, busily
    code = _run(sys.argv[1:])
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run(arguments: Sequence[str]) -> int:
    try:
        given = parser().parse_args(arguments)
    except SystemExit as stop:  # argparse has said what is wrong, or shown the help
        return stop.code if isinstance(stop.code, int) else USAGE
    try:
        run: Callable[[argparse.Namespace], int] = given.run
        return run(given)
    except WherehouseError as error:
        complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        complain("interrupted; nothing was lost: run it again to go on")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def parser() -> argparse.ArgumentParser:
    """All commands and their arguments."""
    top = Parser(prog="wherehouse", description="The open post-purchase warehouse.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    refresh = command(commands, "refresh", _refresh, "take in what arrived, build and check the marts, publish them")
    refresh.add_argument("--full", action="store_true", help="rebuild everything from landing")
    as_of(refresh)
    refresh.add_argument("--files-from", type=day, metavar="DATE", help="backfill: only files of this day and later")
    refresh.add_argument("--files-to", type=day, metavar="DATE", help="backfill: only files of this day and earlier")
    refresh.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="wait for a refresh that is running")
    refresh.add_argument("--quiet", action="store_true", help="no progress, only the summary")

    ingest = command(commands, "ingest", _ingest, "take in what arrived without building anything")
    ingest.add_argument("--dry-run", action="store_true", help="write nothing; show rows as mapped and rejected ones")
    ingest.add_argument("--source", metavar="NAME", help="only this source")
    ingest.add_argument("--limit", type=int, default=5, metavar="N", help="dry run: files a pattern and rows shown (5)")

    as_of(command(commands, "publish", _publish, "build and publish what has landed, without looking for files"))
    command(commands, "train", _train, "train delay predictions on what the last refresh has built")
    explain = command(commands, "explain", _explain, "say why a delivery was predicted as it was")
    explain.add_argument("case", metavar="ID", help="shipment_id or order_id, as in at_risk")
    explain.add_argument("--on", default="", metavar="DATE", help="the prediction of that day (default: the newest)")
    command(commands, "doctor", _doctor, "check settings, keys, folder, disk, versions, and what is pending")
    claims = command(commands, "claims", _claims, "write open claims as CSV in the carriers' forms, each parcel once")
    claims.add_argument("--out", type=Path, metavar="DIR", help="folder (default: claims in the data folder)")
    for name, what in (("release", "show a held batch as it is"), ("retire", "leave a batch out for good")):
        one = command(commands, name, _decide, what)
        one.add_argument("batch", metavar="BATCH", help="id of the batch")
    anew = command(commands, "reclassify", _reclassify, "decide topics of tickets anew, from texts in the vault")
    anew.add_argument("--source", metavar="NAME", help="only this source's tickets")
    erase = command(commands, "erase", _erase, "erase a customer: vault text goes, and the person does not come back")
    erase.add_argument("--customer", metavar="ID", help="the shop's customer id")
    erase.add_argument("--email", metavar="ADDRESS")
    erase.add_argument("--phone", metavar="NUMBER")
    add_sources(commands)
    add_listen(commands)
    command(commands, "env", _env, "print the variables that dashboards and Dagster need, for a shell")
    prepare = commands.add_parser("prepare", help="parse the dbt project, so that no refresh has to wait for it")
    prepare.set_defaults(run=_prepare)
    dictionary = commands.add_parser("dictionary", help="print the data dictionary as Markdown")
    dictionary.set_defaults(run=_dictionary)
    command(commands, "alert-if-late", _alert_if_late, "announce, once, that nothing was published by its hour")
    return top


def _refresh(given: argparse.Namespace) -> int:
    settings, sources = loaded(given)
    from pipelines.orchestration.command import refresh
    from pipelines.orchestration.window import Window

    with ours_only(is_quiet=given.quiet) as progress:
        done = refresh(
            settings,
            sources,
            full=given.full,
            window=Window(given.files_from, given.files_to),
            progress=progress,
            wait_seconds=given.wait,
        )
    say(done.summary)
    return done.exit_code


def _publish(given: argparse.Namespace) -> int:
    settings, sources = loaded(given)
    from pipelines.orchestration.command import publish

    with ours_only() as progress:
        done = publish(settings, sources, progress=progress)
    say(done.summary)
    return done.exit_code


def _ingest(given: argparse.Namespace) -> int:
    settings, sources = loaded(given)
    from pipelines.orchestration.command import ingest
    from pipelines.orchestration.dry_run import preview

    chosen = chosen_of(sources, given.source)
    if given.dry_run:
        say(preview(settings, chosen, limit=given.limit))
        return 0
    with ours_only() as progress:
        done = ingest(settings, chosen, progress=progress)
    say(done.summary)
    return done.exit_code


def _train(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    from pipelines.orchestration.training import sentence, train_models

    with ours_only() as progress:
        report = train_models(settings, progress=progress)
    say(sentence(report))
    return 0


def _explain(given: argparse.Namespace) -> int:
    from pipelines.predictions.explain import explain
    from pipelines.predictions.records import root

    say(explain(root(settings_of(given).data_dir), given.case, given.on).text)
    return 0


def _doctor(given: argparse.Namespace) -> int:
    from pipelines.orchestration.doctor import examine

    report = examine(given.settings, given.data_dir)
    say(report.text)
    return 0 if report.is_well else 1


def _claims(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    from pipelines.activation import export_claims

    today = (settings.as_of or datetime.now(UTC)).date()
    published = settings.data_dir / "published" / "current.duckdb"
    done = export_claims(published, given.out or settings.data_dir / "claims", today)
    for one in done:
        say(f"{one.claims} claims for {one.carrier}: {one.path}")
    if not done:
        say("no open claim that was not exported before")
    return 0


def _decide(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    from pipelines.orchestration.decisions import release, retire

    say(release(settings, given.batch) if given.command == "release" else retire(settings, given.batch))
    return 0


def _reclassify(given: argparse.Namespace) -> int:
    settings, sources = loaded(given)
    chosen_of(sources, given.source)
    from pipelines.orchestration.decisions import reclassify

    say(reclassify(settings, given.source))
    return 0


def _erase(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    from pipelines.orchestration.decisions import erase

    say(erase(settings, customer=given.customer, email=given.email, phone=given.phone))
    return 0


def _env(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    import shlex

    from pipelines.orchestration.instance import environment

    for name, value in environment(settings).items():
        say(f"export {name}={shlex.quote(value)}")
    return 0


def _prepare(given: argparse.Namespace) -> int:
    from pipelines.warehouse.connection import Engine
    from pipelines.warehouse.runner import prepare

    prepare(Engine(Path(tempfile.gettempdir()) / "wherehouse"))
    return 0


def _dictionary(given: argparse.Namespace) -> int:
    from pipelines.warehouse.dictionary import page
    from pipelines.warehouse.project import project_dir

    say(page(project_dir()))
    return 0


def _alert_if_late(given: argparse.Namespace) -> int:
    settings = settings_of(given)
    from pipelines.orchestration.lateness import announce_if_late

    late = announce_if_late(settings, datetime.now(UTC))
    if late is None:
        say("published in time")
        return 0
    say(late.sentence)
    for problem in late.problems:
        complain(problem)
    return 1
