"""The commands about live sources: list, check, pull, backfill, and listen."""

from __future__ import annotations

import argparse
from typing import Final

from pipelines.cli.arguments import Parser, chosen_of, command, loaded, moment
from pipelines.cli.console import ours_only, say

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
_LISTEN_MORE: Final = """A delivery is answered with 200 once it is on the disk. A source has the address /<name>.
Secrets are environment variables that the sources name (README.md, "Webhooks"). Stop it with Ctrl-C or SIGTERM:
what came in lands first.

examples:
  wherehouse listen
  wherehouse listen --settings acme.toml --port 8800
"""


def add_sources(commands: argparse._SubParsersAction[Parser]) -> None:
    """`wherehouse sources` and its actions."""
    sources = command(commands, "sources", _sources, "list, check and pull the configured sources", _EXAMPLES)
    actions = sources.add_subparsers(dest="action", metavar="ACTION", parser_class=Parser)
    command(actions, "list", _sources, "name, kind and entities of every source", is_nested=True)
    check = command(
        actions, "check", _check, "ask every source for something small: key, reach, clock, what would be pulled",
        "Exit code 0: all is well; 1: a source needs a look. Nothing is written.", is_nested=True,
    )  # fmt: skip
    pull = command(
        actions, "pull", _pull, "land what vendors have had since the last pull, without building anything",
        _PULL_EXAMPLES, is_nested=True,
    )  # fmt: skip
    pull.add_argument(
        "--since", type=moment, metavar="DATE", help="changed (else created) since; the nightly pull's place stays"
    )
    backfill = command(
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


def add_listen(commands: argparse._SubParsersAction[Parser]) -> None:
    """`wherehouse listen`."""
    listen = command(commands, "listen", _listen, "receive what vendors push (webhooks) and land it", _LISTEN_MORE)
    listen.add_argument("--port", type=int, metavar="PORT", help="instead of the settings'; 0: a free one")


def _sources(given: argparse.Namespace) -> int:
    _, sources = loaded(given)
    for source in sources:
        say(f"{source.name}  ({source.kind})  {', '.join(source.entities)}")
    return 0


def _listen(given: argparse.Namespace) -> int:
    settings, sources = loaded(given)
    from pipelines.orchestration.listening import listen

    if given.port is not None:
        webhooks = settings.webhooks.model_copy(update={"port": given.port})
        settings = settings.model_copy(update={"webhooks": webhooks})
    with ours_only() as progress:
        listen(settings, sources, progress=progress)
    return 0


def _check(given: argparse.Namespace) -> int:
    settings, sources = loaded(given)
    from pipelines.orchestration.pulls import check

    return 0 if check(settings, chosen_of(sources, given.source), say) else 1


def _pull(given: argparse.Namespace) -> int:
    settings, sources = loaded(given)
    from pipelines.orchestration.pulls import preview, pull_now, window_of

    window = window_of(given.since, getattr(given, "until", None))
    chosen = chosen_of(sources, given.source)
    if given.dry_run:
        done = preview(settings, chosen, window)
    else:
        with ours_only() as progress:
            done = pull_now(settings, chosen, window, progress=progress)
    say(done.summary)
    return done.exit_code
