"""Decisions about data that a person takes: releasing or retiring a batch, erasing a customer, topics anew."""

from __future__ import annotations

from pipelines.domain.entities import ENTITIES, Entity
from pipelines.landing import Batch, Manifest
from pipelines.landing.erasure import erase_customer
from pipelines.landing.keys import load_or_create
from pipelines.landing.reclassify import reclassify as decide_topics
from pipelines.orchestration.registry import landed_by_vendors, vendor_entities
from pipelines.settings import Settings
from pipelines.warehouse.lock import writer_lock

_NEXT = "the next refresh takes it into account"


def release(settings: Settings, batch_id: str) -> str:
    """Make a held batch visible; says what was done. Raises SettingsError for no such held batch, LockedError."""
    with writer_lock(settings.data_dir, "release"):
        batch = Manifest(settings.data_dir).release(batch_id)
    return f"released {batch.landed:,} rows of {batch.source} / {batch.entity} ({batch.file}); {_NEXT}"


def retire(settings: Settings, batch_id: str) -> str:
    """Leave a batch out for good; says what was done. Raises SettingsError for no such batch, LockedError."""
    with writer_lock(settings.data_dir, "retire"):
        Manifest(settings.data_dir).retire(batch_id, "retired by hand")
    return f"retired batch {batch_id}; {_NEXT}"


def erase(settings: Settings, *, customer: str | None, email: str | None, phone: str | None) -> str:
    """Erase one person; says what was removed, without naming them. Raises SettingsError, StorageError, LockedError."""
    with writer_lock(settings.data_dir, "erase"):
        keys = load_or_create(settings.key_file)
        done = erase_customer(
            settings.data_dir, keys, customer=customer, email=email, phone=phone, vendors=landed_by_vendors()
        )
    shared = (
        f"; {' and '.join(done.shared)} is used by many people, so its links were not followed" if done.shared else ""
    )
    return (
        f"erased {done.vault.records:,} texts and {done.vault.lines:,} raw lines in {done.vault.files:,} vault files; "
        f"{len(done.tokens)} tokens will be left out from now on{shared}"
    )


def reclassify(settings: Settings, source: str | None) -> str:
    """Decide the topics of tickets anew; says how many changed. Raises SettingsError, StorageError, LockedError."""
    vendors = vendor_entities()

    def entity_of(batch: Batch) -> Entity | None:
        own = (one for one in vendors.get(batch.connector, ()) if one.name == batch.entity)
        return next(own, ENTITIES.get(batch.entity))

    with writer_lock(settings.data_dir, "reclassify"):
        keys = load_or_create(settings.key_file)
        done = decide_topics(settings.data_dir, keys, entity_of, source=source)
    if not done:
        return f"no tickets have landed{f' from {source}' if source else ''}"
    lines = [
        f"{one.source}: {one.changed:,} of {one.tickets:,} arrivals of tickets have another topic; "
        f"{one.tickets - one.with_text:,} without a text in the vault were left as they were"
        for one in done
    ]
    if any(one.changed for one in done):
        lines.append("to have it in the marts: wherehouse refresh --full")
    return "\n".join(lines)
