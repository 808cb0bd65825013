"""The last step of a refresh: the marts go live together with the ops tables that say how they came about."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from pipelines.domain.errors import PUBLISHED, BuildError, StorageError
from pipelines.landing import compact
from pipelines.landing.keys import load_or_create
from pipelines.landing.vault import Vault
from pipelines.orchestration import bookkeeping
from pipelines.orchestration.refresh import Built, Refresh
from pipelines.warehouse import publish as publishing
from pipelines.warehouse import restatements
from pipelines.warehouse.ledger import Ledgers
from pipelines.warehouse.ops import OpsTables, Publication, settings_rows
from pipelines.warehouse.plan import hashes_of
from pipelines.warehouse.publish import Published, current_file


def publish(refresh: Refresh) -> Published:
    """Publish what `refresh` has built. Raises BuildError, StorageError; what is published is then as it was."""
    built = refresh.built
    if built is None:
        raise BuildError("there is no build to publish; run a whole refresh")
    ledgers = Ledgers.of(refresh.engine)
    current = current_file(refresh.engine)
    ledgers.recover(current)
    restated = restatements.find(
        refresh.engine,
        current,
        run_id=refresh.run_id,
        reason=restatements.reason_of(built.plan),
        closed_after_days=refresh.settings.thresholds.closed_after_days,
    )
    publication = _publication(refresh, built)
    tables = OpsTables(
        loads=bookkeeping.loads(refresh),
        quarantine=bookkeeping.quarantine(refresh),
        checks=[*ledgers.checks()],
        freshness=bookkeeping.freshness(refresh),
        publications=[*ledgers.publications(), publication],
        restatements=[*ledgers.restatements(), *restated],
        settings=settings_rows(refresh.settings),
    )
    keep = refresh.settings.warehouse.keep_published
    published = publishing.publish(refresh.engine, refresh.run_id, tables.write, keep=keep)
    ledgers.commit(publication, restated)
    refresh.history.add(refresh, "published", exit_code=refresh.exit_code)
    refresh.restated = len(restated)
    refresh.is_published = True
    refresh.progress(f"published {published.path.name} ({published.bytes / 1e6:,.1f} MB)")
    return published


def tidy(refresh: Refresh) -> None:
    """What has to be done now and then, once everything is published: merge small batches, let old text go."""
    settings = refresh.settings
    with suppress(StorageError):  # the next refresh tries again; what was asked for has been done
        compact(settings.data_dir, refresh.landing.manifest, datetime.now(UTC).date())
        oldest = datetime.now(UTC) - timedelta(days=settings.privacy.vault_retention_days)
        Vault(settings.data_dir, load_or_create(settings.key_file)).expire(oldest)


def record_checks(refresh: Refresh) -> None:
    """Write down what all checks of this refresh found, whether it goes on to publish or not. Raises StorageError."""
    Ledgers.of(refresh.engine).add_checks(bookkeeping.checks(refresh))


def _publication(refresh: Refresh, built: Built) -> Publication:
    hashes = hashes_of(built.given)
    batches = [batch.batch_id for batch in built.given.batches]
    return Publication(
        run_id=refresh.run_id,
        as_of=refresh.as_of,
        published_at=datetime.now(UTC),
        is_full=built.plan.is_full,
        full_reason=built.plan.reason,
        code_version=code_version(),
        project_hash=hashes.get("models", ""),
        seeds_hash=_digest(f"{key}={value}" for key, value in sorted(hashes.items()) if "map" in key or "seed" in key),
        settings_hash=_digest([refresh.settings.model_dump_json(exclude={"as_of", "file", "data_dir"})]),
        batches=len(batches),
        batches_hash=_digest(sorted(batches)),
        new_batches=built.plan.new_batches,
        cpu_seconds=round(time.process_time(), 2),
        wall_seconds=round(refresh.wall_seconds, 2),
        outcome="published" if refresh.exit_code == PUBLISHED else "published_with_gaps",
        rows_json=json.dumps(built.result.rows),
    )


def _digest(parts: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


@cache
def code_version() -> str:
    """Version of the package, and the commit where it runs from a checkout."""
    version = importlib.metadata.version("wherehouse")
    git = Path(__file__).resolve().parents[2] / ".git"
    with suppress(OSError):
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        commit = (git / head.removeprefix("ref: ")).read_text(encoding="utf-8") if head.startswith("ref: ") else head
        return f"{version}+{commit.strip()[:10]}"
    return version
