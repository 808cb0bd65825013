"""The command `wherehouse`: arguments, one clear line for every error, and the exit code (domain/errors.py).

Imports are as late as possible: `--help`, a typing error or a wrong setting must not wait for the engine or Dagster.
WHEREHOUSE_TRACEBACK=1 shows where an error comes from.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from pipelines.domain.errors import WherehouseError

if TYPE_CHECKING:
    from pipelines.orchestration.registry import Source
    from pipelines.settings import Settings

INTERRUPTED: Final = 130
_USAGE: Final = 2
_TRACEBACK: Final = "WHEREHOUSE_TRACEBACK"
_DEFAULT_SETTINGS: Final = "wherehouse.toml"
_EXAMPLES: Final = """examples:
  wherehouse sources                                     the configured sources
  wherehouse sources check                               do all keys work, and what would be pulled
  wherehouse sources pull parcels                        land what is new, now
  wherehouse sources backfill --from 2026-01-01 --to 2026-02-01
"""
_PULL_EXAMPLES: Final = """Exit code 0: all was read; 3: some source was not; 1: none was; 4: a refresh is running.

examples:
  wherehouse sources pull                                from where the last pull of each stream got to
  wherehouse sources pull parcels --since 2026-01-31     one source, once more from a day on
  wherehouse sources pull --dry-run                      only say what would be asked for
"""
_BACKFILL_EXAMPLES: Final = """The range is half-open. One that was broken off goes on where it was; what has landed
as it is does not land again. Exit codes as those of `wherehouse sources pull`.

