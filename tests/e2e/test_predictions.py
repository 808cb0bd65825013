"""Predictions on a small simulated shop: before a model, with one, a night without news; leaks; explanations."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.predictions import records
from pipelines.predictions.explain import explain
from pipelines.predictions.score import predicted, strongest
from pipelines.warehouse.connection import Engine, open_warehouse
from pipelines.warehouse.runner import invoke
from tests.e2e.runs import COMMAND, EXAMPLES, REPOSITORY, Started, rows

FIRST, SECOND = "2026-09-09", "2026-09-10"
KINDS = ("orders", "order_lines", "shipments", "scans_easypost", "scans_aftership")
NO_NEWS = """
import sys
from pipelines.cli import main
code = main(sys.argv[1:])
learning = sorted(name for name in sys.modules if name.split(".")[0] in ("lightgbm", "sklearn", "scipy"))
print("imported:", *learning)
sys.exit(code)
"""


@dataclass(frozen=True)
class Shop:
    """Its settings and data folder, and what a command printed."""

    settings: Path
    data_dir: Path

    def run(self, command: str, *more: str) -> str:
        arguments = [str(COMMAND), command, *more, "--settings", str(self.settings), "--data-dir", str(self.data_dir)]
        return Started(arguments, {}).wait().expect().text

    @property
    def history(self) -> list[Path]:
        return records.history(records.root(self.data_dir))

    def current(self, query: str) -> list[tuple]:
        with open_warehouse(Engine(self.data_dir)) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Five weeks of orders and their parcels, refreshed without a model."""
    folder = tmp_path_factory.mktemp("predictions")
    make = [sys.executable, "-m", "simulator", "files", "--out", str(folder / "drops"), "--no-truth"]
    make += ["--days", "36", "--orders-per-day", "40", "--seed", "12", "--to-day", SECOND]
    subprocess.run(make, check=True, capture_output=True, cwd=REPOSITORY)
    for kind in KINDS:
        _gather(folder / "drops" / kind, "2026-09-08")
    settings = (EXAMPLES / "simulated_files.toml").read_text().replace("${SIMULATED_FILES}", str(folder / "drops"))
    first, *files = settings.replace('"simulated_', f'"{EXAMPLES}/simulated_').split("[[sources.merchant.files]]")
    own = [one for one in files if any(f"/{kind}/" in one for kind in KINDS)]
    text = "[[sources.merchant.files]]".join([first, *own]) + "\n[predictions]\nenabled = true\n"
    (folder / "wherehouse.toml").write_text(text)
    made = Shop(folder / "wherehouse.toml", folder / "data")
    made.run("refresh", "--as-of", FIRST, "--files-to", "2026-09-08")
    return made


def _gather(folder: Path, until: str) -> None:
    """All files up to a day as one of that day: what a file costs, not what is in it, would be most of the refresh."""
    files = sorted(path for path in folder.glob("*/*") if path.parent.name <= f"dt={until}")
    if files[0].suffix == ".parquet":
        whole = pl.concat([pl.read_parquet(path, hive_partitioning=False) for path in files])
        whole.write_parquet(files[-1])
    else:
        texts = [path.read_text() for path in files]
        if files[0].suffix == ".csv":
            texts[1:] = [text.split("\n", 1)[1] for text in texts[1:]]
        files[-1].write_text("".join(texts))
    for path in files[:-1]:
        path.unlink()


@pytest.fixture(scope="module")
def cold(shop: Shop) -> list[tuple]:
    """What was predicted before any model: basis, rows, rows with a date."""
    return shop.current(
        "select basis, count(*), count(p50_date) from predictions.current group by basis order by basis"
    )


@pytest.fixture(scope="module")
def trained(shop: Shop, cold: list[tuple]) -> Shop:
    """The next night, with a model."""
    assert "is in use" in shop.run("train")
    shop.run("refresh", "--as-of", SECOND)
    return shop


def test_without_a_model_the_lane_speaks_and_the_row_says_so(shop: Shop, cold: list[tuple]) -> None:
    assert {basis for basis, _, _ in cold} <= {"lane quantiles", "none"}
    assert sum(predicted for basis, predicted, dated in cold if basis == "lane quantiles" and predicted == dated) > 100


