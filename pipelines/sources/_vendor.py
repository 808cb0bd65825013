"""What vendors have in common besides HTTP: settings that all take, secrets by name, and running a source alone."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.domain.deliveries import Door
from pipelines.domain.errors import SettingsError, WherehouseError
from pipelines.domain.pages import CredentialsError, Cut, Page, Stream, Window

S = TypeVar("S", bound="VendorSettings")
PATIENCE: Final = 900.0  # seconds for one answer, with all its repeats


class VendorSettings(BaseModel):
    """What every `[sources.<name>]` table of a vendor may hold. Secrets are names of environment variables."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    since: date | None = Field(None, description="the first pull starts here; without it, at the beginning")
    look_back_hours: float = Field(24, ge=0, description="how far each pull reads again what the last one has read")
    latency_minutes: int = Field(60, ge=0, description="from an event to its record, where the vendor does not say")
    policy_hours: float | None = Field(36, gt=0, description="silence after which the source is stale")
    time_zone: str = Field("UTC", description="of times without offset whose place is not known")
    max_pages: int = Field(0, ge=0, description="of one pull; the next one goes on. 0: no limit")
    max_minutes: float = Field(0, ge=0, description="of one pull; the next one goes on. 0: no limit")
    timeout_seconds: float = Field(60, gt=0)

    @property
    def first_moment(self) -> datetime | None:
        """`since` as a moment."""
        return None if self.since is None else datetime(self.since.year, self.since.month, self.since.day, tzinfo=UTC)

    @property
    def patience(self) -> float:
        """Seconds for one answer: a vendor in trouble must not hold a pull for longer than all of it may take."""
        return min(PATIENCE, self.max_minutes * 60 or PATIENCE)

    @property
    def look_back(self) -> timedelta:
        """`look_back_hours` as a duration."""
        return timedelta(hours=self.look_back_hours)


@dataclass(frozen=True, slots=True)
class Checked:
    """What asking a vendor for one small thing told: a sentence for people, and the clock's skew in seconds."""

    sentence: str
    skew_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Connector(Generic[S]):
    """A vendor folder, as the registry sees it. Nothing in it needs a secret or the network before a stream is read.

    `check` asks the vendor for something small. It raises SourceError.
    """

    name: str  # `type` in settings, the folder, and the prefix of staging models and seeds
    settings: type[S]
    cuts: tuple[Cut, ...]
    streams: Callable[[str, S], tuple[Stream, ...]]
    check: Callable[[S], Checked]
    door: Callable[[S], Door] | None = None  # of vendors that push; raises CredentialsError without its secret
    hooks: Callable[[str, S], tuple[Stream, ...]] | None = None  # what pushed records land as, if not as pulled ones

    @property
    def entities(self) -> tuple[str, ...]:
        """What lands, sorted."""
        return tuple(sorted(cut.entity.name for cut in self.cuts))


@dataclass(slots=True)
class _Reader:
    """Reads a stream over a connection of its own; remembers how far the vendor's clock is from ours."""

    settings: VendorSettings
    name: str
    skew: float = 0.0

    def read(self, window: Window, cursor: Any) -> Iterator[Page]:
        client = import_module(f"pipelines.sources.{self.settings.type}.client")  # here: it imports the HTTP library
        with client.connect(self.settings) as http:
            for page in getattr(client, self.name)(http, window, cursor):
                self.skew = http.skew_seconds
                yield page


def stream(source: str, settings: VendorSettings, name: str, cuts: tuple[Cut, ...]) -> Stream:
    """A stream of a vendor: its `client.py` has `connect(settings)` and, of the stream's name, what yields pages."""
    reader = _Reader(settings, name)
    return Stream(
        source,
        settings.type,
        name,
        cuts,
        reader.read,
        since=settings.first_moment,
        look_back=settings.look_back,
        skew_seconds=lambda: reader.skew,
    )


def parse(model: type[S], name: str, table: Mapping[str, Any], settings_file: Path) -> S:
    """Validate the opaque table `[sources.<name>]`. Raises SettingsError naming the file and the key."""
    try:
        return model.model_validate(dict(table))
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(["sources", name, *(str(part) for part in problem["loc"])])
        if problem["type"] == "extra_forbidden":
            raise SettingsError(f"{settings_file}: unknown setting {key!r}") from None
        message = problem["msg"].removeprefix("Value error, ")
        raise SettingsError(f"{settings_file}: setting {key!r}: {message} (got {problem.get('input')!r})") from None


def secret(vendor: str, variable: str) -> str:
    """The value of an environment variable. Raises CredentialsError, naming it, where it is not set."""
    value = os.environ.get(variable, "").strip()
    if not value:
        raise CredentialsError(f"{vendor} needs its key in the environment variable {variable}, which is not set")
    return value


def run_alone(connector: Connector[S], arguments: Sequence[str] | None = None) -> int:
    """`python -m pipelines.sources.<vendor> --since 2026-01-31`: pages as JSON lines, without landing anything.

    Records may be personal data: without --records only their number is shown.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m pipelines.sources.{connector.name}", description=run_alone.__doc__
    )
    parser.add_argument("--since", type=_moment, metavar="DATE")
    parser.add_argument("--until", type=_moment, metavar="DATE")
    parser.add_argument("--stream", help="only this one")
    parser.add_argument("--pages", type=int, default=0, help="at most so many of each stream")
    parser.add_argument("--records", action="store_true", help="the records themselves")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the source")
    given = parser.parse_args(arguments)
    table = {"type": connector.name} | dict(one.split("=", 1) for one in given.set)
    try:
        settings = parse(connector.settings, connector.name, table, Path("--set"))
        for stream in connector.streams(connector.name, settings):
            if given.stream in (None, stream.name):
                _show(stream, Window(given.since, given.until), given.pages, with_records=given.records)
    except WherehouseError as error:
        parser.exit(error.exit_code, f"{error}\n")
    return 0


def _show(stream: Stream, window: Window, most: int, *, with_records: bool) -> None:
    out = os.fdopen(os.dup(1), "wb")
    with out:
        for number, page in enumerate(stream.read(window, None), start=1):
            if with_records:
                out.writelines(record.replace(b"\n", b" ") + b"\n" for record in map(bytes, page.records))
            else:
                line = {"stream": stream.name, "page": number, "records": len(page.records), "cursor": page.cursor}
                out.write(json.dumps(line).encode() + b"\n")
            if number == most:
                break


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-01-31") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
