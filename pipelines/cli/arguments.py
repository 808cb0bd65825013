"""What commands have in common: the settings that they load, the sources that they mean, moments and days."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from pipelines.orchestration.registry import Source
    from pipelines.settings import Settings

USAGE: Final = 2
_DEFAULT_SETTINGS: Final = "wherehouse.toml"


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other error."""

    def error(self, message: str) -> NoReturn:
        """Exit with the usage code."""
        self.exit(USAGE, f"{self.prog}: {message}; see {self.prog} --help\n")


def command(
    commands: argparse._SubParsersAction[Parser],
    name: str,
    run: Callable[[argparse.Namespace], int],
    what: str,
    more: str = "",
    *,
    is_nested: bool = False,
) -> argparse.ArgumentParser:
    """A command with what all take. A nested one has no defaults: what stands before it counts as well."""
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


def as_of(command: argparse.ArgumentParser) -> None:
    """The clock, as an argument."""
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


def day(text: str) -> date:
    """A date. Raises ArgumentTypeError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-01-31") from None


def settings_of(given: argparse.Namespace) -> Settings:
    """The settings that the arguments name. Raises SettingsError."""
    from pipelines.settings import load

    return load(given.settings, data_dir=given.data_dir, as_of=getattr(given, "as_of", None))


def loaded(given: argparse.Namespace) -> tuple[Settings, tuple[Source, ...]]:
    """The settings and their sources. Raises SettingsError."""
    settings = settings_of(given)
    from pipelines.orchestration.registry import sources_of

    return settings, sources_of(settings)


def chosen_of(sources: tuple[Source, ...], name: str | None) -> tuple[Source, ...]:
    """The source of that name, or all. Raises SettingsError."""
    chosen = tuple(source for source in sources if name in (None, source.name))
    if not chosen:
        from pipelines.domain.errors import SettingsError

        raise SettingsError(f"there is no source {name!r}; one of {', '.join(source.name for source in sources)}")
    return chosen
