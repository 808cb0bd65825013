"""Queries of the Admin API: parsed, checked against the schema, priced, and answered out of plain objects.

Objects are dicts by field name; a list that the schema calls a connection is paged here. Cost follows the published
rules: a scalar 0, an object 1, a connection 2 and its page size times what a node costs, a mutation 10.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_list_type,
    parse,
    validate,
)
from graphql.pyutils import Undefined
from graphql.type import GraphQLField, GraphQLInterfaceType, GraphQLNonNull
from graphql.utilities import value_from_ast_untyped

MOST_A_PAGE: Final = 250
UNPAGED: Final = 10  # assumed length of a list that is not asked for by `first`
MUTATION: Final = 10


@cache
def schema() -> GraphQLSchema:
    """The schema as committed."""
    return build_schema(Path(__file__).with_name("schema.graphql").read_text(encoding="utf-8"))


class QueryError(Exception):
    """A query that the vendor refuses: the `errors` of its answer."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(errors[0]["message"])
        self.errors = errors


@dataclass(slots=True)
class Asked:
    """One field of a query: the key of its answer, name, arguments, what is asked of it, only for which type."""

    key: str
    name: str
    arguments: dict[str, Any]
    type: GraphQLNamedType
    is_list: bool
    only: str | None
    fields: list[Asked] = field(default_factory=list)

    @property
    def is_connection(self) -> bool:
        """Whether its answer is a page."""
        return self.type.name.endswith("Connection")

    def inner(self, name: str) -> Asked | None:
        """A field of it by name."""
        return next((own for own in self.fields if own.name == name), None)


@dataclass(frozen=True, slots=True)
class Operation:
    """A checked query with its variables put in."""

    kind: str  # query, mutation
    fields: list[Asked]


@lru_cache(maxsize=256)
def _document(text: str) -> DocumentNode:
    try:
        document = parse(text)
    except GraphQLError as error:
        raise QueryError([{"message": error.message, "extensions": {"code": "parseError"}}]) from None
    errors = validate(schema(), document)
    if errors:
        raise QueryError([{"message": error.message, "extensions": {"code": "undefinedField"}} for error in errors])
    return document


def read(text: str, variables: Mapping[str, Any], name: str | None = None) -> Operation:
    """Parse and check a query. Raises QueryError."""
    document = _document(text)
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    chosen = [node for node in operations if name is None or (node.name and node.name.value == name)]
    if not chosen:
        raise QueryError([{"message": f"No operation named {name!r}"}])
    own = chosen[0]
    defaults = {
        given.variable.name.value: value_from_ast_untyped(given.default_value)
        for given in own.variable_definitions
        if given.default_value is not None
    }
    reader = _Reader(
        {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)},
        defaults | dict(variables),
    )
    kind = own.operation.value
    root = schema().query_type if kind == "query" else schema().mutation_type
    assert root is not None
    return Operation(kind, list(reader.fields(own.selection_set, root, None)))


@dataclass(slots=True)
class _Reader:
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]

    def fields(self, selection: SelectionSetNode, parent: GraphQLNamedType, only: str | None) -> Iterator[Asked]:
        for node in selection.selections:
            if isinstance(node, FieldNode):
                yield self._field(node, parent, only)
            else:
                spread = self.fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
                assert isinstance(spread, FragmentDefinitionNode | InlineFragmentNode)
                condition = spread.type_condition
                target = schema().type_map[condition.name.value] if condition else parent
                narrower = only if target is parent or isinstance(target, GraphQLInterfaceType) else target.name
                yield from self.fields(spread.selection_set, target, narrower)

    def _field(self, node: FieldNode, parent: GraphQLNamedType, only: str | None) -> Asked:
        name = node.name.value
        key = node.alias.value if node.alias else name
        if name == "__typename":
            return Asked(key, name, {}, schema().type_map["String"], False, only)
        assert isinstance(parent, GraphQLObjectType | GraphQLInterfaceType)
        definition: GraphQLField = parent.fields[name]
        own = get_named_type(definition.type)
        arguments = {given.name.value: self._value(given.value) for given in node.arguments}
        inner = list(self.fields(node.selection_set, own, None)) if node.selection_set else []
        outer = definition.type
        listed = is_list_type(outer.of_type if isinstance(outer, GraphQLNonNull) else outer)
        return Asked(key, name, arguments, own, listed, only, inner)

    def _value(self, node: Any) -> Any:
        value = self.variables.get(node.name.value) if isinstance(node, VariableNode) else value_from_ast_untyped(node)
        return None if value is Undefined else value


