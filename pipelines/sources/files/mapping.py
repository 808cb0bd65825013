"""From settings of one file pattern and the columns of one file to entity plans, and which columns they need.

Missing columns, and typed columns that became something else, are found here, before a row is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import duckdb

from pipelines.domain.drops import Column, EntityPlan, Target, UnreadableError
from pipelines.domain.entities import ENTITIES, TEXT, Entity
from pipelines.domain.sql import quote_identifier
from pipelines.sources.files import expressions
from pipelines.sources.files.readers import ROW
from pipelines.sources.files.settings import ColumnSettings, FileSettings, MappingSettings, labels_of
from pipelines.sources.files.values import TypeMismatchError, compile_value

COMPILER_VERSION: Final = 1  # a change of what the same mapping yields must raise this: everything lands again


@dataclass(frozen=True, slots=True)
class Use:
    """A column that a mapping names, and the key of the setting that names it (below the file's)."""

    column: str
    key: str


def mappings_of(settings: FileSettings) -> Iterator[tuple[Entity, str, MappingSettings, str]]:
    """Every mapping of a file: entity, label, settings, key of the setting below the file's."""
    for name, mappings in settings.entities.items():
        for index, (label, mapping) in enumerate(zip(labels_of(mappings), mappings, strict=True)):
            place = f"entities.{name}" + (f"[{index}]" if len(mappings) > 1 else "")
            yield ENTITIES[name], label, mapping, place


def targets_of(settings: FileSettings, zone: str) -> tuple[Target, ...]:
    """Names and hashes of a file's mappings. Where files lie does not matter, how they are read does."""
    shared = settings.model_dump(mode="json", exclude={"path", "entities", "mode", "lookups"})
    lookups = [lookup.model_dump(mode="json", exclude={"path"}) for lookup in settings.lookups]
    targets = []
    for entity, label, mapping, _ in mappings_of(settings):
        what = [COMPILER_VERSION, zone, shared, lookups, mapping.model_dump(mode="json")]
        digest = hashlib.blake2b(json.dumps(what, sort_keys=True).encode(), digest_size=10).hexdigest()
        targets.append(Target(entity.name, label, digest))
    return tuple(targets)


def uses_of(con: duckdb.DuckDBPyConnection, settings: FileSettings) -> tuple[Use, ...]:
    """All columns that the mappings, conditions and lookups name; lookup results and `_row` among them.

    Raises ValueError ("key: sentence") for an expression that does not parse.
    """
    uses: list[Use] = []
    for number, lookup in enumerate(settings.lookups):
        uses += [Use(column, f"lookups[{number}].on") for column in lookup.on]
    for _, _, mapping, place in mappings_of(settings):
        for name, column in mapping.columns.items():
            key = f"{place}.columns.{name}"
            if column.column is not None:
                uses.append(Use(column.column, key))
            elif column.sql is not None:
                uses += [Use(used, key) for used in sorted(_columns_of(con, column.sql, key))]
        for expression, key in [(mapping.when, "when"), *((one, "once_per") for one in mapping.once_per)]:
            if expression is not None and key == "when":
                uses += [Use(used, f"{place}.when") for used in sorted(_columns_of(con, expression, f"{place}.when"))]
            elif expression is not None:
                uses.append(Use(expression, f"{place}.once_per"))
    return tuple(uses)


def _columns_of(con: duckdb.DuckDBPyConnection, expression: str, key: str) -> frozenset[str]:
    try:
        return expressions.columns_of(con, expression)
    except ValueError as error:
        raise ValueError(f"setting '{{}}.{key}': {expression!r} {error}") from None


def required_keys(settings: FileSettings) -> frozenset[str]:
    """Keys of settings whose column decides whether any row can land: required fields taken from a plain column."""
    return frozenset(
        f"{place}.columns.{field.name}"
        for entity, _, mapping, place in mappings_of(settings)
        for field in entity.fields
        if field.required and mapping.columns[field.name].column is not None
    )


def entity_plans(
    con: duckdb.DuckDBPyConnection, settings: FileSettings, types: Mapping[str, str], zone: str, setting: str
) -> tuple[EntityPlan, ...]:
    """Compile every mapping for a file whose records have columns of these types.

    Raises UnreadableError naming column and setting.
    """
    all_types = {**types, ROW: "BIGINT"}
    plans = []
    for entity, label, mapping, place in mappings_of(settings):
        sql_types = expressions.types_of(
            con, {name: column.sql for name, column in mapping.columns.items() if column.sql is not None}, all_types
        )
        if mapping.when is not None:
            expressions.types_of(con, {f"{entity.name}.when": f"({mapping.when}) IS TRUE"}, all_types)
        columns = []
        for field in entity.fields:
            if (column := mapping.columns.get(field.name)) is None:
                continue
            ref, type_ = _origin(column, sql_types.get(field.name, TEXT), all_types)
            try:
                compiled: Column = compile_value(field, column, ref, type_, settings.time_zone or zone)
            except TypeMismatchError as error:
                key = f"{setting}.{place}.columns.{field.name}"
                raise UnreadableError(f"column {column.column or column.sql!r} {error}; fix {key}") from None
            columns.append(compiled)
        plans.append(
            EntityPlan(
                entity=entity.name,
                label=label,
                columns=tuple(columns),
                when_sql=mapping.when,
                key=tuple(mapping.key),
                once_per_sql=tuple(quote_identifier(one) for one in mapping.once_per),
            )
        )
    return tuple(plans)


def _origin(column: ColumnSettings, sql_type: str, types: Mapping[str, str]) -> tuple[str, str]:
    if column.column is not None:
        return quote_identifier(column.column), _type_of(column.column, types)
    return (f"({column.sql}\n)", sql_type) if column.sql is not None else ("NULL", "NULL")


def _type_of(name: str, types: Mapping[str, str]) -> str:
    lowered = {column.lower(): type_ for column, type_ in types.items()}
    return types.get(name) or lowered[name.lower()]
