"""The only thing Dagster loads: `dagster dev -m pipelines.definitions` (make up).

Which settings: the environment variable WHEREHOUSE_SETTINGS, else wherehouse.toml of the repository; which data folder:
WHEREHOUSE_DATA_DIR, else the settings'. Nothing is read before Dagster asks for the definitions.
"""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg

from pipelines.settings import DEFAULT_FILE


@dg.definitions
def definitions() -> dg.Definitions:
    """Assets, checks, the job, its schedule and sensors, for one settings file."""
    from pipelines.orchestration.job import build_definitions
    from pipelines.orchestration.models import load_models
    from pipelines.orchestration.registry import sources_of
    from pipelines.settings import load
    from pipelines.warehouse.connection import Engine

    named = os.environ.get("WHEREHOUSE_SETTINGS")
    file = Path(named) if named else Path(__file__).resolve().parents[1] / DEFAULT_FILE
    data_dir = os.environ.get("WHEREHOUSE_DATA_DIR")
    settings = load(file, data_dir=Path(data_dir) if data_dir else None)
    return build_definitions(settings, sources_of(settings), load_models(Engine(settings.data_dir)))
