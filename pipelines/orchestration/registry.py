"""Which kinds of sources there are: `type` of a `[sources.<name>]` table -> what reads it.

The one place that knows every vendor folder. A new vendor is its name in `VENDORS`; assets, checks and freshness come
from its folder by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pipelines.domain.deliveries import Door
from pipelines.domain.errors import SettingsError
from pipelines.domain.pages import Budget, Stream
from pipelines.landing.cuts import landed_entity
from pipelines.warehouse.plan import ReasonCode, SourceSettings, StatusCode

if TYPE_CHECKING:
    from pipelines.domain.drops import DropPlan
    from pipelines.domain.entities import Entity
    from pipelines.settings import Settings
    from pipelines.sources._vendor import Checked, Connector
    from pipelines.sources.files import FileSource

# folders of pipelines/sources that speak to an API
VENDORS: Final = ("aftership", "easypost", "gorgias", "loop", "shopify", "zendesk")


@dataclass(frozen=True, slots=True)
class Found:
    """What a source has to offer right now: files to take, in order, and remarks worth showing."""

    plans: tuple[DropPlan, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One configured source, whatever its kind."""

    name: str
    kind: str  # `type` in the settings
    connector: str  # whose staging models serve it
    entities: tuple[str, ...]  # that it maps, sorted
    facts: SourceSettings  # what models need to know of it
    find: Callable[[], Found]  # raises SourceError
    status_codes: Callable[[], list[StatusCode]]  # raises SettingsError
    reason_codes: Callable[[], list[ReasonCode]]  # raises SettingsError
    policy_hours: float | None = None  # how long it may be silent
    streams: Callable[[], tuple[Stream, ...]] = tuple  # of an API; raises SettingsError
    budget: Budget = field(default_factory=Budget)
    check: Callable[[], Checked] | None = None  # asks an API for something small; raises SourceError
    door: Callable[[], Door] | None = None  # for webhooks; raises CredentialsError without its secret
    hooks: Callable[[], tuple[Stream, ...]] = tuple  # what webhooks bring


def sources_of(settings: Settings) -> tuple[Source, ...]:
    """The configured sources by name. Raises SettingsError naming file and key."""
    if not settings.sources:
        raise SettingsError(f"{settings.file}: there is no [sources.<name>] table, so nothing to read; add one")
    return tuple(_source(settings, name, table) for name, table in sorted(settings.sources.items()))


def _source(settings: Settings, name: str, table: Mapping[str, Any]) -> Source:
    kind = table.get("type")
    factory = _FACTORIES.get(kind) if isinstance(kind, str) else None
    if factory is None:
        known = ", ".join(sorted(_FACTORIES))
        raise SettingsError(
            f"{settings.file}: setting 'sources.{name}.type': {kind!r} is not a kind of source ({known})"
        )
    return factory(name, table, settings.file)


def _files(name: str, table: Mapping[str, Any], settings_file: Path) -> Source:
    from pipelines.sources.files import FileSource  # here: it imports the engine

    source = FileSource.from_settings(name, table, settings_file)
    return Source(
        name=name,
        kind="files",
        connector="files",
        entities=tuple(sorted({entity for files in source.settings.files for entity in files.entities})),
        facts=SourceSettings(name, "files", source.settings.time_zone, source.settings.latency_minutes),
        find=lambda: _found(source),
        status_codes=lambda: [
            StatusCode(name, code.carrier, code.status_code, code.milestone, code.incident)
            for code in source.status_map()
        ],
        reason_codes=lambda: [
            ReasonCode(name, code.reason_code, code.reason, code.reason_group, code.reason_fault)
            for code in source.reason_map()
        ],
        policy_hours=source.settings.policy_hours,
    )


def _found(source: FileSource) -> Found:
    found = source.find()
    return Found(found.plans, found.notes)


def vendor_entities() -> dict[str, tuple[Entity, ...]]:
    """What every vendor folder may land, configured or not: staging reads their zero-row files."""
    return {name: tuple(landed_entity(cut) for cut in _connector(name).cuts) for name in VENDORS}


def landed_by_vendors() -> tuple[Entity, ...]:
    """What all vendors may land as their own, for whoever looks for a person in it."""
    return tuple(entity for entities in vendor_entities().values() for entity in entities)


def _vendor(kind: str, name: str, table: Mapping[str, Any], settings_file: Path) -> Source:
    from pipelines.sources._vendor import parse

    connector = _connector(kind)
    settings = parse(connector.settings, name, table, settings_file)
    return Source(
        name=name,
        kind=kind,
        connector=kind,
        entities=connector.entities,
        facts=SourceSettings(name, kind, settings.time_zone, settings.latency_minutes),
        find=lambda: Found(()),
        status_codes=list,
        reason_codes=list,
        policy_hours=settings.policy_hours,
        streams=lambda: connector.streams(name, settings),
        budget=Budget(settings.max_pages, settings.max_minutes),
        check=lambda: connector.check(settings),
        door=None if connector.door is None else partial(connector.door, settings),
        hooks=lambda: (connector.hooks or connector.streams)(name, settings),
    )


def _connector(kind: str) -> Connector[Any]:
    connector: Connector[Any] = import_module(f"pipelines.sources.{kind}").CONNECTOR
    return connector


_FACTORIES: Final[Mapping[str, Callable[[str, Mapping[str, Any], Path], Source]]] = {
    "files": _files,
    **{kind: partial(_vendor, kind) for kind in VENDORS},
}
