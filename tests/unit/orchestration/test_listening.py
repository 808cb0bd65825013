"""The receiver behind its doors: what is genuine lands once, whatever happens in between."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import httpx
import msgspec
import pytest

from pipelines.domain.errors import SettingsError
from pipelines.landing import Manifest
from pipelines.landing.keys import load_or_create
from pipelines.landing.spool import Spool
from pipelines.landing.vault import Vault, VaultRecord
from pipelines.orchestration.listening import Ready, receiver
from pipelines.orchestration.registry import sources_of
from pipelines.settings import Settings, load
from pipelines.warehouse.lock import writer_lock
from simulator.doubles.app import App
from simulator.doubles.book import make_book
from simulator.doubles.clock import Clock
from simulator.doubles.faults import Faults
from simulator.doubles.vendor import Setting
from simulator.doubles.webhooks import SECRETS, Delivery, delivery, mixed, privacy
from simulator.settings import Request

SETTINGS = """
shop = "tiny"
data_dir = "data"
[webhooks]
spool_mb = 64
[sources.parcels]
type = "easypost"
[sources.store]
type = "shopify"
base_url = "https://tiny.myshopify.example"
[sources.tracking]
type = "aftership"
[sources.returns]
type = "loop"
"""
STREAMS = {"store": "shopify", "tracking": "aftership", "returns": "loop"}


@pytest.fixture(scope="module")
def app() -> App:
    """Vendors' doubles that are only asked for deliveries."""
    book = make_book(Request(seed=23, days=10, orders_per_day=20))
    return App(Setting(book, Clock(book.until, 7.0), "split", "split", "standard"), Faults())


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("WHEREHOUSE_KEYS", raising=False)
    for vendor, secret in SECRETS.items():
        monkeypatch.setenv(f"{vendor.upper()}_WEBHOOK_SECRET", secret)
    (tmp_path / "wherehouse.toml").write_text(SETTINGS)
    return load(tmp_path / "wherehouse.toml")


def told(app: App, vendor: str = "easypost", most: int = 150) -> list[Delivery]:
    return list(app.deliveries(vendor, 0, app.clock.as_of_us))[-most:]


def send(ready: Ready, some: Sequence[Delivery], name: str = "parcels") -> list[int]:
    """Post deliveries, a few at once; the statuses in their order."""

    async def run() -> list[int]:
        transport = httpx.ASGITransport(ready.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:
            gate = asyncio.Semaphore(50)

            async def post(one: Delivery) -> int:
                async with gate:
                    return (await client.post(f"/{name}", content=one.body, headers=one.headers)).status_code

            return await asyncio.gather(*map(post, some))

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, run()).result()


def opened(settings: Settings, said: list[str] | None = None) -> Any:
    return receiver(settings, sources_of(settings), (said if said is not None else []).append)


def rows(settings: Settings, entity: str, columns: str, source: str = "parcels") -> list[tuple[Any, ...]]:
    paths = [str(settings.data_dir / one.path) for one in Manifest(settings.data_dir).accepted(source, entity)]
    if not paths:
        return []
    return (
        duckdb.connect()
        .execute(f"select {columns} from read_parquet($1, hive_partitioning = false)", [paths])
        .fetchall()
    )


def states(some: Sequence[Delivery]) -> list[tuple[str, str]]:
    """Id and time of change of the tracker in each genuine delivery."""
    found = [msgspec.json.decode(one.body)["result"] for one in some if one.genuine]
    return sorted((one["id"], one["updated_at"].rstrip("Z").replace("T", " ")) for one in found)


def landed(settings: Settings) -> list[tuple[str, str]]:
    return sorted((id_, str(at)) for id_, at in rows(settings, "trackers", "id, updated_at"))


def test_what_is_genuine_lands_once_and_what_is_forged_is_refused(app: App, settings: Settings) -> None:
    some = told(app)
    sent = list(mixed(some, 0.2, 0.1))
    assert any(not one.genuine for one in sent) and len(sent) > len(some) == 150
    with opened(settings) as ready:
        statuses = send(ready, sent)
        assert all((status == 200) == one.genuine for status, one in zip(statuses, sent, strict=True))
        assert {status for status, one in zip(statuses, sent, strict=True) if not one.genuine} == {401}
        assert ready.post.land() == len(some)
        assert landed(settings) == states(some)
        assert send(ready, some[:20]) == [200] * 20 and ready.post.land() == 0
    events = rows(settings, "tracking_details", "tracker_id, datetime, status, status_detail")
    last = {one["id"]: one for one in (msgspec.json.decode(one.body)["result"] for one in some)}
    assert len(set(events)) == sum(len(one["tracking_details"]) for one in last.values())
    with opened(settings) as ready:  # what landed lately is known after a new start as well
        assert send(ready, some[-20:]) == [200] * 20 and ready.post.land() == 0
    assert landed(settings) == states(some)
    raw = b"".join(path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file())
    signers = {one.get("signed_by") for one in last.values()} - {None}
    assert signers and not any(name.encode() in raw for name in signers)


