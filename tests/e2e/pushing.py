"""Pushing many deliveries at a receiver, as EasyPost would: signed, some twice, some forged, again where none answered."""

from __future__ import annotations

import hashlib
import hmac
import json
import queue
import random
import re
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from tests.e2e.runs import COMMAND, Started

SECRET = "whsec_pushing"
SETTINGS = """
shop = "pushed"
[webhooks]
land_seconds = 1
[sources.parcels]
type = "easypost"
base_url = "{address}"
"""
_STATUS = re.compile(rb"HTTP/1.1 ([0-9]{3})")
_LENGTH = re.compile(rb"(?i)content-length: ([0-9]+)")


@dataclass
class Sent:
    """What was answered: genuine deliveries by number, forged ones by status."""

    acknowledged: set[int] = field(default_factory=set)
    forged: Counter[int] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)


def body(number: int) -> bytes:
    """An event about a tracker: four events a tracker, each with a state and time of its own."""
    id_, step = f"trk_{number // 4:08d}", number % 4
    at = f"2026-03-{1 + step:02d}T12:00:00Z"
    details = [
        {"datetime": f"2026-03-{1 + one:02d}T12:00:00Z", "status": "in_transit", "status_detail": f"step_{one}",
         "message": "Arrived", "tracking_location": {"city": "RENO", "state": "NV", "country": "US", "zip": "89501"}}
        for one in range(step + 1)
    ]  # fmt: skip
    result = {"id": id_, "object": "Tracker", "tracking_code": f"1Z{number // 4:08d}", "carrier": "UPS",
              "status": "in_transit", "created_at": "2026-03-01T00:00:00Z", "updated_at": at, "signed_by": "JANE DOE",
              "tracking_details": details}  # fmt: skip
    event = {"id": f"evt_{number:08d}", "object": "Event", "description": "tracker.updated", "result": result}
    return json.dumps(event).encode()


def request(content: bytes, secret: str = SECRET) -> bytes:
    """The bytes of a POST with a signature."""
    signature = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    head = f"POST /parcels HTTP/1.1\r\nHost: hooks\r\nContent-Length: {len(content)}\r\n"
    return f"{head}X-Hmac-Signature: hmac-sha256-hex={signature}\r\n\r\n".encode() + content


class Pusher:
    """Pushes deliveries 0 to `count` from several threads, each over one connection that it keeps."""

    def __init__(
        self, port: int, count: int, *, redelivered: float, forged: float, threads: int, seed: int = 1
    ) -> None:
        self.sent = Sent()
        self._port = port
        self._lock = threading.Lock()
        chance = random.Random(seed)
        numbers = [(number, "") for number in range(count)]
        numbers += [(number, "") for number in chance.sample(range(count), int(count * redelivered))]
        numbers += [(number, "forged") for number in chance.sample(range(count), int(count * forged))]
        window = 2_000  # deliveries arrive roughly in order, and not quite
        order = sorted(range(len(numbers)), key=lambda place: numbers[place][0] + chance.random() * window)
        self._queue: queue.SimpleQueue[tuple[int, str]] = queue.SimpleQueue()
        for place in order:
            self._queue.put(numbers[place])
        self._threads = [threading.Thread(target=self._push, daemon=True) for _ in range(threads)]

    def __enter__(self) -> Pusher:
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._threads:
            one.join()

    def _push(self) -> None:
        connection: socket.socket | None = None
        while True:
            try:
                number, kind = self._queue.get_nowait()
            except queue.Empty:
                return
            content = body(number)
            whole = request(content, "guessed") if kind else request(content)
            for attempt in range(600):
                try:
                    connection = connection or socket.create_connection(("127.0.0.1", self._port), timeout=60)
                    status = _ask(connection, whole)
                except OSError:  # the receiver is down: it is asked again, as vendors do
                    connection, status = None, 0
                with self._lock:
                    self.sent.statuses[status] += 1
                if status == 200 and not kind:
                    with self._lock:
                        self.sent.acknowledged.add(number)
                if kind and status:
                    with self._lock:
                        self.sent.forged[status] += 1
                if status in (200, 401):
                    break
                time.sleep(min(0.05 * (attempt + 1), 1.0))


def _ask(connection: socket.socket, whole: bytes) -> int:
    """Send one request and read its whole answer, so that the next one finds nothing of it."""
    connection.sendall(whole)
    answer = b""
    while (head := answer.partition(b"\r\n\r\n"))[1] == b"" or len(head[2]) < _length(head[0]):
        part = connection.recv(4096)
        if not part:
            raise ConnectionResetError
        answer += part
    found = _STATUS.match(answer)
    return int(found.group(1)) if found else 0


def _length(head: bytes) -> int:
    found = _LENGTH.search(head)
    return int(found.group(1)) if found else 0


def free_port() -> int:
    """A port that nobody has right now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def listen(folder: Path, port: int, address: str = "http://127.0.0.1:9") -> Started:
    """Start `wherehouse listen` and wait until it answers."""
    settings = folder / "wherehouse.toml"
    settings.write_text(SETTINGS.format(address=address))
    arguments = [str(COMMAND), "listen", "--settings", str(settings), "--data-dir", str(folder / "data")]
    started = Started([*arguments, "--port", str(port)], {"EASYPOST_WEBHOOK_SECRET": SECRET})
    for _ in range(600):
        assert started.is_running(), started.wait().err
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return started
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the receiver did not begin to listen")


def require_exactly_once(sent: Sent, folder: Path, count: int, forged: int) -> None:
    """Every delivery was acknowledged and landed once; every forged one was refused."""
    assert sent.acknowledged == set(range(count))
    assert sent.forged == Counter({401: forged})
    lines = [json.loads(line) for line in (folder / "data" / "landing" / "manifest.jsonl").read_text().splitlines()]
    taken = {one for line in lines for one in line.get("replaces", ())}
    batches = [
        one for one in lines if one["kind"] in ("batch", "compacted") and one["entity"] == "trackers" and one["path"]
    ]
    paths = [str(folder / "data" / one["path"]) for one in batches if one["batch_id"] not in taken]
    landed = (
        duckdb.connect()
        .execute(
            "select cast(right(id, 8) as bigint) * 4 + day(updated_at) - 1, count(*) from read_parquet($1, hive_partitioning = false) "
            "where id similar to 'trk_[0-9]{8}' group by all",
            [paths],
        )
        .fetchall()
    )
    assert {number for number, _ in landed} == set(range(count))
    assert {copies for _, copies in landed} == {1}
    assert not list((folder / "data" / "spool").glob("*.sealed"))
