"""A file source: its settings made into plans that landing executes. Finding files opens none of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import duckdb

from pipelines.domain.drops import Drop, DropPlan, EmptyError, EntityPlan, Reading, Target, UnreadableError
from pipelines.domain.errors import SettingsError
from pipelines.sources.files import codes, discovery, expressions, lookups, mapping, readers
from pipelines.sources.files.settings import FileSettings, FilesSettings, parse

_OTHER_DELIMITERS: Final = (";", "\t", "|", ",")


@dataclass(frozen=True, slots=True)
class Found:
    """Plans of all files there are, in the order to take them, and remarks worth showing."""

    plans: tuple[DropPlan, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Compiled:
    """What files with the same columns share."""

    joined: lookups.Joined
    entities: tuple[EntityPlan, ...]


@dataclass
class FileSource:
    """One `[sources.<name>]` table of type "files"."""

    name: str
    settings: FilesSettings
    file: Path  # the settings file: relative paths are relative to its folder
    _compiled: dict[tuple[int, tuple[tuple[str, str], ...]], _Compiled] = field(default_factory=dict, repr=False)

    @classmethod
    def from_settings(cls, name: str, table: Mapping[str, Any], settings_file: Path) -> FileSource:
        """Validate a table of the settings file, expressions included.

        Raises SettingsError naming file and key.
        """
        source = cls(name, parse(name, dict(table), settings_file), settings_file)
        for index in range(len(source.settings.files)):
            source._uses(index)
        return source

    def find(self) -> Found:
        """Look for files and plan all of them. Raises SourceError for a named file or folder that is not there."""
        found: list[tuple[int, Drop]] = []
        notes: list[str] = []
        for index, files in enumerate(self.settings.files):
            discovered = discovery.discover(files.path, self.file.parent, self._setting(index), files.format)
            found += [(index, drop) for drop in discovered.drops]
            notes += discovered.notes
        found.sort(key=lambda one: (discovery.natural(one[1].path), one[0]))
        return Found(tuple(self.plan(index, drop) for index, drop in found), tuple(notes))

    def plan(self, index: int, drop: Drop) -> DropPlan:
        """The plan of one file found by `files[index]`. Opens nothing."""
        files = self.settings.files[index]
        format_ = files.format or discovery.format_of(drop.path) or "csv"
        return DropPlan(
            source=self.name,
            drop=drop,
            format=format_,
            targets=self._targets[index],
            read=lambda: self._read(index, drop, format_),
            mode=files.mode,
            series=files.path,
            lookup_paths=tuple(self.file.parent / Path(lookup.path).expanduser() for lookup in files.lookups),
        )

    def status_map(self) -> list[codes.StatusCode]:
        """Rows of the status map named in the settings; empty without one. Raises SettingsError."""
        return codes.read_status_map(self._path(self.settings.status_map), f"sources.{self.name}.status_map")

    def reason_map(self) -> list[codes.ReasonCode]:
        """Rows of the return reason map named in the settings; empty without one. Raises SettingsError."""
        return codes.read_reason_map(self._path(self.settings.reason_map), f"sources.{self.name}.reason_map")

    @cached_property
    def _con(self) -> duckdb.DuckDBPyConnection:
        return expressions.connect()

    @cached_property
    def _targets(self) -> list[tuple[Target, ...]]:
        return [mapping.targets_of(files, files.time_zone or self.settings.time_zone) for files in self.settings.files]

    @cached_property
    def _used(self) -> dict[int, tuple[mapping.Use, ...]]:
        return {}

    def _path(self, name: str | None) -> Path | None:
        return None if name is None else self.file.parent / Path(name).expanduser()

    def _setting(self, index: int) -> str:
        return f"sources.{self.name}.files[{index}]"

    def _uses(self, index: int) -> tuple[mapping.Use, ...]:
        if index not in self._used:
            try:
                self._used[index] = mapping.uses_of(self._con, self.settings.files[index])
            except ValueError as error:
                raise SettingsError(f"{self.file}: {str(error).format(self._setting(index))}") from None
        return self._used[index]

    def _read(self, index: int, drop: Drop, format_: str) -> Reading:
        files = self.settings.files[index]
        if drop.size == 0:
            raise EmptyError("is empty (0 bytes)")
        shape = readers.shape_of(drop.path, files, format_)
        schema = readers.schema_of(self._con, drop.path, format_, shape, files.names)
        if schema.is_empty and not schema.is_open:
            raise EmptyError("holds nothing, not even a header line")
        from_lookups = lookups.outputs_of(files) | {readers.ROW}
        uses = [use for use in self._uses(index) if use.column not in from_lookups]
        columns = tuple(dict.fromkeys(use.column for use in uses))
        notes = self._missing(files, schema, uses, shape.delimiter if format_ == "csv" else "", index)
        types = tuple((column, "VARCHAR") for column in columns) if schema.is_open else schema.types
        compiled = self._compile(index, types)
        records = readers.records_sql(drop.path, format_, schema, columns, shape, files.null_values)
        return Reading(
            records_sql=compiled.joined.over(records),
            entities=compiled.entities,
            columns=columns,
            shape=shape,
            lookups=compiled.joined.lookups,
            records=schema.records,
            notes=notes,
        )

    def _compile(self, index: int, types: tuple[tuple[str, str], ...]) -> _Compiled:
        key = (index, types)
        if key not in self._compiled:
            files, setting = self.settings.files[index], self._setting(index)
            joined = lookups.join(self._con, files, self.file.parent, dict(types), setting)
            plans = mapping.entity_plans(self._con, files, joined.types, self.settings.time_zone, setting)
            self._compiled[key] = _Compiled(joined, plans)
        return self._compiled[key]

    def _missing(
        self, files: FileSettings, schema: readers.Schema, uses: list[mapping.Use], delimiter: str, index: int
    ) -> tuple[str, ...]:
        """Raise UnreadableError for the first column that is not there; a JSON key may be left out: that is a note."""
        there = {name.lower() for name, _ in schema.types}
        absent = [use for use in uses if use.column.lower() not in there]
        if schema.is_open:
            required = mapping.required_keys(files)
            fatal = [use for use in absent if use.key in required] if there else []
        else:
            fatal = absent
        if fatal:
            names = [name for name, _ in schema.types]
            other = next((one for one in _OTHER_DELIMITERS if delimiter and one != delimiter and one in names[0]), None)
            if len(names) == 1 and other is not None:
                raise UnreadableError(
                    f"has one column when split at {delimiter!r}, its first line has {other!r}: "
                    f"say delimiter = {other!r} in {self._setting(index)}"
                )
            raise UnreadableError(
                f"column {fatal[0].column!r} is not there (found: {', '.join(names)}); "
                f"fix {self._setting(index)}.{fatal[0].key}"
            )
        return tuple(f"no record among the first has {use.column!r}, named in {use.key}" for use in absent if there)
