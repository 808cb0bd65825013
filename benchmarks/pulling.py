"""`python -m benchmarks.pulling`: rows landed per CPU second of a puller, beside the raw floor and dlt.

The yardstick serves pages of orders (with their lines) and of trackers (with their scans). Ours pulls them as it pulls
any vendor: paced and retried HTTP, resumable, tokens, types, quarantine, recognising what has landed, Parquet with its
manifest. The floor fetches by bare sockets and does nothing but type the rows into a table. dlt runs its rest_api
source in an environment of its own. Figures are CPU seconds of the pulling process, after a warm-up, server excluded.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import drops
from pipelines.domain.entities import DATE, REAL, TIME, Entity, Field, Kind
from pipelines.domain.pages import Cut, Page, Stream, Window
from pipelines.landing import Landing
from pipelines.landing.keys import generate
from pipelines.sources._http import Http, Pace

REPOSITORY = Path(__file__).resolve().parents[1]
ENDPOINTS = {"orders": 250, "trackers": 100}  # records of a page
ORDERS = Cut(
    Entity(
        "orders",
        "one row per order and arrival",
        ("id",),
        (
            Field("id", required=True),
            Field("name"),
            Field("customer_id", kind=Kind.TOKEN, token="customer"),
            Field("created_at", TIME, required=True),
            Field("channel"),
            Field("currency"),
            Field("total_price", REAL),
            Field("tracking_number"),
            Field("carrier"),
            Field("service"),
            Field("origin"),
            Field("dest_zone"),
            Field("promised_date", DATE),
        ),
    ),
    paths={"customer_id": "customer.id"}
    | {
        name: f"fulfillment.{name}"
        for name in ("tracking_number", "carrier", "service", "origin", "dest_zone", "promised_date")
    },
)
LINES = Cut(
    Entity(
        "line_items",
        "one row per line of an order and arrival",
        ("order_id", "line_no"),
        (
            Field("order_id", required=True),
            Field("line_no", required=True),
            Field("sku"),
            Field("quantity", "INTEGER"),
            Field("price", REAL),
        ),
    ),
    each=("line_items",),
    paths={"order_id": "^id"},
)
TRACKERS = Cut(
    Entity(
        "trackers",
        "one row per tracker and arrival",
        ("tracking_number",),
        (Field("tracking_number", required=True), Field("carrier")),
    )
)
SCANS = Cut(
    Entity(
        "scans",
        "one row per event of a tracker and arrival",
        ("event_id",),
        (
            Field("tracking_number", required=True),
            Field("carrier"),
            Field("event_id", required=True),
            Field("status_code", required=True),
            Field("event_time", TIME, required=True),
            Field("facility"),
            Field("message"),
            Field("ingested_at", TIME),
        ),
    ),
    each=("events",),
    paths={"tracking_number": "^tracking_number", "carrier": "^carrier"},
)
CUTS = {"orders": (ORDERS, LINES), "trackers": (TRACKERS, SCANS)}


def ours(port: int, endpoint: str, pages: int, work: Path) -> int:
    """Pull so many pages into a new data folder. Returns the rows of the lines or scans, and of their parents."""
    shutil.rmtree(work, ignore_errors=True)
    with Landing(work, generate(), shop="bench") as landing:
        outcomes = landing.pull(_stream(port, endpoint, pages), now=datetime.now(UTC))
        return sum(one.landed + one.quarantined for one in outcomes)


def _stream(port: int, endpoint: str, pages: int) -> Stream:
    decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
    records = msgspec.json.Decoder(list[msgspec.Raw]).decode

    def read(window: Window, cursor: Any) -> Iterator[Page]:
        with Http("Yardstick", f"http://127.0.0.1:{port}", (), pace=Pace(1_000_000, 1.0)) as http:
            for number in range(cursor or 1, pages + 1):
                body = http.get(endpoint, lambda answer: records(decode(answer.body)[endpoint]), {"page": number})
                yield Page([bytes(one) for one in body], number + 1)

    return Stream("yardstick", "yardstick", endpoint, CUTS[endpoint], read)


def measure(port: int, endpoint: str, pages: int, work: Path) -> dict[str, float]:
    """CPU seconds and rows of one pull, after a small one that warms up."""
    ours(port, endpoint, 5, work)
    cpu = time.process_time()
    rows = ours(port, endpoint, pages, work)
    return {"cpu": time.process_time() - cpu, "records": rows}


def peers(tools: Path, folder: Path) -> Path:
    """The Python of an environment with dlt, made once; nothing of it is a dependency of ours."""
    python = folder / "peers" / "bin" / "python"
    if not python.exists():
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "venv", "-q", "--python", sys.executable, folder / "peers"], check=True)
        wanted = [*(tools / "requirements.txt").read_text().split("\n")]
        used = ("dlt", "dbt", "duckdb", "pyarrow", "orjson", "msgspec", "httpx")
        wanted = [one for one in wanted if one.startswith(used)]
        subprocess.run([uv, "pip", "install", "-q", "--compile-bytecode", "--python", python, *wanted], check=True)
    return python


def peer(python: Path, tools: Path, client: str, port: int, endpoint: str, pages: int, work: Path) -> dict[str, float]:
    """The yardstick's own client, which measures itself."""
    command = [python, tools / "http_ingest.py", client, "--endpoint", endpoint, "--pages", str(pages)]
    command += ["--port", str(port), "--work", work]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


