"""Zero-row files with the landed schema: what a model reads while an entity has no batch yet."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb

from pipelines.domain.entities import ENTITIES, Entity
from pipelines.domain.errors import StorageError
from pipelines.domain.sql import quote_identifier, quote_literal
from pipelines.landing.files import written

FILES = "files"


def empty_path(connector: str, entity: str) -> str:
    """Path of the zero-row file of an entity, relative to the data folder."""
    return f"landing/_empty/{connector}/{entity}.parquet"


def write_canonical(data_dir: Path, vendors: Mapping[str, Iterable[Entity]] | None = None) -> None:
    """Write the zero-row files of all canonical entities, as the connector `files`, and of vendors' own entities.

    Raises StorageError.
    """
    for connector, entities in {FILES: ENTITIES.values(), **(vendors or {})}.items():
        write_empty(data_dir, connector, {entity.name: entity.columns for entity in entities})


def write_empty(data_dir: Path, connector: str, schemas: Mapping[str, Mapping[str, str]]) -> None:
    """Write a connector's zero-row files (entity -> column -> DuckDB type) unless they are as they should be.

    Raises StorageError.
    """
    folder = data_dir / "landing" / "_empty" / connector
    marker = folder / "schema"
    digest = hashlib.blake2b(json.dumps(schemas).encode(), digest_size=10).hexdigest()
    if _text(marker) == digest and all((data_dir / empty_path(connector, name)).exists() for name in schemas):
        return
    con = duckdb.connect(":memory:", config={"threads": 1})
    try:
        for name, columns in schemas.items():
            typed = ", ".join(f"CAST(NULL AS {t}) AS {quote_identifier(column)}" for column, t in columns.items())
            with written(data_dir / empty_path(connector, name)) as partial:
                con.execute(f"COPY (SELECT {typed} WHERE FALSE) TO {quote_literal(str(partial))} (FORMAT parquet)")
        with written(marker) as partial:
            partial.write_text(digest)
    except duckdb.IOException as error:
        raise StorageError(f"{folder}: cannot be written ({str(error).splitlines()[0]})") from None
    finally:
        con.close()


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
