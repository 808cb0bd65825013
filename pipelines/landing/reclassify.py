"""Topics decided anew, by the rules of today, from what the vault still holds of the tickets' texts.

A file of tickets is written again row for row, in the same places (`_seq`, `_row`), with other topics; a line in the
manifest swaps the two. What has no text in the vault any more (expired, erased, never any) keeps the topic it has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Final

import duckdb

from pipelines.domain.entities import Entity
from pipelines.domain.sql import quote_identifier, quote_literal
from pipelines.landing import topics
from pipelines.landing.files import PARQUET, landed_path, written
from pipelines.landing.keys import Keys
from pipelines.landing.manifest import RETIRED, Batch, Manifest
from pipelines.landing.vault import Vault

_AT_ONCE: Final = 20_000  # texts


@dataclass(frozen=True, slots=True)
class Reclassified:
    """What became of the tickets of one source: arrivals, those with a text, those whose topic changed."""

    source: str
    tickets: int
    with_text: int
    changed: int


def reclassify(
    data_dir: Path, keys: Keys, entity_of: Callable[[Batch], Entity | None], *, source: str | None = None
) -> list[Reclassified]:
    """Decide anew the topics of every source's tickets, or of one source's.

    The caller holds the warehouse's lock: the files that are replaced are deleted. Raises SettingsError where the key
    is not the vault's, StorageError where a file refuses.
    """
    manifest = Manifest(data_dir)
    vault = Vault(data_dir, keys)
    found: dict[str, Reclassified] = {}
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("CREATE TABLE texts (seq BIGINT, record_key VARCHAR, subject VARCHAR, body VARCHAR)")
        for batch in manifest.accepted(source):
            entity = entity_of(batch)
            if entity is None or not entity.derived:
                continue
            if batch.source not in found:
                _load_texts(con, manifest, vault, batch.source, entity)
            counts = _rewrite(con, data_dir, manifest, batch, entity)
            before = found.get(batch.source, Reclassified(batch.source, 0, 0, 0))
            sums = (before.tickets + counts[0], before.with_text + counts[1], before.changed + counts[2])
            found[batch.source] = Reclassified(batch.source, *sums)
    return list(found.values())


def _load_texts(con: duckdb.DuckDBPyConnection, manifest: Manifest, vault: Vault, source: str, entity: Entity) -> None:
    """The texts of a source, by the place of the batch that they came with."""
    subject, body, _ = entity.texts
    con.execute("DELETE FROM texts")
    kept = (
        {
            "seq": batch.seq,
            "record_key": one.record_key,
            "subject": one.fields.get(subject),
            "body": one.fields.get(body),
        }
        for batch_id, one in vault.read_records(source, entity.name)
        if (batch := manifest.get(batch_id)) is not None and batch.outcome != RETIRED
    )
    kinds = "STRUCT(seq BIGINT, record_key VARCHAR, subject VARCHAR, body VARCHAR)[]"
    while rows := list(islice(kept, _AT_ONCE)):
        con.execute(f"INSERT INTO texts SELECT unnest($1::{kinds}, recursive := true)", [rows])


def _rewrite(
    con: duckdb.DuckDBPyConnection, data_dir: Path, manifest: Manifest, batch: Batch, entity: Entity
) -> tuple[int, int, int]:
    """Replace one file where topics change; its rows, those with a text, and those with another topic."""
    landed = f"read_parquet({quote_literal(str(data_dir / batch.path))}, hive_partitioning = false)"
    key = " || '|' || ".join(f"coalesce(CAST({quote_identifier(one)} AS VARCHAR), '')" for one in entity.key)
    tags = quote_identifier(entity.texts[2])
    columns = [name for name, _ in entity.derived]
    # S608: made of our own names, our own rules and paths that are quoted
    texts = "SELECT seq, record_key, max(subject) AS subject, max(body) AS body FROM texts GROUP BY ALL"
    stated = (
        f"SELECT r._seq, r._row, r.{tags} AS tags, t.subject, t.body FROM {landed} AS r "  # noqa: S608
        f"JOIN ({texts}) AS t ON t.seq = r._seq AND t.record_key = {key} WHERE r._deleted IS NOT TRUE"
    )
    decided = ", ".join(f"{sql} AS {name}" for name, sql in topics.split_sql().items())
    con.execute(
        f"CREATE OR REPLACE TABLE anew AS SELECT _seq, _row, {decided} "  # noqa: S608
        f"FROM ({topics.with_decision(stated, 'subject', 'body', 'tags')})"
    )
    both = f"{landed} AS r LEFT JOIN anew AS n ON n._seq = r._seq AND n._row = r._row"
    differs = " OR ".join(f"n.{name} IS DISTINCT FROM r.{name}" for name in columns)
    ((rows, with_text, changed, differing),) = con.execute(
        "SELECT count(*), count(n._seq), count(*) FILTER (n._seq IS NOT NULL AND n.topic IS DISTINCT FROM r.topic), "  # noqa: S608
        f"count(*) FILTER (n._seq IS NOT NULL AND ({differs})) FROM {both}"
    ).fetchall()
    if differing:
        chosen = ", ".join(f"CASE WHEN n._seq IS NULL THEN r.{name} ELSE n.{name} END AS {name}" for name in columns)
        query = f"SELECT r.* REPLACE ({chosen}) FROM {both} ORDER BY r._seq, r._row"  # noqa: S608
        _swap(con, data_dir, manifest, batch, query)
    return rows, with_text, changed


def _swap(con: duckdb.DuckDBPyConnection, data_dir: Path, manifest: Manifest, batch: Batch, query: str) -> None:
    batch_id = hashlib.blake2b(f"{batch.batch_id}\ntopics".encode(), digest_size=10).hexdigest()
    day = PurePosixPath(batch.path).parent.name.removeprefix("load_date=")
    path = landed_path(batch.source, batch.entity, day, batch_id)
    with written(data_dir / path) as partial:
        con.execute(f"COPY ({query}) TO {quote_literal(str(partial))} ({PARQUET})")
    size = (data_dir / path).stat().st_size
    anew = replace(batch, batch_id=batch_id, path=path, bytes=size, replaces=(batch.batch_id,))
    if manifest.compact(anew):
        (data_dir / batch.path).unlink(missing_ok=True)
    else:
        (data_dir / path).unlink(missing_ok=True)
