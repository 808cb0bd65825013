"""Landing: immutable batches of canonical rows, with no personal data in them, and what was kept out of them."""

from pipelines.landing.compaction import compact
from pipelines.landing.dry_run import Preview, dry_run
from pipelines.landing.intake import Landing
from pipelines.landing.manifest import Batch, Manifest
from pipelines.landing.outcomes import Outcome
from pipelines.landing.schemas import empty_path, write_canonical, write_empty

__all__ = [
    "Batch",
    "Landing",
    "Manifest",
    "Outcome",
    "Preview",
    "compact",
    "dry_run",
    "empty_path",
    "write_canonical",
    "write_empty",
]
