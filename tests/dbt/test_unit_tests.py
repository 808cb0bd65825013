"""dbt's own unit tests of the models, on a warehouse that holds every table and no row."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pipelines.landing import write_canonical
from pipelines.settings import Settings
from pipelines.warehouse.build import build, left_out, selection
from pipelines.warehouse.connection import Engine
from pipelines.warehouse.control import begin
from pipelines.warehouse.plan import BuildInput, model_settings
from pipelines.warehouse.runner import invoke

FEWEST = 4


def test_models_pass_their_unit_tests(tmp_path: Path) -> None:
    engine = Engine(tmp_path, memory_limit="500MB")
    write_canonical(tmp_path)
    moment = datetime(2026, 2, 1, tzinfo=UTC)
    given = BuildInput(
        run_id="unit",
        as_of=moment,
        started_at=moment,
        shop="shop",
        time_zone="UTC",
        reporting_currency="USD",
        landing_dir=tmp_path / "landing",
        settings=model_settings(Settings()),
    )
    plan = begin(engine, given)
    build(engine, selection(plan), full_refresh=True, run_seeds=True, exclude=left_out(has_predictions=False))
    results = list(invoke(engine, ["test", "--select", "test_type:unit"]).result.results)
    assert len(results) >= FEWEST
    assert [(one.node.name, one.message) for one in results if str(one.status) != "pass"] == []
