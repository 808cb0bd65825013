"""The fabricated file holds nothing that a real one lacks: a column renamed there must fail here, not on a page."""

import duckdb
import pytest
import yaml

from dashboards import data
from pipelines.warehouse import ops
from pipelines.warehouse.tables import columns_of

MODELS = data.QUERIES.parents[1] / "dbt_project" / "models"
OPS = {
    "loads": ops.Load,
    "quarantine": ops.QuarantineReason,
    "checks": ops.Check,
    "freshness": ops.Freshness,
    "publications": ops.Publication,
    "restatements": ops.Restatement,
    "settings": ops.Setting,
    "dictionary": ops.Definition,
}


def real(schema: str, table: str) -> set[str]:
    """Column names that the warehouse gives a table."""
    if schema == "ops":
        return set(columns_of(OPS[table]))
    models = [model for file in MODELS.rglob("_*.yml") for model in yaml.safe_load(file.read_text()).get("models", [])]
    return next({column["name"] for column in model["columns"]} for model in models if model["name"] == table)


@pytest.mark.parametrize(
    "name",
    [f"ops.{table}" for table in OPS]
    + [
        f"marts.{table}"
        for table in ("carrier_scorecard", "fct_shipments", "fct_orders", "order_delivery", "wismo_daily")
    ],
)
def test_columns_are_real(fabricated, name):
    schema, table = name.split(".")
    with duckdb.connect(str(fabricated), read_only=True, config=data._CONFIG) as connection:
        fabricated_columns = {row[0] for row in connection.execute(f"describe {name}").fetchall()}
    assert fabricated_columns - real(schema, table) == set()
