"""Many small batches of one day become one file, row for row; a line in the manifest swaps them.

Small files come from webhooks and from drops of a few rows. `_seq` and `_row` stay, so what is latest stays.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Final

import duckdb

from pipelines.domain.sql import literal_list, quote_literal
from pipelines.landing.files import PARQUET, landed_path, written
from pipelines.landing.manifest import Batch, Manifest
from pipelines.landing.outcomes import ACCEPTED

SMALL_BYTES: Final = 4 << 20
FEWEST: Final = 8  # small batches of an entity and day below which nothing is gained


def compact(data_dir: Path, manifest: Manifest, before: date, *, fewest: int = FEWEST) -> list[Batch]:
    """Merge the small accepted batches of every source, entity and load date before that day.

    The caller holds the warehouse's lock: the merged files are deleted. Returns the new batches.
    """
    groups: dict[tuple[str, str, str, str], list[Batch]] = defaultdict(list)
    for batch in manifest.accepted():
        day = PurePosixPath(batch.path).parent.name.removeprefix("load_date=")
        if batch.bytes <= SMALL_BYTES and day < before.isoformat():
            groups[batch.source, batch.connector, batch.entity, day].append(batch)
    done = [_merge(data_dir, manifest, day, batches) for (*_, day), batches in groups.items() if len(batches) >= fewest]
    return [batch for batch in done if batch is not None]


def _merge(data_dir: Path, manifest: Manifest, day: str, batches: list[Batch]) -> Batch | None:
    first = batches[0]
    ids = tuple(batch.batch_id for batch in batches)
    batch_id = hashlib.blake2b("\n".join(ids).encode(), digest_size=10).hexdigest()
    path = landed_path(first.source, first.entity, day, batch_id)
    sources = [str(data_dir / batch.path) for batch in batches]
    with written(data_dir / path) as partial, duckdb.connect(":memory:") as con:
        con.execute(
            f"COPY (SELECT * FROM read_parquet({literal_list(sources)}, union_by_name = true, "  # noqa: S608
            f"hive_partitioning = false) ORDER BY _seq, _row) TO {quote_literal(str(partial))} ({PARQUET})"
        )
    merged = Batch(
        batch_id=batch_id,
        seq=max(batch.seq for batch in batches),
        source=first.source,
        connector=first.connector,
        entity=first.entity,
        path=path,
        outcome=ACCEPTED,
        read=sum(batch.read for batch in batches),
        landed=sum(batch.landed for batch in batches),
        quarantined=sum(batch.quarantined for batch in batches),
        duplicate=sum(batch.duplicate for batch in batches),
        not_applicable=sum(batch.not_applicable for batch in batches),
        retired=sum(batch.retired for batch in batches),
        landed_at=max(batch.landed_at for batch in batches),
        bytes=(data_dir / path).stat().st_size,
        min_at=min((batch.min_at for batch in batches if batch.min_at), default=None),
        max_at=max((batch.max_at for batch in batches if batch.max_at), default=None),
        replaces=ids,
    )
    if not manifest.compact(merged):
        (data_dir / path).unlink(missing_ok=True)
        return None
    for batch in batches:
        (data_dir / batch.path).unlink(missing_ok=True)
    return merged
