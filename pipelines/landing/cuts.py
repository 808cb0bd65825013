"""The SQL between a vendor's JSON records and the rows that are cut from them: types to read, relations, values.

Nothing is executed here. What a cut and its paths mean is said in `pipelines.domain.pages`. Everything is read as text
first and typed by casts that give null, so that one bad value costs its row and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pipelines.domain.drops import Column, EntityPlan
from pipelines.domain.entities import BOOKKEEPING, COUNT, DATE, FLAG, MONEY, REAL, TEXT, TIME, Entity, Field
from pipelines.domain.pages import Cut
from pipelines.domain.sql import quote_identifier, quote_literal

RECORD_HASH: Final = "_record"  # landed with each record: tells one that was read again from one that changed
_HASH_TYPE: Final = "BIGINT"
_MOST_ELEMENTS: Final = 1_000_000  # of one list: the place of a row is its record's, then its own
_SEGMENT: Final = re.compile(r"([^.\[\]]+)(?:\[(?:([^=\]]+)=)?([^\]]*)\])?(?:\.|$)")
_OFFSET: Final = "(?:[zZ]|UTC|GMT|[+-][0-9]{2}(?::?[0-9]{2})?)$"
_PROBLEMS: Final = {
    TIME: "not a time",
    DATE: "not a date",
    MONEY: "not an amount",
    COUNT: "not a whole number",
    REAL: "not a number",
    FLAG: "neither true nor false",
}


@dataclass(slots=True)
class Shape:
    """What of a JSON value is read: its members, or the value as text. A list has the shape of its elements."""

    members: dict[str, Shape] = field(default_factory=dict)
    is_list: bool = False

    @property
    def sql_type(self) -> str:
        """The DuckDB type to read it as."""
        own = TEXT
        if self.members:
            parts = ", ".join(f"{quote_identifier(name)} {one.sql_type}" for name, one in self.members.items())
            own = f"STRUCT({parts})"
        return own + ("[]" if self.is_list else "")

    def fitted(self, value: Any, problems: list[str], where: str = "record") -> Any:
        """The value without the parts that have another shape; those are named in `problems`."""
        if value is None or not (self.members or self.is_list):
            return value
        if self.is_list:
            if not isinstance(value, list):
                problems.append(f"{where} is not a list")
                return None
            element = Shape(self.members)
            return [element.fitted(one, problems, where) for one in value]
        if not isinstance(value, dict):
            problems.append(f"{where} is not an object")
            return None
        return {name: one.fitted(value.get(name), problems, name) for name, one in self.members.items()}


def landed_entity(cut: Cut) -> Entity:
    """The entity with what landing adds: a record's own cut carries the hash of the record."""
    if cut.each:
        return cut.entity
    own = cut.entity
    return Entity(own.name, own.grain, own.key, (*own.fields, Field(RECORD_HASH, _HASH_TYPE)), own.derived, own.texts)


def shape_of(cuts: Iterable[Cut]) -> Shape:
    """What all cuts together read of a record."""
    root = Shape()
    for cut in cuts:
        for depth in range(len(cut.each)):
            _walk(root, cut.each[: depth + 1], "")
        for one in cut.entity.fields:
            level, path, _ = _parsed(cut, one)
            _walk(root, cut.each[:level], path)
    return root


def relation(cut: Cut, records: str) -> str:
    """SELECT of the rows of a cut from the relation `records` (`_row`, `_hash`, `_problem`, `r`)."""
    depth = len(cut.each)
    if not depth:
        return f"(SELECT _row, _hash, _problem, r AS l0 FROM {records})"  # noqa: S608
    outer = _outer(cut)
    sql = f"SELECT _row, r AS l0 FROM {records}"  # noqa: S608
    for level in range(depth):
        elements = _reference(f"l{level}", cut.each[level])
        carried = [f", {alias}" for alias, (own, _) in outer.items() if own < level]
        carried += [f", {reference} AS {alias}" for alias, (own, reference) in outer.items() if own == level]
        sql = (
            f"SELECT _row * {_MOST_ELEMENTS} + _place AS _row, * EXCLUDE (_row, _place) FROM ("  # noqa: S608
            f"SELECT _row, unnest({elements}) AS l{level + 1}, "
            f"unnest(range(1, len({elements}) + 1)) AS _place{''.join(carried)} FROM ({sql}))"
        )
    return f"({sql})"