def test_with_a_model_the_outlook_is_published(trained: Shop) -> None:
    by = dict(trained.current("select basis, count(*) from predictions.current group by basis"))
    assert by["model"] > 0.9 * sum(by.values())
    listed = rows(
        trained.data_dir, "select risk_rank, miss_probability, reasons, model_id from outlook.at_risk order by 1"
    )
    assert len(listed) > 10
    assert all(model for _, _, _, model in listed)
    assert sum(bool(reasons) for _, _, reasons, _ in listed) > 0.8 * len(listed)
    assert rows(trained.data_dir, "select count(*) from outlook.promise_recommendation")[0][0] > 0
    assert rows(trained.data_dir, "select sum(outcomes) from outlook.model_performance")[0][0] > 20


def test_any_prediction_is_explained_and_computed_again(trained: Shop) -> None:
    folder = records.root(trained.data_dir)
    assert len(trained.history) == 2
    for path, bases in zip(trained.history, ({"lane quantiles"}, {"model", "lane quantiles"}), strict=True):
        kept = pl.read_parquet(path, hive_partitioning=False)
        for row in (
            kept.filter(pl.col("basis").is_in(list(bases))).sort("case_id").gather_every(29).iter_rows(named=True)
        ):
            told = explain(folder, row["case_id"], path.parent.name.removeprefix("as_of="))
            assert told.is_same, (told.stated, told.again)
            assert told.row["model_id"] == row["model_id"]
            assert bool(told.against) == (row["basis"] == "model")
    riskiest = kept.filter(pl.col("basis") == "model").sort("miss_probability", descending=True).head(3)
    for kind in riskiest.get_column("kind").unique():
        own = riskiest.filter(pl.col("kind") == kind)
        hazard = records.load(folder, own.item(0, "model_id")).hazards[kind]
        assert strongest(hazard, own) == own.get_column("reasons").to_list()
    text = trained.run("explain", riskiest.item(0, "case_id"))
    assert "computed again from these features: the same" in text
    assert riskiest.item(0, "reasons").split(";")[0] in text


def test_a_night_without_news_neither_trains_nor_imports_a_learning_library(trained: Shop) -> None:
    before, models = trained.history, sorted((records.root(trained.data_dir) / "models").iterdir())
    arguments = ["refresh", "--settings", str(trained.settings), "--data-dir", str(trained.data_dir), "--as-of", SECOND]
    done = subprocess.run(
        [sys.executable, "-c", NO_NEWS, *arguments], capture_output=True, text=True, cwd=REPOSITORY, env=os.environ
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1].strip() == "imported:"
    assert trained.history == before
    assert sorted((records.root(trained.data_dir) / "models").iterdir()) == models


CASES = """
    select 'transit' as kind, shipment_id as case_id, shipment_id, order_id, timestamp '2026-08-28 15:00:00' as moment
    from {{ ref('fct_shipments') }} where accepted_at < timestamp '2026-08-28' and not is_return
    union all
    select 'order', order_id, null, order_id, timestamp '2026-08-28 15:00:00'
    from {{ ref('int_orders') }} where ordered_at < timestamp '2026-08-28'
"""
LATER = (  # everything that became known after the moment, undone or made absurd
    "delete from marts.marts.fct_scans where known_at > timestamp '2026-08-28 15:00:00'",
    "update marts.marts.fct_shipments set delivered_local = null, delivered_at = null, end_milestone = null, ended_at = null,"
    " last_milestone = 'lost', last_scan_at = null, attempts = 99, scan_count = 99"
    " where shipment_id not in (select shipment_id from marts.marts.fct_scans where milestone = 'delivered')",
)
LEAKS = {  # what somebody might write, and the columns that give it away
    "scans of the future": ("scans.known_at <= subjects.moment", "true", {"scans", "hours_since_scan"}),
    "outcomes of the same day and later": ("past.known_day < asked.day", "true", {"lane_pace_7d", "carrier_pace_28d"}),
    "how it ended": (
        "    bought.pieces,",
        "(select max(f.attempts) from {shipments} as f where f.shipment_id = subjects.shipment_id) as pieces,",
        {"pieces"},
    ),
}


@contextmanager
def _undone(engine: Engine) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_warehouse(engine) as connection:
        connection.execute("begin")
        try:
            yield connection
        finally:
            connection.execute("rollback")


