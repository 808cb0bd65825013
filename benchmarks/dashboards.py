"""`python -m benchmarks.dashboards [FILE]`: what the pages ask of a published file, and what it costs, warm.

Each page is opened once with what it shows by default, its queries are written down, and then run again and again on
one connection without the pages' cache: figures are the sum of a page's queries, 95 times in a hundred below that. Wall
time, as a reader waits; CPU time beside it, which holds on a busy machine.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from streamlit.testing.v1 import AppTest

from dashboards import data

ROUTER = Path(data.__file__).with_name("streamlit_app.py")
PAGES = ("overview", "carrier_scorecard", "lanes", "at_risk", "wismo", "returns", "track", "data_health")
SESSIONS = 10
Asked = list[tuple[str, dict[str, data.Value]]]


def main(file: Path, rounds: int) -> None:
    """Print a line a page, one for an order found, one for a filter changed, and the memory of ten sessions."""
    os.environ[data.ENVIRONMENT] = str(file)
    connection = duckdb.connect(str(file.resolve()), read_only=True, config=data._CONFIG)
    connection.execute(data._text("macros"))
    order = newest_order(connection)
    asked: Asked = []
    ask = data.ask

    def remember(query: str, **values: data.Value) -> data.Answer:
        asked.append((query, values))
        return ask(query, **values)

    data.ask = remember
    print(f"{file.resolve().name}: {file.stat().st_size / 1e6:,.0f} MB, {scans(connection):,} scans, {rounds} rounds")
    for page in PAGES:
        asked.clear()
        started = time.process_time()
        app = visit(page, order)
        drawn = time.process_time() - started
        if app.exception:
            sys.exit(f"{page}: {app.exception[0].value}")
        queries = distinct(asked)
        say(page, [timed(lambda queries=queries: run(connection, queries)) for _ in range(rounds)])
        dear = sorted(((timed(lambda one=one: run(connection, [one])), one[0]) for one in queries), reverse=True)[:3]
        named = ", ".join(f"{name} {1000 * cpu:.0f}" for (_, cpu), name in dear)
        print(f"    {len(queries)} queries, page drawn {drawn:.2f} CPU s; dearest (CPU ms): {named}")
    found: Asked = [("order_found", {"wanted": order})]
    say("an order found", [timed(lambda: run(connection, found)) for _ in range(rounds)])
    app = visit("carrier_scorecard", order)
    redraws = [timed(lambda weeks=weeks: app.selectbox(key="weeks").select(weeks).run()) for weeks in ("8", "13", "26")]
    say("a filter changed, page redrawn", redraws)
    sessions = [visit(page, order) for _ in range(SESSIONS) for page in PAGES]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(sessions) // len(PAGES)} sessions, every page open in each: {peak:,.0f} MiB at most")


def visit(page: str, order: str) -> AppTest:
    """The page as it opens."""
    app = AppTest.from_file(str(ROUTER), default_timeout=600)
    app.switch_page(f"app_pages/{page}.py")
    if page == "track":
        app.query_params = {"q": order}
    return app.run()


def distinct(asked: Asked) -> Asked:
    """Each question once: the pages' cache answers the second."""
    seen: Asked = []
    for one in asked:
        if one not in seen:
            seen.append(one)
    return seen


def run(connection: duckdb.DuckDBPyConnection, queries: Asked) -> None:
    """All queries, as a page runs them; those that the file has no table for are left out."""
    for query, values in queries:
        try:
            connection.sql(data._text(query), params=values).pl()
        except (duckdb.CatalogException, duckdb.BinderException):
            continue


def timed(what: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    what()
    return time.perf_counter() - wall, time.process_time() - cpu


def say(what: str, costs: list[tuple[float, float]]) -> None:
    """A line: p95 of wall and CPU in milliseconds."""
    walls, cpus = (sorted(cost) for cost in zip(*costs, strict=True))
    last = max(0, round(0.95 * len(walls)) - 1)
    print(
        f"{what:32} wall p95 {1000 * walls[last]:7.0f} ms, median {1000 * statistics.median(walls):6.0f}; "
        f"CPU p95 {1000 * cpus[last]:7.0f} ms, median {1000 * statistics.median(cpus):6.0f}",
        flush=True,
    )


def newest_order(connection: duckdb.DuckDBPyConnection) -> str:
    """A number to look for: of an order in the middle of the table."""
    query = "select order_number from marts.fct_orders limit 1 offset (select count(*) // 2 from marts.fct_orders)"
    return str(connection.execute(query).fetchall()[0][0])


def scans(connection: duckdb.DuckDBPyConnection) -> int:
    """How many scans the file holds."""
    return int(connection.execute("select count(*) from marts.fct_scans").fetchall()[0][0])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=data.DEFAULT_FILE)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    main(options.file, options.rounds)
