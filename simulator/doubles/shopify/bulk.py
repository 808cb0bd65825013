"""The bulk operation: one query over everything, answered as JSON lines whose nested records name their parent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from simulator.doubles.shopify.language import Asked, Operation, QueryError, read

CONNECTIONS: Final = 5
DEPTH: Final = 2  # levels of nesting below the connection at the top
POLLS: Final = 2  # questions after which it is done


@dataclass(slots=True)
class Job:
    """One bulk operation; `moment` (microseconds) is the world's when it was asked for."""

    number: int
    query: str
    operation: Operation
    moment: int
    polls: int = 0
    cancelled: bool = False
    objects: int = 0
    roots: int = 0
    bytes: int = 0

    @property
    def id(self) -> str:
        """Its global id."""
        return f"gid://shopify/BulkOperation/{self.number}"

    @property
    def done(self) -> bool:
        """Whether its file can be fetched."""
        return not self.cancelled and self.polls >= POLLS

    @property
    def root(self) -> Asked:
        """The one connection at the top."""
        return self.operation.fields[0]


def checked(text: str) -> Operation:
    """The query of a bulk operation. Raises QueryError for what the vendor does not run in bulk."""
    operation = read(text, {})
    if len(operation.fields) != 1 or operation.fields[0].name != "orders":
        raise QueryError([{"message": "Bulk queries must contain exactly one connection at the top."}])
    count = _connections(operation.fields[0], 0, False)
    if count > CONNECTIONS:
        raise QueryError([{"message": f"Bulk queries cannot contain more than {CONNECTIONS} connections."}])
    return operation


def _connections(own: Asked, depth: int, in_list: bool) -> int:
    if own.is_connection and in_list:
        message = "Queries that contain a connection field within a list field are not currently supported."
        raise QueryError([{"message": message}])
    inside = own.is_connection
    if inside and depth > DEPTH:
        raise QueryError([{"message": "Bulk queries cannot contain connections nested more than two deep."}])
    listed = own.is_list and not inside and bool(own.fields)
    inner = nodes(own) if inside else own.fields
    below = sum(_connections(field, depth + inside, in_list or listed) for field in inner if field.fields)
    return below + inside


def nodes(own: Asked) -> list[Asked]:
    """What is asked of the nodes of a connection, whichever way."""
    found = own.inner("nodes")
    edges = own.inner("edges")
    edge = edges.inner("node") if edges else None
    return (found.fields if found else []) + (edge.fields if edge else [])


def lines(fields: list[Asked], value: dict[str, Any], parent: str | None) -> Iterator[bytes]:
    """A record and those nested in its connections, one JSON text a line."""
    own: dict[str, Any] = {}
    nested: list[tuple[Asked, list[Any]]] = []
    for asked in fields:
        if asked.only is not None and asked.only != value.get("__typename"):
            continue
        found = value.get(asked.name)
        if asked.is_connection:
            nested.append((asked, found or []))
        else:
            own[asked.key] = _plain(asked, found)
    if parent is not None:
        own["__parentId"] = parent
    yield msgspec.json.encode(own) + b"\n"
    for asked, children in nested:
        for child in children:
            yield from lines(nodes(asked), child, value["id"])


def _plain(asked: Asked, value: Any) -> Any:
    if value is None or not asked.fields:
        return value
    if isinstance(value, list):
        return [{inner.key: _plain(inner, one.get(inner.name)) for inner in asked.fields} for one in value]
    return {inner.key: _plain(inner, value.get(inner.name)) for inner in asked.fields}
