"""Pulls that are killed and begun again, and what they asked for twice. The vendor here only counts and answers."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import duckdb

from tests.e2e.runs import COMMAND, Started

PAGE = 100
SETTINGS = """
shop = "killed"
[sources.parcels]
type = "easypost"
base_url = "{address}"
requests_per_second = 1000
policy_hours = 1000000
"""


@dataclass
class Trackers:
    """So many trackers with two events each, newest first, as EasyPost lists them; and who asked for what."""

    count: int
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def page(self, before: str) -> bytes:
        first = int(before.removeprefix("trk_")) - 1 if before else self.count - 1
        numbers = range(first, max(first - PAGE, -1), -1)
        return json.dumps({"trackers": [tracker(one) for one in numbers], "has_more": first >= PAGE}).encode()

    @property
    def finished(self) -> int:
        """Pages there are."""
        return -(-self.count // PAGE)

    @property
    def asked_again(self) -> int:
        """Requests for a page that had been asked for before."""
        return sum(number - 1 for number in Counter(self.asked).values())


def tracker(number: int) -> dict[str, object]:
    at = f"2026-03-{1 + number % 28:02d}T12:00:00Z"
    events = [
        {"datetime": at, "status": "in_transit", "status_detail": one} for one in ("departed_facility", "arrived")
    ]
    own = {"id": f"trk_{number}", "tracking_code": f"1Z{number:08d}", "carrier": "UPS", "status": "in_transit"}
    return own | {"created_at": at, "updated_at": at, "signed_by": f"JANE {number}", "tracking_details": events}


@contextmanager
def serving(trackers: Trackers) -> Iterator[Trackers]:
    """Answer on 127.0.0.1 from a thread."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            before = parse_qs(urlparse(self.path).query).get("before_id", [""])[0]
            body = trackers.page(before)
            trackers.asked.append(before)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a killed client resets its connection
    trackers.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield trackers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def pull(trackers: Trackers, folder: Path) -> Started:
    """Start `wherehouse sources pull`."""
    settings = folder / "wherehouse.toml"
    settings.write_text(SETTINGS.format(address=trackers.address))
    arguments = [str(COMMAND), "sources", "pull", "--settings", str(settings), "--data-dir", str(folder / "data")]
    return Started(arguments, {"EASYPOST_API_KEY": "EZAK-killed"})


def kill_after(trackers: Trackers, folder: Path, seed: int, kills: int) -> None:
    """Pull; kill -9 at so many random moments, told by requests so that each strikes a pull at work; then complete."""
    chance = random.Random(seed)
    for moment in sorted(chance.randrange(2, trackers.finished) for _ in range(kills)):
        started = pull(trackers, folder)
        wanted = max(moment, len(trackers.asked) + 1)
        while started.is_running() and len(trackers.asked) < wanted:
            time.sleep(0.001)
        time.sleep(chance.random() * 0.03)
        if started.is_running():
            started.kill()
        started.wait()
    pull(trackers, folder).wait().expect()


def require_all_once(trackers: Trackers, folder: Path) -> None:
    """Every tracker and event is landed, once."""
    lines = [json.loads(line) for line in (folder / "data" / "landing" / "manifest.jsonl").read_text().splitlines()]
    for entity, each in (("trackers", 1), ("tracking_details", 2)):
        paths = [
            str(folder / "data" / one["path"]) for one in lines if one["kind"] == "batch" and one["entity"] == entity
        ]
        key = "id" if entity == "trackers" else "tracker_id || status_detail"
        query = f"select count(*), count(distinct {key}) from read_parquet($1, hive_partitioning = false)"
        assert duckdb.connect().execute(query, [paths]).fetchone() == (trackers.count * each, trackers.count * each)
    assert [one["is_done"] for one in lines if one["kind"] == "pulled"][-1]