def plan(cut: Cut) -> EntityPlan:
    """How the rows of `relation` become landed columns. Raises ValueError for a name that landing itself uses."""
    if taken := {one.name for one in cut.entity.fields} & {*BOOKKEEPING, RECORD_HASH}:
        raise ValueError(f"{cut.entity.name}: {', '.join(sorted(taken))} is landing's own name; give it another")
    columns = [_column(cut, one) for one in cut.entity.fields]
    if not cut.each:
        problem = "_problem IS NOT NULL"
        value = f"CASE WHEN {problem} THEN NULL ELSE _hash END"
        columns.append(Column(RECORD_HASH, value, problem, "not of the documented shape"))
    own = landed_entity(cut)
    fields = {one.column: one.name for one in own.fields}
    key = tuple(fields[name] for name in own.key)
    return EntityPlan(own.name, tuple(columns), key=key, definition=own)


def _column(cut: Cut, one: Field) -> Column:
    level, path, asks_offset = _parsed(cut, one)
    if level < len(cut.each):
        reference = next(
            alias for alias, found in _outer(cut).items() if found == (level, _reference(f"l{level}", path))
        )
    else:
        reference = _reference(f"l{level}", path)
    text = f"nullif({reference}, '')"
    if asks_offset:
        return Column(one.name, f"NOT regexp_matches({text}, '{_OFFSET}')")
    if one.type == TEXT:
        return Column(one.name, text, origin=None)
    return Column(one.name, _typed(text, one.type), f"{text} IS NOT NULL", _PROBLEMS.get(one.type, "not readable"))


def _typed(text: str, type_: str) -> str:
    match type_:
        case "TIMESTAMP":  # the session's zone is UTC: a time without offset is taken as it stands
            return f"CAST(TRY_CAST({text} AS TIMESTAMPTZ) AS TIMESTAMP)"
        case "DATE":
            return f"TRY_CAST(left({text}, 10) AS DATE)"
        case "INTEGER":
            number = f"TRY_CAST({text} AS DECIMAL(18, 4))"
            return f"CASE WHEN {number} = trunc({number}) THEN TRY_CAST({number} AS INTEGER) END"
        case "DOUBLE":
            number = f"TRY_CAST({text} AS DOUBLE)"
            return f"CASE WHEN isfinite({number}) THEN {number} END"
        case _:
            return f"TRY_CAST({text} AS {type_})"


def _outer(cut: Cut) -> dict[str, tuple[int, str]]:
    """What rows take from the levels above them: alias -> level and reference."""
    found: dict[tuple[int, str], str] = {}
    for one in cut.entity.fields:
        level, path, _ = _parsed(cut, one)
        if level < len(cut.each):
            found.setdefault((level, _reference(f"l{level}", path)), f"u{len(found)}")
    return {alias: where for where, alias in found.items()}


def _parsed(cut: Cut, one: Field) -> tuple[int, str, bool]:
    """Level, path from there, and whether it asks for the offset of the time there."""
    path = cut.paths.get(one.name, one.name)
    asks_offset = path.startswith("?")
    path = path.removeprefix("?")
    up = len(path) - len(path.lstrip("^"))
    if up > len(cut.each):
        raise ValueError(f"{cut.entity.name}.{one.name}: {path!r} goes above the record")
    return len(cut.each) - up, path.lstrip("^"), asks_offset


def _segments(path: str) -> Iterator[tuple[str, str, str]]:
    """Name, and key and value of the element looked for in a list of named values, or its place alone."""
    yield from _SEGMENT.findall(path)


def _reference(base: str, path: str) -> str:
    for name, key, value in _segments(path):
        base = f"{base}.{quote_identifier(name)}"
        if key:
            base = f"list_filter({base}, lambda x: x.{quote_identifier(key)} = {quote_literal(value)})[1]"
        elif value:
            base = f"{base}[{int(value) + 1}]"
    return base


def _walk(shape: Shape, lists: Sequence[str], path: str) -> None:
    for one in lists:
        shape = _into(shape, one)
        shape.is_list = True
    _into(shape, path)


def _into(shape: Shape, path: str) -> Shape:
    for name, key, value in _segments(path):
        shape = shape.members.setdefault(name, Shape())
        if key or value:
            shape.is_list = True
        if key:
            shape.members.setdefault(key, Shape())
    return shape