examples:
  wherehouse sources backfill --from 2025-01-01 --to 2026-01-01
  wherehouse sources backfill parcels --from 2026-01-01 --to 2026-01-08 --dry-run
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code; without `arguments`, run the process's own and end it."""
    if arguments is not None:
        return _run(arguments)
    # What imports make lives to the end. Looking through half a million objects for garbage meanwhile, and taking them
    # apart one by one when everything is closed and written, would cost a quarter of a night without news.
    gc.set_threshold(100_000, 50, 100)
    code = _run(sys.argv[1:])
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run(arguments: Sequence[str]) -> int:
    try:
        given = parser().parse_args(arguments)
    except SystemExit as stop:  # argparse has said what is wrong, or shown the help
        return stop.code if isinstance(stop.code, int) else _USAGE
    try:
        run: Callable[[argparse.Namespace], int] = given.run
        return run(given)
    except WherehouseError as error:
        _complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        _complain("interrupted; nothing was lost: run it again to go on")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other error."""

    def error(self, message: str) -> NoReturn:
        self.exit(_USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    """All commands and their arguments."""
    top = _Parser(prog="wherehouse", description="The open post-purchase warehouse.")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    refresh = _command(commands, "refresh", _refresh, "take in what arrived, build and check the marts, publish them")
    refresh.add_argument("--full", action="store_true", help="rebuild everything from landing")
    _as_of(refresh)
    refresh.add_argument("--files-from", type=_day, metavar="DATE", help="backfill: only files of this day and later")
    refresh.add_argument("--files-to", type=_day, metavar="DATE", help="backfill: only files of this day and earlier")
    refresh.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="wait for a refresh that is running")
    refresh.add_argument("--quiet", action="store_true", help="no progress, only the summary")

    ingest = _command(commands, "ingest", _ingest, "take in what arrived without building anything")
    ingest.add_argument("--dry-run", action="store_true", help="write nothing; show rows as mapped and rejected ones")
    ingest.add_argument("--source", metavar="NAME", help="only this source")
    ingest.add_argument("--limit", type=int, default=5, metavar="N", help="dry run: files a pattern and rows shown (5)")

    _as_of(_command(commands, "publish", _publish, "build and publish what has landed, without looking for files"))
    _command(commands, "train", _train, "train delay predictions on what the last refresh has built")
    _command(commands, "doctor", _doctor, "check settings, keys, folder, disk, versions, and what is pending")
    claims = _command(commands, "claims", _claims, "write open claims as CSV in the carriers' forms, each parcel once")
    claims.add_argument("--out", type=Path, metavar="DIR", help="folder (default: claims in the data folder)")
    for name, what in (("release", "show a held batch as it is"), ("retire", "leave a batch out for good")):
        one = _command(commands, name, _decide, what)
        one.add_argument("batch", metavar="BATCH", help="id of the batch")
    erase = _command(commands, "erase", _erase, "erase a customer: vault text goes, and the person does not come back")
    erase.add_argument("--customer", metavar="ID", help="the shop's customer id")
    erase.add_argument("--email", metavar="ADDRESS")
    erase.add_argument("--phone", metavar="NUMBER")
    _add_sources(commands)
    _command(commands, "env", _env, "print the variables that dashboards and Dagster need, for a shell")
    prepare = commands.add_parser("prepare", help="parse the dbt project, so that no refresh has to wait for it")
    prepare.set_defaults(run=_prepare)
    dictionary = commands.add_parser("dictionary", help="print the data dictionary as Markdown")
    dictionary.set_defaults(run=_dictionary)
    _command(commands, "alert-if-late", _alert_if_late, "announce, once, that nothing was published by its hour")
    return top


def _add_sources(commands: argparse._SubParsersAction[_Parser]) -> None:
    sources = _command(commands, "sources", _sources, "list, check and pull the configured sources", _EXAMPLES)
    actions = sources.add_subparsers(dest="action", metavar="ACTION", parser_class=_Parser)
    # what stands before the action counts as well, so an action has no defaults of its own
    _command(actions, "list", _sources, "name, kind and entities of every source", is_nested=True)
    check = _command(
        actions, "check", _check, "ask every source for something small: key, reach, clock, what would be pulled",
        "Exit code 0: all is well; 1: a source needs a look. Nothing is written.", is_nested=True,
    )  # fmt: skip
    pull = _command(
        actions, "pull", _pull, "land what vendors have had since the last pull, without building anything",
        _PULL_EXAMPLES, is_nested=True,
    )  # fmt: skip
    pull.add_argument(
        "--since", type=moment, metavar="DATE", help="changed (else created) since; the nightly pull's place stays"
    )
    backfill = _command(
        actions, "backfill", _pull, "land what vendors have of a range of time, once more where it has landed",
        _BACKFILL_EXAMPLES, is_nested=True,
    )  # fmt: skip
    backfill.add_argument(
        "--from", dest="since", type=moment, required=True, metavar="DATE", help="the first moment, UTC"
    )
    backfill.add_argument(
        "--to", dest="until", type=moment, required=True, metavar="DATE", help="the first moment after it"
    )
    for one in (check, pull, backfill):
        one.add_argument("source", nargs="?", metavar="NAME", help="only this source")
    for one in (pull, backfill):
        one.add_argument(
            "--dry-run", action="store_true", help="land nothing: say the window and what the first page gives"
        )


def _command(
    commands: argparse._SubParsersAction[_Parser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    what: str,
    more: str = "",
    *,
    is_nested: bool = False,
) -> argparse.ArgumentParser:
    made = commands.add_parser(
        name,
        help=what,
        description=what[0].upper() + what[1:] + ".",
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.set_defaults(run=run)
    file, folder = (argparse.SUPPRESS, argparse.SUPPRESS) if is_nested else (Path(_DEFAULT_SETTINGS), None)
    made.add_argument("--settings", type=Path, default=file, metavar="FILE", help="settings file")
    made.add_argument(
        "--data-dir", type=Path, default=folder, metavar="DIR", help="data folder, instead of the settings'"
    )
    return made


def _as_of(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--as-of", type=moment, metavar="DATE", help="the clock: a date (its first moment, UTC) or an ISO 8601 time"
    )


def moment(text: str) -> datetime:
    """A date (00:00 UTC) or an ISO 8601 time (UTC unless it has an offset). Raises ArgumentTypeError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-01-31 or 2026-01-31T04:00Z") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-01-31") from None


def _refresh(given: argparse.Namespace) -> int:
    settings, sources = _loaded(given)
    from pipelines.orchestration.command import refresh
    from pipelines.orchestration.window import Window

    with _ours_only(is_quiet=given.quiet) as progress:
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
    settings, sources = _loaded(given)
    from pipelines.orchestration.command import publish

    with _ours_only() as progress:
        done = publish(settings, sources, progress=progress)
    say(done.summary)
    return done.exit_code