@contextmanager
def serving(tools: Path, data: Path, port: int) -> Iterator[dict[str, list[int]]]:
    """The yardstick's server as a process; yields its numbers of pages and bytes by path."""
    command = [sys.executable, tools / "http_server.py", "--data", data, "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tools) as process:
        try:
            assert process.stdout is not None
            pages = json.loads(process.stdout.readline())
            while True:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/orders?page=1").read()
                    break
                except OSError:
                    time.sleep(0.1)
            yield pages
        finally:
            process.terminate()


def main() -> None:
    """Rounds that take turns; medians at the end."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pulling", description=__doc__)
    default = Path(os.environ.get("WHEREHOUSE_SHARED_DATA", REPOSITORY.parent / "shared" / "data")).parent / "yardstick"
    parser.add_argument("--tools", type=Path, default=default, help="the yardstick's folder (%(default)s)")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / "data" / "bench", help="where everything goes")
    parser.add_argument("--rows", default="1M", help="scans of the data that are served (1M)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--port", type=int, default=8765)
    given = parser.parse_args()
    tools, folder = given.tools.expanduser().resolve(), given.folder.expanduser().resolve()
    folder.mkdir(parents=True, exist_ok=True)
    data = drops.make(tools, folder, given.rows, ["parquet"], pii=False)
    python = peers(tools, folder)
    found: dict[tuple[str, str], list[float]] = {}
    with serving(tools, data, given.port) as there:
        for _ in range(given.rounds):
            for endpoint in ENDPOINTS:
                pages = there[f"/{endpoint}"][0]
                costs = {
                    "ours": measure(given.port, endpoint, pages, folder / "pulled"),
                    "raw floor": peer(python, tools, "raw", given.port, endpoint, pages, folder / "http"),
                    "dlt rest_api": peer(python, tools, "dlt", given.port, endpoint, pages, folder / "http"),
                }
                for name, cost in costs.items():
                    found.setdefault((endpoint, name), []).append(cost["records"] / cost["cpu"])
                    print(f"{endpoint:9} {name:13} {cost['records']:9,.0f} rows {cost['cpu']:7.2f} CPU s", flush=True)
    for endpoint in ENDPOINTS:
        own, floor, dlt = (statistics.median(found[endpoint, one]) for one in ("ours", "raw floor", "dlt rest_api"))
        print(f"{endpoint}: {own:,.0f} rows a CPU second; floor {floor:,.0f}; dlt {dlt:,.0f}; {own / dlt:.1f} x dlt")


if __name__ == "__main__":
    main()
