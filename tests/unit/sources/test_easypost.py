"""Every recorded and documented payload of EasyPost lands, and every event about a tracker opens."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.domain.deliveries import Delivery
from pipelines.landing import Landing
from pipelines.landing.keys import generate
from pipelines.sources.easypost.settings import EasyPostSettings
from pipelines.sources.easypost.source import streams
from pipelines.sources.easypost.webhook import door

Row = dict[str, Any]


@pytest.fixture(scope="module")
def bodies() -> list[Any]:
    root = Path(os.environ.get("WHEREHOUSE_SHARED_DATA", Path(__file__).parents[3] / ".." / "shared" / "data"))
    folder = root / "payloads" / "easypost"
    if not folder.is_dir():
        pytest.skip(f"no recorded payloads in {folder}: set WHEREHOUSE_SHARED_DATA")
    return [json.loads(file.read_text("utf-8")) for file in sorted(folder.rglob("*.json"))]


def objects(value: Any, kind: str) -> Iterator[Row]:
    """All objects of a kind, however deep."""
    if isinstance(value, dict):
        if value.get("object") == kind:
            yield value
        yield from (found for one in value.values() for found in objects(one, kind))
    elif isinstance(value, list):
        yield from (found for one in value for found in objects(one, kind))


def test_every_tracker_lands_as_it_is(bodies: list[Any], tmp_path: Path) -> None:
    found = [one for body in bodies for one in objects(body, "Tracker")]
    distinct = list({json.dumps(one, sort_keys=True): one for one in found}.values())
    assert len(found) > 30
    (stream,) = streams("parcels", EasyPostSettings())
    with Landing(tmp_path, generate(), shop="acme", memory_limit="1GB", threads=1) as landing:
        trackers, details = landing.groups(stream).land([json.dumps(one).encode() for one in distinct])
    assert (trackers.landed, trackers.quarantined, trackers.reasons) == (len(distinct), 0, {})
    events = [event for one in distinct for event in one["tracking_details"]]
    assert details.quarantined == 0 and details.landed + details.duplicate == len(events)
    landed = duckdb.connect().execute(
        "select id, status, tracking_code from read_parquet($1, hive_partitioning = false)",
        [str(tmp_path / trackers.path)],
    )
    assert sorted(landed.fetchall()) == sorted((one["id"], one["status"], one["tracking_code"]) for one in distinct)


def test_every_event_about_a_tracker_opens(bodies: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASYPOST_WEBHOOK_SECRET", "secret")
    own = door(EasyPostSettings())
    found = [one for body in bodies for one in objects(body, "Event")]
    about = 0
    for event in found:
        body = json.dumps(event).encode()
        topic, id_ = own.identify({}, body)
        assert (topic, id_) == (event["description"], event["id"])
        if topic.startswith("tracker.") and not event.get("result"):
            continue  # lists of events leave out what they are about; deliveries do not
        opened = own.open(Delivery("parcels", topic, id_, datetime.now(UTC), body))
        if topic.startswith("tracker."):
            about += 1
            assert opened.stream == "trackers" and json.loads(opened.record) == event["result"]
    assert len(found) > 10 and about > 0


def test_a_secret_that_is_not_ascii_is_normalised_before_it_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASYPOST_WEBHOOK_SECRET", "sécret")
    body = b'{"description":"batch.created","id":"evt_123","object":"Event"}'
    given = "hmac-sha256-hex=" + _signature("se\u0301cret", body)
    own = door(EasyPostSettings())
    assert own.is_genuine({"x-hmac-signature": given}, body)
    assert not own.is_genuine({"x-hmac-signature": given}, body + b" ")
    assert not own.is_genuine({"x-hmac-signature": given.removeprefix("hmac-sha256-hex=")}, body)
    assert not own.is_genuine({"x-hmac-signature": "hmac-sha256-hex="}, body) and not own.is_genuine({}, body)


def _signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
