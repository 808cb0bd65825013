"""What of a file has to be landed: which of its mappings, as which batches, in whose place."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipelines.domain.drops import DropPlan, Target
from pipelines.domain.entities import ENTITIES
from pipelines.landing.manifest import COMPACTED, Batch, Manifest


@dataclass(frozen=True, slots=True)
class Job:
    """One mapping of a file that has to be landed, as the batch it will be, and the ids of those that it replaces.

    The batch's seq is 0 where it takes a new place, else the place of the one that it replaces.
    """

    batch: Batch
    superseded: tuple[str, ...] = ()


def jobs_of(
    plan: DropPlan, content_hash: str, form: Sequence[object], manifest: Manifest
) -> tuple[list[Job], list[Batch]]:
    """The mappings of a file to be landed, and the batches of those that have been.

    `form` is everything besides content, mapping and schema that decides how rows come out: keys, lookups, shop.
    """
    jobs, known = [], []
    for target in plan.targets:
        batch = _batch(plan, target, content_hash, form)
        found, batch = _find(batch, manifest)
        if found is not None:
            known.append(found)
        else:
            jobs.append(_job(batch, manifest))
    return jobs, known


def _find(batch: Batch, manifest: Manifest) -> tuple[Batch | None, Batch]:
    """The batch that this content has become already, if any, and the batch as it would be."""
    existing = manifest.get(batch.batch_id)
    is_other_file = existing is not None and existing.file != batch.file
    if existing is not None and is_other_file and batch.mode == "snapshot" and Path(existing.file).exists():
        # Two snapshots with the same content, both there: in between there may have been another. (A file that was
        # only moved is no new snapshot.)
        batch = replace(batch, batch_id=digest([batch.batch_id, "file", batch.file]))
        existing = manifest.get(batch.batch_id)
    if existing is None:
        return None, batch
    last = manifest.latest_of_file(batch)
    if last is None or last.content_hash == batch.content_hash or last.seq < existing.seq:
        return existing, batch
    # The file went back to what it was before: that is news, and wins over what it was in between.
    batch = replace(batch, batch_id=digest([batch.batch_id, last.batch_id]))
    return manifest.get(batch.batch_id), batch


def _batch(plan: DropPlan, target: Target, content_hash: str, form: Sequence[object]) -> Batch:
    mapping_id = digest([target.mapping_id, *form, ENTITIES[target.entity].columns])
    return Batch(
        batch_id=digest([content_hash, mapping_id, plan.source, target.entity, target.label]),
        seq=0,
        source=plan.source,
        connector=plan.connector,
        entity=target.entity,
        path="",
        outcome="",
        label=target.label,
        file=str(plan.drop.path),
        series=plan.series if plan.mode == "snapshot" else "",
        content_hash=content_hash,
        mapping_id=mapping_id,
        mode=plan.mode,
    )


def _job(batch: Batch, manifest: Manifest) -> Job:
    """The same content under another mapping, key or schema: the new batch takes the place of the old one."""
    earlier = [one for one in manifest.same_content(batch) if one.mapping_id != batch.mapping_id]
    keeps_place = bool(earlier) and all(one.outcome != COMPACTED for one in earlier)
    seq = max(one.seq for one in earlier) if keeps_place else 0
    return Job(replace(batch, seq=seq), tuple(one.batch_id for one in earlier))


def digest(what: Sequence[object]) -> str:
    """20 hex digits that stand for a list of plain values."""
    return hashlib.blake2b(json.dumps(list(what), sort_keys=True).encode(), digest_size=10).hexdigest()