def _ingest(given: argparse.Namespace) -> int:
    settings, sources = _loaded(given)
    from pipelines.orchestration.command import ingest
    from pipelines.orchestration.dry_run import preview

    chosen = _chosen(sources, given.source)
    if given.dry_run:
        say(preview(settings, chosen, limit=given.limit))
        return 0
    with _ours_only() as progress:
        done = ingest(settings, chosen, progress=progress)
    say(done.summary)
    return done.exit_code


def _train(given: argparse.Namespace) -> int:
    settings = _settings(given)
    from pipelines.orchestration.training import sentence, train_models

    with _ours_only() as progress:
        report = train_models(settings, progress=progress)
    say(sentence(report))
    return 0


def _doctor(given: argparse.Namespace) -> int:
    from pipelines.orchestration.doctor import examine

    report = examine(given.settings, given.data_dir)
    say(report.text)
    return 0 if report.is_well else 1


def _claims(given: argparse.Namespace) -> int:
    settings = _settings(given)
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
    settings = _settings(given)
    from pipelines.orchestration.decisions import release, retire

    say(release(settings, given.batch) if given.command == "release" else retire(settings, given.batch))
    return 0


def _erase(given: argparse.Namespace) -> int:
    settings = _settings(given)
    from pipelines.orchestration.decisions import erase

    say(erase(settings, customer=given.customer, email=given.email, phone=given.phone))
    return 0


def _sources(given: argparse.Namespace) -> int:
    _, sources = _loaded(given)
    for source in sources:
        say(f"{source.name}  ({source.kind})  {', '.join(source.entities)}")
    return 0


def _check(given: argparse.Namespace) -> int:
    settings, sources = _loaded(given)
    from pipelines.orchestration.pulls import check

    return 0 if check(settings, _chosen(sources, given.source), say) else 1


def _pull(given: argparse.Namespace) -> int:
    settings, sources = _loaded(given)
    from pipelines.orchestration.pulls import preview, pull_now, window_of

    window = window_of(given.since, getattr(given, "until", None))
    chosen = _chosen(sources, given.source)
    if given.dry_run:
        done = preview(settings, chosen, window)
    else:
        with _ours_only() as progress:
            done = pull_now(settings, chosen, window, progress=progress)
    say(done.summary)
    return done.exit_code


def _env(given: argparse.Namespace) -> int:
    settings = _settings(given)
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
    settings = _settings(given)
    from pipelines.orchestration.lateness import announce_if_late

    late = announce_if_late(settings, datetime.now(UTC))
    if late is None:
        say("published in time")
        return 0
    say(late.sentence)
    for problem in late.problems:
        _complain(problem)
    return 1


def _settings(given: argparse.Namespace) -> Settings:
    from pipelines.settings import load

    return load(given.settings, data_dir=given.data_dir, as_of=getattr(given, "as_of", None))


def _loaded(given: argparse.Namespace) -> tuple[Settings, tuple[Source, ...]]:
    settings = _settings(given)
    from pipelines.orchestration.registry import sources_of

    return settings, sources_of(settings)


def _chosen(sources: tuple[Source, ...], name: str | None) -> tuple[Source, ...]:
    chosen = tuple(source for source in sources if name in (None, source.name))
    if not chosen:
        from pipelines.domain.errors import SettingsError

        raise SettingsError(f"there is no source {name!r}; one of {', '.join(source.name for source in sources)}")
    return chosen


def say(text: str) -> None:
    """Write a result to standard output: the only place of the package that does."""
    sys.stdout.write(text.rstrip("\n") + "\n")
    sys.stdout.flush()


@contextmanager
def _ours_only(*, is_quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Progress on standard error, and nothing of what libraries write there: an error of theirs becomes one of ours."""
    screen = sys.stderr

    def progress(line: str) -> None:
        if not is_quiet:
            screen.write(f"[{time.process_time():6.1f} CPU s] {line}\n")
            screen.flush()

    with redirect_stderr(screen if os.environ.get(_TRACEBACK) == "1" else io.StringIO()):
        yield progress


def _complain(text: str) -> None:
    if os.environ.get(_TRACEBACK) == "1":
        import traceback

        traceback.print_exc()
    sys.stderr.write(f"wherehouse: {' '.join(text.split())}\n")


if __name__ == "__main__":
    sys.exit(main())
