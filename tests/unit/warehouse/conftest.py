"""A throw-away dbt project with the repository's own settings and macros, and made-up batches."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.warehouse.connection import Engine
from pipelines.warehouse.plan import Batch, BuildInput

REPOSITORY = Path(__file__).resolve().parents[3]
AS_OF = datetime(2026, 3, 1, tzinfo=UTC)

MODELS = {
    "staging/stg_files__orders.sql": "select * from {{ landing('files', 'orders') }}",
    "staging/stg_files__scans.sql": "select * from {{ landing('files', 'scans') }}",
    "intermediate/arrived/int_arrived_orders.sql": "{{ arrived(['stg_files__orders']) }}",
    "intermediate/arrived/int_arrived_scans.sql": "{{ arrived(['stg_files__scans']) }}",
    "intermediate/int_orders.sql": (
        "{{ config(unique_key='order_id', incremental_strategy='delete+insert') }} "
        "select order_id, amount, _seq from {{ ref('int_arrived_orders') }} "
        "qualify row_number() over (partition by order_id order by _seq desc) = 1"
    ),
    "marts/fct_orders.sql": (
        "select order_id, amount, {{ run_value('shop') }} as shop, "
        "{{ setting('thresholds.suppress_under') }} as least, '{{ run('run_id') }}' as built_by "
        "from {{ ref('int_orders') }}"
    ),
    "marts/clock.sql": (
        "{{ config(tags=['clock']) }} select {{ as_of() }} as as_of, {{ previous_as_of() }} as previous_as_of, "
        "{{ is_full() }} as is_full, {{ carry_touched() }} as carry_touched, "
        "(select count(*) from {{ ref('colours') }}) as colours"
    ),
    "marts/marts.yml": (
        "models:\n"
        "  - name: fct_orders\n"
        "    columns:\n"
        "      - name: amount\n"
        "        data_tests: [{accepted_values: {arguments: {values: [1, 2, 3, 5], quote: false}}}]\n"
    ),
}


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny project; tests must not change it."""
    return write_project(tmp_path_factory.mktemp("dbt") / "dbt_project")


def write_project(folder: Path) -> Path:
    """A tiny project with the repository's settings, profile and control macros."""
    (folder / "macros").mkdir(parents=True)
    (folder / "seeds").mkdir()
    source = REPOSITORY / "dbt_project"
    for name in ("dbt_project.yml", "profiles.yml", "macros/run.sql", "macros/landing.sql", "macros/dispatch.sql"):
        shutil.copy(source / name, folder / name)
    schema = "{% macro generate_schema_name(custom, node) %}{{ custom or target.schema }}{% endmacro %}"
    (folder / "macros" / "schema.sql").write_text(schema)
    (folder / "seeds" / "colours.csv").write_text("colour\nred\nblue\n")
    for name, text in MODELS.items():
        path = folder / "models" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return folder


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An empty data folder with the zero-row files that landing keeps."""
    empty = tmp_path / "data" / "landing" / "_empty" / "files"
    empty.mkdir(parents=True)
    for entity in ("orders", "scans"):
        duckdb.connect().execute(
            "copy (select null::varchar as order_id, null::integer as amount, null::integer as _seq limit 0) "
            f"to '{empty / entity}.parquet'"
        )
    return Engine(tmp_path / "data", memory_limit="500MB", threads=1)


@pytest.fixture
def batch(engine: Engine) -> Callable[..., Batch]:
    """Makes a batch of orders from `{order_id: amount}`."""

    def make(seq: int, orders: dict[str, int], entity: str = "orders", **more: object) -> Batch:
        path = engine.data_dir / "landing" / "it's" / entity / "load_date=2026-02-01" / f"b{seq}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = ", ".join(f"('{key}', {amount}, {seq})" for key, amount in orders.items())
        quoted = str(path).replace("'", "''")
        duckdb.connect().execute(f"copy (select * from (values {rows}) as t(order_id, amount, _seq)) to '{quoted}'")
        values = {"batch_id": f"b{seq}", **more}
        return Batch("acme", "files", entity, path=path, seq=seq, rows=len(orders), **values)  # type: ignore[arg-type]

    return make


@pytest.fixture
def given(engine: Engine) -> Callable[..., BuildInput]:
    """Makes what a build starts from."""

    def make(run_id: str = "r1", as_of: datetime = AS_OF, **more: object) -> BuildInput:
        values: dict[str, object] = {
            "started_at": as_of,
            "shop": "o'neill",
            "time_zone": "UTC",
            "reporting_currency": "USD",
            "landing_dir": engine.data_dir / "landing",
            "settings": {"thresholds.suppress_under": 30},
            **more,
        }
        return BuildInput(run_id=run_id, as_of=as_of, **values)  # type: ignore[arg-type]

    return make