def cost(fields: list[Asked]) -> int:
    """Points that a selection is priced at before it runs. Raises QueryError for a connection without `first`."""
    return sum(_cost(own) for own in fields)


def _cost(own: Asked) -> int:
    if is_leaf_type(own.type):
        return 0
    if own.type.name.endswith("Payload"):
        return MUTATION
    if own.is_connection:
        size = own.arguments.get("first")
        if not isinstance(size, int) or not 0 < size <= MOST_A_PAGE:
            message = f"you must provide one of first or last on {own.name}, 1 to {MOST_A_PAGE}"
            raise QueryError([{"message": message, "extensions": {"code": "BAD_REQUEST"}}])
        return 2 + size * (1 + cost(_node_fields(own)))
    times = (own.arguments.get("first") or UNPAGED) if own.is_list else 1
    return int(times) * (1 + cost(own.fields))


def _node_fields(own: Asked) -> list[Asked]:
    """What is asked of the nodes of a connection."""
    nodes, edges = own.inner("nodes"), own.inner("edges")
    edge = edges.inner("node") if edges else None
    return (nodes.fields if nodes else []) + (edge.fields if edge else [])


class Answerer:
    """Answers fields out of objects, counting the objects given: the actual cost."""

    def __init__(self) -> None:
        self.points = 0

    def object(self, fields: list[Asked], value: Mapping[str, Any]) -> dict[str, Any]:
        """The asked fields of one object."""
        self.points += 1
        kind = value.get("__typename")
        return {own.key: self.value(own, value.get(own.name)) for own in fields if own.only is None or own.only == kind}

    def value(self, own: Asked, value: Any) -> Any:
        """One field: a scalar, an object, a list, or a page of a list."""
        if value is None or not own.fields:
            return value
        if own.is_connection:
            return self.page(own, value)
        if isinstance(value, list):
            return [self.object(own.fields, one) for one in value[: own.arguments.get("first") or len(value)]]
        return self.object(own.fields, value)

    def page(self, own: Asked, values: list[Any]) -> dict[str, Any]:
        """A page of a nested list; its cursors are places."""
        after = str(own.arguments.get("after") or "p0")
        start = int(after[1:]) if after[:1] == "p" and after[1:].isdigit() else 0
        chosen = values[start : start + own.arguments.get("first", MOST_A_PAGE)]
        cursors = [f"p{start + place + 1}" for place in range(len(chosen))]
        return self.connection(own, chosen, cursors, start + len(chosen) < len(values), start > 0)

    def connection(self, own: Asked, chosen: list[Any], cursors: list[str], more: bool, before: bool) -> dict[str, Any]:
        """A page as edges, nodes and pageInfo."""
        self.points += 2
        answer: dict[str, Any] = {}
        info = {
            "hasNextPage": more,
            "hasPreviousPage": before,
            "startCursor": cursors[0] if cursors else None,
            "endCursor": cursors[-1] if cursors else None,
        }
        for part in own.fields:
            if part.name == "pageInfo":
                answer[part.key] = {inner.key: info[inner.name] for inner in part.fields}
            elif part.name == "nodes":
                answer[part.key] = [self.object(part.fields, one) for one in chosen]
            elif part.name == "edges":
                pairs = zip(chosen, cursors, strict=True)
                answer[part.key] = [self._edge(part.fields, one, cursor) for one, cursor in pairs]
        return answer

    def _edge(self, fields: list[Asked], value: Any, cursor: str) -> dict[str, Any]:
        return {
            part.key: cursor if part.name == "cursor" else self.object(part.fields, value)
            for part in fields
            if part.name in ("cursor", "node")
        }
