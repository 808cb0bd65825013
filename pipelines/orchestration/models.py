"""The dbt project as Dagster needs to see it: its models, seeds and which of them have tests, read from the manifest.

dbt itself is not imported: the manifest that `warehouse.runner.prepare` leaves behind says everything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final

from pipelines.warehouse.connection import Engine
from pipelines.warehouse.runner import prepare

_STAGING: Final = "stg_"


@dataclass(frozen=True, slots=True)
class Model:
    """One model or seed. `layer` is its schema, `reads` are the landed entities of a staging model."""

    unique_id: str
    name: str
    layer: str  # staging, intermediate, marts, outlook, seeds
    group: str
    materialized: str
    description: str
    parents: tuple[str, ...]  # unique ids of models and seeds
    has_tests: bool
    reads: tuple[str, str] | None = None  # connector, entity


def load_models(engine: Engine) -> tuple[Model, ...]:
    """The project's models and seeds, parsed first if it has changed. Raises BuildError, StorageError."""
    return read_manifest(prepare(engine).with_name("manifest.json"))


def read_manifest(path: Path) -> tuple[Model, ...]:
    """Models and seeds of a manifest, parents before their children, else by unique id."""
    nodes: Mapping[str, Mapping[str, Any]] = json.loads(path.read_bytes())["nodes"]
    tested = {node.get("attached_node") for node in nodes.values() if node["resource_type"] == "test"}
    models = {
        unique_id: _model(nodes, unique_id, node, has_tests=unique_id in tested)
        for unique_id, node in sorted(nodes.items())
        if node["resource_type"] in {"model", "seed"}
    }
    order = TopologicalSorter({unique_id: model.parents for unique_id, model in models.items()})
    return tuple(models[unique_id] for unique_id in order.static_order())


def _model(
    nodes: Mapping[str, Mapping[str, Any]], unique_id: str, node: Mapping[str, Any], *, has_tests: bool
) -> Model:
    is_seed = node["resource_type"] == "seed"
    layer = str(node["schema"])
    folders = node["fqn"][1:-1]
    parents = node["depends_on"].get("nodes", ())
    return Model(
        unique_id=unique_id,
        name=node["name"],
        layer=layer,
        group="seeds" if is_seed else "_".join(folders[:2]) or layer,
        materialized="seed" if is_seed else str(node["config"]["materialized"]),
        description=str(node.get("description") or ""),
        parents=tuple(parent for parent in parents if nodes.get(parent, {}).get("resource_type") in {"model", "seed"}),
        has_tests=has_tests,
        reads=_reads(node["name"]) if layer == "staging" else None,
    )


def _reads(name: str) -> tuple[str, str] | None:
    connector, separator, entity = name.removeprefix(_STAGING).partition("__")
    return (connector, entity) if separator and name.startswith(_STAGING) else None