def test_snapshots_never_see_what_was_received_later(trained: Shop) -> None:
    """The same moments, before and after everything later is taken away: equal. Planted leaks are not."""
    engine = Engine(trained.data_dir, threads=1)
    template = "{% set cases %}" + CASES + "{% endset %}{{ snapshots(cases, none) }}"
    query = invoke(engine, ["compile", "--inline", template]).result.results[0].node.compiled_code
    told = {"as defined": query}
    for name, (honest, leak, _) in LEAKS.items():
        assert honest in query, name
        told[name] = query.replace(honest, leak.format(shipments="marts.marts.fct_shipments"))
    with open_warehouse(engine) as connection:
        full = {name: _taken(connection, text) for name, text in told.items()}
    with _undone(engine) as connection:
        for statement in LATER:
            connection.execute(statement)
        then = {name: _taken(connection, text) for name, text in told.items()}
    assert full["as defined"].height > 1000
    assert full["as defined"].get_column("scans").sum() > 1000
    assert _differing(full["as defined"], then["as defined"]) == set()
    for name, (_, _, columns) in LEAKS.items():
        assert columns <= _differing(full[name], then[name]), name


def _taken(connection: duckdb.DuckDBPyConnection, query: str) -> pl.DataFrame:
    taken = connection.sql(query).pl().sort("kind", "case_id")
    return taken.with_columns(pl.col(pl.Float64).round_sig_figs(9))  # sums of floats depend on the order of rows


def _differing(one: pl.DataFrame, other: pl.DataFrame) -> set[str]:
    assert one.height == other.height
    return {name for name in one.columns if not one.get_column(name).equals(other.get_column(name))}


MODELS = ("int_operating_days", "int_transit_days", "int_open_snapshots")
SURPRISES = {  # what happens to the shop, and what may answer then
    "one carrier, one lane": (
        ("update marts.marts.fct_shipments set carrier = 'FEDEX', lane = 'A > B'",),
        {"model", "lane quantiles"},
    ),
    "a new carrier": (
        ("update marts.marts.fct_shipments set carrier = 'NEWCOMER', service = 'hyperloop' where is_open",),
        {"lane quantiles"},
    ),
    "all parcels open": (
        (
            "update marts.marts.fct_shipments set is_open = true, delivered_at = null, delivered_local = null,"
            " ended_at = null, end_milestone = null",
            "delete from marts.marts.fct_scans where milestone = 'delivered'",
        ),
        {"model", "none"},
    ),
    "absurd dates": (
        (
            "update marts.marts.fct_shipments set promised_date = case when attempts > 0 then date '1900-01-01' else"
            " date '9999-12-31' end, due_at = timestamp '9999-12-31', first_estimate_date = date '0001-01-01',"
            " committed_date = null, accepted_at = case when scan_count % 2 = 0 then timestamp '1970-01-01' else"
            " accepted_at end",
            "update marts.marts.fct_orders set promised_date = null, due_at = null",
            "update marts.marts.fct_scans set occurred_at = timestamp '1970-01-01' where scan_id < '8'",
        ),
        {"model", "lane quantiles", "none"},
    ),
}


def test_whatever_a_shop_is_like_no_crash_and_every_row_says_what_it_goes_by(trained: Shop) -> None:
    engine = Engine(trained.data_dir, threads=1)
    done = invoke(engine, ["compile", "--select", *MODELS]).result.results
    queries = {one.node.name: one.node.compiled_code for one in done}
    folder = records.root(trained.data_dir)
    model = records.load(folder, str(records.champion(folder)))
    for name, (statements, bases) in SURPRISES.items():
        with _undone(engine) as connection:
            for statement in statements:
                connection.execute(statement)
            days, usual, snapshots = (_built(connection, one, queries) for one in MODELS)
            first = days.group_by("carrier", "destination_country", "operating_no").agg(pl.col("day").min())
            for given in (model, None):
                found = predicted(snapshots, given, usual, first)
                told = set(found.filter(pl.col("kind") == "transit").get_column("basis"))
                assert found.height == snapshots.height > 20, name
                assert told and told <= (bases if given else {"lane quantiles", "none"}), (name, told)
                answered = found.filter(pl.col("basis") != "none")
                assert answered.get_column("p50_days").null_count() <= 0.1 * answered.height, name
                assert answered.filter(~pl.col("miss_probability").fill_null(0).is_between(0, 1)).is_empty(), name


def _built(connection: duckdb.DuckDBPyConnection, name: str, queries: dict[str, str]) -> pl.DataFrame:
    query = queries[name]
    for other in MODELS:
        query = re.sub(rf'[\w".]+\."?{other}"?', f"temp.{other}", query)
    connection.execute(f"create temp table {name} as {query}")
    return connection.sql(f"select * from temp.{name} order by all").pl()