def test_a_receiver_that_is_killed_loses_nothing_and_lands_nothing_twice(
    app: App, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every step: before landing, between two streams' commits and the spool's letting go, while letting go."""
    some = told(app)
    first, second = some[: len(some) // 2], some[len(some) // 2 :]
    with opened(settings) as ready:
        send(ready, first)
    monkeypatch.setattr(Spool, "forget", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with opened(settings) as ready:
        send(ready, second[:-1])
        with pytest.raises(KeyboardInterrupt):
            ready.post.land()  # landed, and not let go of
    assert landed(settings) == states(first)
    monkeypatch.undo()
    monkeypatch.setenv("EASYPOST_WEBHOOK_SECRET", SECRETS["easypost"])
    with opened(settings) as ready:
        send(ready, some)  # the vendor repeats everything
        ready.post.land()
    assert landed(settings) == states(some)
    assert not list((settings.data_dir / "spool").glob("*.sealed"))


def test_landing_goes_on_while_a_refresh_has_the_warehouse(app: App, settings: Settings) -> None:
    some = told(app)[:50]
    settings = settings.model_copy(update={"webhooks": settings.webhooks.model_copy(update={"land_seconds": 0.05})})
    said: list[str] = []
    with opened(settings, said) as ready, writer_lock(settings.data_dir, "a refresh"):
        ready.post.start()
        send(ready, some)
        ready.post.stop()
    assert landed(settings) == states(some)
    assert any("deliveries" in line for line in said)


def test_a_spool_that_is_full_asks_to_come_again(app: App, settings: Settings) -> None:
    small = settings.webhooks.model_copy(update={"spool_mb": 0.05})
    some = told(app)
    with opened(settings.model_copy(update={"webhooks": small})) as ready:
        statuses = send(ready, some)
        assert set(statuses) == {200, 429}
        ready.post.land()
        assert set(send(ready, [one for one, status in zip(some, statuses, strict=True) if status == 429][:5])) == {200}
        ready.post.land()
    assert len(landed(settings)) == statuses.count(200) + 5


def test_trouble_while_landing_is_said_and_receiving_goes_on(
    app: App, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings.model_copy(update={"webhooks": settings.webhooks.model_copy(update={"land_seconds": 0.02})})
    said: list[str] = []
    some = told(app)[:10]
    with opened(settings, said) as ready:
        broken = threading.Event()
        monkeypatch.setattr(ready.post._landing, "post", lambda *_: broken.set() or 1 / 0)
        ready.post.start()
        send(ready, some[:5])
        assert broken.wait(20)
        assert send(ready, some[5:]) == [200] * 5
        monkeypatch.undo()
        ready.post.stop()
    assert landed(settings) == states(some)
    assert any("ZeroDivisionError while landing; what came in waits" in line for line in said)


def test_what_cannot_be_read_is_kept_in_the_vault(app: App, settings: Settings) -> None:
    at = "2026-08-05T00:00:00Z"
    odd = [
        delivery("easypost", "x", "1", {"id": "evt_1", "description": "tracker.updated", "result": None}, at),
        delivery("easypost", "x", "2", {"id": "evt_2", "description": "batch.created", "result": {"id": "b"}}, at),
        delivery("easypost", "x", "3", ["jane@example.com"], at),
    ]
    with opened(settings) as ready:
        assert send(ready, odd) == [200] * 3
        assert ready.post.land() == 3
    kept = [line for _, line in Vault(settings.data_dir, load_or_create(settings.key_file)).read_lines("parcels")]
    assert len(kept) == 1 and "evt_1" in kept[0].line
    assert rows(settings, "trackers", "id") == []


@pytest.mark.parametrize(("name", "entity"), [("store", "orders"), ("tracking", "trackings"), ("returns", "returns")])
def test_every_vendor_that_pushes_has_a_door(app: App, settings: Settings, name: str, entity: str) -> None:
    some = told(app, STREAMS[name], 120)
    sent = list(mixed(some, 0.1, 0.1))
    with opened(settings) as ready:
        statuses = send(ready, sent, name)
        assert all((status == 200) == one.genuine for status, one in zip(statuses, sent, strict=True))
        assert not {200, 401} ^ set(statuses)
        assert ready.post.land() == len({one.body if name == "returns" else one.id for one in some})
    bodies = [msgspec.json.decode(one.body) for one in some if name != "store" or one.topic.startswith("orders/")]
    said = {(str(one["id"]), moment(one["updated_at"])) for one in (body.get("msg", body) for body in bodies)}
    assert said == {(id_, str(at)) for id_, at in rows(settings, entity, "id, updated_at", name)}
    assert len(said) >= (10 if name == "returns" else 20)
    inner = {"store": "fulfillments", "tracking": "checkpoints", "returns": "line_items"}[name]
    assert rows(settings, inner, "count(*)", name)[0][0] >= 4
    assert not rows(settings, "refunds", "id", "store") or rows(settings, "refunds", "min(amount)", "store")[0][0] > 0


def moment(text: str) -> str:
    return text.removesuffix("Z").removesuffix("+00:00").replace("T", " ")


def test_shopifys_privacy_topics_are_honoured(app: App, settings: Settings) -> None:
    """A customer's data are counted, then gone for good: also from what is delivered afterwards; then the shop's."""
    now = app.clock.as_of_us
    wishes = {name: privacy(app.shopify, name, 3, now) for name in ("customers/data_request", "customers/redact")}
    body = msgspec.json.decode(wishes["customers/redact"].body)
    (number,), customer = body["orders_to_redact"], body["customer"]
    about = [one for one in told(app, "shopify", 10_000) if msgspec.json.decode(one.body)["id"] == number]
    keys = load_or_create(settings.key_file)
    vault = Vault(settings.data_dir, keys)
    wrote = [
        VaultRecord("1", None, {"note": f"mail me at {customer['email']}"}),
        VaultRecord("2", None, {"note": "hi"}),
    ]
    vault.store_records("store", "return_line_items", "b1", wrote)
    with opened(settings) as ready:
        assert send(ready, [*about[:-1], *wishes.values()], "store") == [200] * (len(about) + 1)
        ready.post.land()
        landed = rows(settings, "orders", "distinct customer_id_token", "store")
        assert len(landed) == 1 and [one.record_key for _, one in vault.read_records("store", "return_line_items")] == [
            "2"
        ]
        send(ready, about[-1:], "store")
        ready.post.land()
        assert (None, None) in rows(settings, "orders", "distinct customer_id_token, email_token", "store")
        with writer_lock(settings.data_dir, "a refresh"):  # a wish waits for it
            send(ready, [privacy(app.shopify, "shop/redact", 3, now)], "store")
            ready.post.land()
            assert vault.count([]) == 0 and list(vault.read_records("store", "return_line_items"))
        ready.post.land()
    assert not list(vault.read_records("store", "return_line_items"))
    noted = [json.loads(line) for line in (settings.data_dir / "privacy.jsonl").read_text().splitlines()]
    assert [one["topic"] for one in noted] == ["customers/data_request", "customers/redact", "shop/redact"]
    assert noted[0]["texts"] == 1 and noted[0]["person"] and noted[1]["texts"] == 1 and noted[1]["tokens"] >= 2
    raw = b"".join(path.read_bytes() for path in settings.data_dir.rglob("*") if path.is_file())
    assert customer["email"].encode() not in raw and str(customer["id"]).encode() not in raw


def test_a_privacy_topic_is_known_by_its_body_too(app: App, settings: Settings) -> None:
    """The topic stands in a header that is not signed: another body under it is not taken for a wish."""
    order = next(one for one in told(app, "shopify") if one.topic.startswith("orders/"))
    topics = ("customers/redact", "customers/data_request", "shop/redact")
    false = [
        replace(order, headers={**order.headers, "X-Shopify-Topic": one, "X-Shopify-Webhook-Id": one}) for one in topics
    ]
    with opened(settings) as ready:
        assert send(ready, false, "store") == [200] * 3
        ready.post.land()
    assert not (settings.data_dir / "privacy.jsonl").exists()


def test_without_a_secret_there_is_no_door(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for vendor in SECRETS:
        monkeypatch.delenv(f"{vendor.upper()}_WEBHOOK_SECRET")
    with pytest.raises(SettingsError, match="environment variable EASYPOST_WEBHOOK_SECRET"), opened(settings):
        pass
    assert not (settings.data_dir / "spool").exists()
