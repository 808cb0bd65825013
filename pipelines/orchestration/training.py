"""Training models, as the command and the scheduled job do it: under the writer lock, in a child process."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from pipelines.domain.errors import SettingsError
from pipelines.orchestration.publishing import code_version
from pipelines.predictions.training import train
from pipelines.settings import Settings
from pipelines.warehouse.connection import Engine
from pipelines.warehouse.lock import writer_lock


def train_models(
    settings: Settings, *, progress: Callable[[str], None] = lambda line: None, wait_seconds: float = 0
) -> dict[str, Any]:
    """Train on what the last refresh has built. Raises SettingsError, BuildError, LockedError."""
    if not settings.predictions.enabled:
        raise SettingsError("setting 'predictions.enabled' is false: there is nothing to train")
    engine = Engine.of(settings)
    with writer_lock(settings.data_dir, f"train {uuid.uuid4()}", wait_seconds=wait_seconds):
        return train(
            engine,
            memory_limit_mb=settings.predictions.memory_limit_mb,
            code_version=code_version(),
            progress=progress,
        )


def sentence(report: dict[str, Any]) -> str:
    """What training came to, for people."""
    if not report["model_id"]:
        return f"nothing was trained: {report['why']}; predictions go by what is usual on the lane"
    lines = [
        f"model {report['model_id']} " + ("is in use" if report["promoted"] else "is kept, the one before stays in use")
    ]
    for kind, found in report["metrics"].items():
        lines.append(
            f"  {kind:8} off by {found['mae_days']:.2f} operating days "
            f"(lane's usual {found['mae_days_lane_usual']:.2f}), 80 % interval holds {found['coverage_80']:.1%}"
        )
    return "\n".join(lines)
