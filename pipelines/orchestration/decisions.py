"""Decisions about data that a person takes: releasing or retiring a batch, erasing a customer."""

from __future__ import annotations

from pipelines.landing import Manifest
from pipelines.landing.erasure import erase_customer
from pipelines.landing.keys import load_or_create
from pipelines.orchestration.registry import landed_by_vendors
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
