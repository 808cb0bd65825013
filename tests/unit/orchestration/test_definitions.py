"""What Dagster sees: a snapshot of assets, checks, jobs, schedules and sensors, and how they hang together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from pipelines.orchestration import schedules
from pipelines.orchestration.job import build_definitions
from pipelines.orchestration.models import Model, load_models, read_manifest
from pipelines.orchestration.registry import sources_of
from pipelines.settings import Settings, load
from pipelines.warehouse.connection import Engine

from .conftest import Shop

ENTITIES = ("orders", "scans", "shipments")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, ...]:
    return load_models(Engine(tmp_path_factory.mktemp("data")))


@pytest.fixture
def settings(shop: Shop) -> Settings:
    shop.configure('time_zone = "America/New_York"\n[schedule]\ncron = "30 3 * * *"\npublish_by = "05:15"')
    return load(shop.settings)


@pytest.fixture
def definitions(settings: Settings, models: tuple[Model, ...]) -> dg.Definitions:
    return build_definitions(settings, sources_of(settings), models)


def _nodes(definitions: dg.Definitions) -> dict[str, Any]:
    graph = definitions.resolve_asset_graph()
    return {key.to_user_string(): graph.get(key) for key in graph.get_all_asset_keys()}


def test_snapshot_of_keys_jobs_schedules_and_sensors(definitions: dg.Definitions, models: tuple[Model, ...]):
    keys = set(_nodes(definitions))
    own = {f"{model.layer}/{model.name}" for model in models}

    assert keys == own | {f"landing/exports/{entity}" for entity in ENTITIES} | {"published"}
    assert {"staging/stg_files__scans", "intermediate/int_touched", "marts/fct_orders", "seeds/milestones"} <= own
    repository = definitions.get_repository_def()
    assert {job.name for job in repository.get_all_jobs()} - {"__ASSET_JOB"} == {"refresh", "train"}
    assert [(one.name, one.cron_schedule, one.execution_timezone) for one in repository.schedule_defs] == [
        ("nightly", "30 3 * * *", "America/New_York"),
        ("training", "30 1 * * 0", "America/New_York"),
    ]
    assert {one.name for one in repository.sensor_defs} == {"file_drops", "failed_refresh", "late_refresh"}


def test_every_asset_says_what_it_is_and_whose(definitions: dg.Definitions):
    for key, node in _nodes(definitions).items():
        assert node.group_name != "default", key
        assert list(node.owners) == ["team:operations"], key
        assert node.kinds, key


def test_lineage_runs_from_landing_to_published(definitions: dg.Definitions):
    nodes = _nodes(definitions)

    def parents(key: str) -> set[str]:
        return {parent.to_user_string() for parent in nodes[key].parent_keys}

    assert parents("staging/stg_files__scans") == {"landing/exports/scans"}
    assert parents("landing/exports/scans") == set()
    assert "marts/carrier_scorecard" in parents("published")
    assert not any(key.startswith("intermediate") for key in parents("published"))


def test_checks_block_where_publishing_would_mislead(definitions: dg.Definitions):
    graph = definitions.resolve_asset_graph()
    blocking = {
        (key.asset_key.to_user_string(), key.name)
        for key in graph.asset_check_keys
        if graph.get_check_spec(key).blocking
    }

    assert blocking == {
        *((f"landing/exports/{entity}", "expectations") for entity in ENTITIES),
        ("marts/carrier_scorecard", "publication_suite"),
        ("outlook/at_risk", "publication_suite"),
    }
    assert any(key.name == "tests" for key in graph.asset_check_keys)


def test_freshness_policies_follow_the_settings(definitions: dg.Definitions):
    nodes = _nodes(definitions)

    policy = nodes["published"].freshness_policy
    assert (policy.deadline_cron, policy.timezone) == ("15 5 * * *", "America/New_York")
    assert nodes["landing/exports/orders"].freshness_policy is not None


def test_one_writer_in_one_process(definitions: dg.Definitions):
    job = definitions.resolve_job_def("refresh")

    assert job.executor_def is dg.in_process_executor
    assert {node.definition.pool for node in job.nodes} == {"writer"}  # type: ignore[attr-defined]


def test_the_sensor_waits_until_files_keep_still(settings: Settings, shop: Shop, models: tuple[Model, ...]):
    definitions = build_definitions(settings, sources_of(settings), models)
    sensor = next(one for one in definitions.get_repository_def().sensor_defs if one.name == "file_drops")

    def look(cursor: str | None) -> tuple[str, int]:
        with dg.build_sensor_context(cursor=cursor, repository_def=definitions.get_repository_def()) as context:
            found = sensor.evaluate_tick(context)
            return found.cursor or "", len(found.run_requests or [])

    cursor, started = look(None)
    assert started == 0  # what is there already is the nightly run's
    assert look(cursor) == (cursor, 0)
    shop.orders("late", 50, 51)
    arriving, started = look(cursor)
    assert started == 0
    shop.orders("late", 50, 52)
    arriving, started = look(arriving)
    assert started == 0  # it changed since the last look
    settled, started = look(arriving)
    assert started == 1
    assert look(settled) == (settled, 0)


def test_the_fingerprint_survives_a_source_out_of_reach(settings: Settings, shop: Shop):
    shop.settings.write_text(shop.settings.read_text().replace("drops/orders/*.csv", "elsewhere/orders.csv"))

    assert schedules.fingerprint(sources_of(load(shop.settings)))


def test_a_manifest_is_read_in_order(tmp_path: Path):
    def node(name: str, kind: str = "model", parents: tuple[str, ...] = ()) -> dict[str, Any]:
        return {
            "resource_type": kind,
            "name": name,
            "schema": "staging" if name.startswith("stg_") else "marts",
            "fqn": ["wherehouse", "marts", "core", name],
            "depends_on": {"nodes": list(parents)},
            "config": {"materialized": "table"},
            "attached_node": "model.a" if kind == "test" else None,
        }

    nodes = {"model.a": node("a", parents=("model.z",)), "model.z": node("stg_x__orders"), "test.t": node("t", "test")}
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": nodes}))

    found = read_manifest(tmp_path / "manifest.json")

    assert [(one.name, one.has_tests, one.reads) for one in found] == [
        ("stg_x__orders", False, ("x", "orders")),
        ("a", True, None),
    ]
