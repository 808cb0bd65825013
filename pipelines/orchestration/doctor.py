"""Is everything in place for a refresh? Looks, and changes nothing."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from pipelines.domain.errors import WherehouseError
from pipelines.orchestration import alerts
from pipelines.settings import Settings, load

_LEAST_FREE_BYTES: Final = 2 * 10**9
_PACKAGES: Final = ("wherehouse", "dagster", "dbt-core", "dbt-duckdb", "duckdb", "great-expectations", "polars")


@dataclass(frozen=True, slots=True)
class Report:
    """One line for everything that was looked at."""

    text: str
    is_well: bool


def examine(settings_file: Path, data_dir: Path | None) -> Report:
    """Look at settings, sources, keys, folder, disk, alerts, versions, and what waits for a decision."""
    lines: list[tuple[bool, str]] = []
    try:
        settings = load(settings_file, data_dir=data_dir)
        lines.append((True, f"settings {settings.file}"))
        for look in (_sources, _folder, _keys, _alerts, _project, _pending):
            lines += _guarded(look, settings)
    except WherehouseError as error:
        lines.append((False, str(error)))
    lines += list(_versions())
    text = "\n".join(f"{'ok  ' if is_well else 'LOOK'}  {line}" for is_well, line in lines)
    return Report(text, all(is_well for is_well, _ in lines))


def _guarded(look: Callable[[Settings], Iterator[tuple[bool, str]]], settings: Settings) -> list[tuple[bool, str]]:
    try:
        return list(look(settings))
    except WherehouseError as error:
        return [(False, str(error))]


def _sources(settings: Settings) -> Iterator[tuple[bool, str]]:
    from pipelines.orchestration.registry import sources_of

    for source in sources_of(settings):
        source.status_codes()
        source.reason_codes()
        try:
            found = source.find()
        except WherehouseError as error:
            yield False, str(error)
            continue
        yield bool(found.plans), f"source {source.name}: {len(found.plans):,} files for {', '.join(source.entities)}"
        yield from ((False, note) for note in found.notes)


def _folder(settings: Settings) -> Iterator[tuple[bool, str]]:
    folder = settings.data_dir
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    is_writable = os.access(existing, os.W_OK | os.X_OK) and existing.is_dir()
    yield is_writable, f"data folder {folder}{'' if is_writable else f': {existing} cannot be written to'}"
    free = shutil.disk_usage(existing).free
    yield free >= _LEAST_FREE_BYTES, f"disk: {free / 1e9:,.1f} GB free"


def _keys(settings: Settings) -> Iterator[tuple[bool, str]]:
    from pipelines.landing.keys import ENVIRONMENT, load_or_create

    file = settings.key_file
    if not os.environ.get(ENVIRONMENT) and not file.exists():
        yield True, f"keys: none yet; the first refresh creates {file}"
        return
    keys = load_or_create(file)
    where = f"environment variable {ENVIRONMENT}" if os.environ.get(ENVIRONMENT) else str(file)
    yield True, f"keys {keys.key_id} from {where}; keep a copy apart from the data"


def _alerts(settings: Settings) -> Iterator[tuple[bool, str]]:
    if not alerts.is_configured(settings.alerts):
        yield True, "alerts: nobody is told of a failed or late refresh (settings, [alerts])"
        return
    given = settings.alerts
    names = [given.webhook_url_env, given.smtp_user_env, given.smtp_password_env]
    missing = [name for name in names if name and not os.environ.get(name)]
    yield not missing, f"alerts: {'set ' + ', '.join(missing) if missing else 'webhook or mail configured'}"


def _project(settings: Settings) -> Iterator[tuple[bool, str]]:
    from pipelines.warehouse.project import parsed_dir, parsed_file, parsed_key, project_dir

    project = project_dir()
    is_parsed = parsed_file(parsed_dir(project, settings.data_dir / "tmp"), parsed_key(project)).exists()
    yield True, f"dbt project {project}: {'parsed' if is_parsed else 'the next refresh parses it (3 s)'}"


def _pending(settings: Settings) -> Iterator[tuple[bool, str]]:
    from pipelines.landing import Manifest
    from pipelines.orchestration.history import History
    from pipelines.warehouse.connection import Engine
    from pipelines.warehouse.ledger import Ledgers

    engine = Engine(settings.data_dir)
    held = Manifest(settings.data_dir).held()
    for batch in held:
        yield False, f"held: {batch.source} / {batch.entity} from {batch.file}; wherehouse release {batch.batch_id}"
    if History.of(engine).is_publication_pending():
        yield False, "a build was begun and is not published; the next refresh completes it"
    publications = Ledgers.of(engine).publications()
    if not publications:
        yield True, "nothing was published yet"
    else:
        last = publications[-1]
        yield True, f"last published {last.published_at:%Y-%m-%d %H:%M} UTC, as of {last.as_of:%Y-%m-%d %H:%M} UTC"


def _versions() -> Iterator[tuple[bool, str]]:
    yield sys.version_info[:2] == (3, 11), f"Python {sys.version.split()[0]}"
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            yield False, f"{name} is not installed; run make setup"
    yield True, ", ".join(found)
