"""A fabricated published file (`published.sql`): small, the same rows every time, behind a link as in production."""

from __future__ import annotations

import atexit
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import duckdb
import pytest
import streamlit as st
import yaml
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.testing.v1 import AppTest

from dashboards import data
from pipelines.warehouse import ops
from pipelines.warehouse.tables import replace_table

ROUTER = Path(data.__file__).with_name("streamlit_app.py")
SCHEMA = Path(__file__).with_name("published.sql")
MORE = Path(__file__).with_name("more.sql")
PUBLISHED = timedelta(hours=2)
MODELS = data.QUERIES.parents[1] / "dbt_project" / "models"


@cache
def contract() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Schema, table and typed columns of every published mart."""
    files = sorted([*MODELS.glob("marts/*/_*.yml"), *MODELS.glob("outlook/_*.yml")])
    return [
        (
            "outlook" if file.parent.name == "outlook" else "marts",
            model["name"],
            [(column["name"], column["data_type"]) for column in model["columns"]],
        )
        for file in files
        for model in yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader).get("models", [])
    ]


def fill_in(connection: duckdb.DuckDBPyConnection) -> None:
    """What the marts' contract has beyond `published.sql`: tables without rows, columns without values."""
    held = {tuple(row) for row in connection.execute("select table_name, column_name from duckdb_columns()").fetchall()}
    tables = {table for table, _ in held}
    for schema, name, columns in contract():
        if name not in tables:
            typed = ", ".join(f'"{column}" {kind}' for column, kind in columns)
            connection.execute(f"create table {schema}.{name} ({typed})")
            continue
        for column, kind in columns:
            if (name, column) not in held:
                connection.execute(f'alter table {schema}.{name} add column "{column}" {kind}')


@cache
def base() -> Path:
    """The file as it is when nothing else is asked for, made once a process."""
    path = Path(mkdtemp(prefix="wherehouse-fabricated-")) / "base.duckdb"
    atexit.register(shutil.rmtree, path.parent)
    moment = datetime.now(UTC).replace(tzinfo=None) - PUBLISHED
    with duckdb.connect(str(path)) as connection:
        for statement in connection.extract_statements(SCHEMA.read_text(encoding="utf-8")):
            bound = {"published_at": moment} if "published_at" in statement.named_parameters else None
            connection.execute(statement, bound)
        replace_table(connection, "ops.dictionary", ops.Definition, ops.dictionary_rows())
        fill_in(connection)
        connection.execute(MORE.read_text(encoding="utf-8"))
    return path


def build_published(path: Path, then: str = "", published: timedelta = PUBLISHED) -> Path:
    """Write a file as it was published so long ago, and run the statements of `then` on it."""
    shutil.copy(base(), path)
    if then or published != PUBLISHED:
        with duckdb.connect(str(path)) as connection:
            connection.execute("update ops.publications set published_at = published_at - $1", [published - PUBLISHED])
            connection.execute(then or "select 1")
    return path


@pytest.fixture(autouse=True)
def own_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page run by AppTest becomes `__main__`; left there, processes that later tests spawn would run it too."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session")
def fabricated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that most tests read, built once."""
    return build_published(tmp_path_factory.mktemp("published") / "wherehouse-1.duckdb")


@pytest.fixture
def build(tmp_path: Path) -> Callable[..., Path]:
    """Build another file: `build("wherehouse-2.duckdb", then="delete from ...", published=timedelta(days=9))`."""
    return lambda name, **how: build_published(tmp_path / name, **how)


@pytest.fixture(autouse=True)
def no_components(monkeypatch: pytest.MonkeyPatch) -> None:
    """We have none; AppTest would read what every installed package says of itself, longer than a page takes."""
    monkeypatch.setattr(BidiComponentManager, "discover_and_register_components", lambda *args, **kwargs: None)


@pytest.fixture(autouse=True)
def fresh_caches() -> Iterator[None]:
    """No test sees another's answers or connection."""
    yield
    st.cache_data.clear()
    st.cache_resource.clear()


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Move the link `current.duckdb` to a file with one rename, as publishing does; the dashboards read the link."""
    link = tmp_path / "current.duckdb"
    monkeypatch.setenv(data.ENVIRONMENT, str(link))

    def move(target: Path) -> None:
        aside = tmp_path / "next.duckdb"
        aside.symlink_to(target)
        aside.replace(link)

    return move


@pytest.fixture
def published(publish: Callable[[Path], None], fabricated: Path) -> Callable[..., list[tuple]]:
    """The fabricated file is published. Gives a way to ask it directly, to compare with what a page says."""
    publish(fabricated)

    def ask(sql: str) -> list[tuple]:
        # the settings of the dashboards: a process opens a file in one way only
        with duckdb.connect(str(fabricated), read_only=True, config=data._CONFIG) as connection:
            return connection.execute(sql).fetchall()

    return ask


@pytest.fixture
def visit() -> Callable[..., AppTest]:
    """Open a page: `visit("carrier_scorecard", carrier=["ups"])`, the keywords being its URL's parameters."""

    def open_page(page: str, **url: str | list[str]) -> AppTest:
        app = AppTest.from_file(str(ROUTER), default_timeout=120)
        app.switch_page(f"app_pages/{page}.py")
        app.query_params = dict(url)
        app.run()
        return app

    return open_page


@pytest.fixture
def sentences() -> Callable[[AppTest], str]:
    """Everything a page says in words."""

    def collect(app: AppTest) -> str:
        kinds = (app.title, app.subheader, app.markdown, app.caption, app.info, app.warning, app.error)
        return "\n".join(str(element.value) for kind in kinds for element in kind)

    return collect
