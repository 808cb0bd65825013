"""Deliveries of webhooks, signed as each vendor signs; repeated and forged ones on request.

The signatures here are one implementation; tests check them with another.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import unicodedata
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import httpx
import msgspec
import numpy as np

from simulator.doubles.answers import digits, hexadecimal, moment, zulu
from simulator.doubles.shelf import Timeline
from simulator.doubles.shopify import rest

if TYPE_CHECKING:
    from simulator.doubles.aftership import AfterShip
    from simulator.doubles.easypost import EasyPost
    from simulator.doubles.loop import Loop
    from simulator.doubles.shopify import Shopify

SECRETS: Final = {
    "shopify": "shpss_double_secret",
    "easypost": "sécret double easypost",  # not ASCII: the vendor normalises it (NFKD) before it signs
    "aftership": "double-aftership-secret",
    "loop": "double-loop-secret",
}
BATCH: Final = 200


@dataclass(frozen=True, slots=True)
class Delivery:
    """One POST: what a receiver sees, and whether its signature is genuine. Repeats share the id."""

    vendor: str
    topic: str
    id: str
    headers: dict[str, str]
    body: bytes
    genuine: bool = True


def sign(vendor: str, body: bytes, secret: str) -> str:
    """The value of the vendor's signature header."""
    key = secret.encode()
    match vendor:
        case "easypost":
            key = unicodedata.normalize("NFKD", secret).encode()
            return "hmac-sha256-hex=" + hmac.new(key, body, hashlib.sha256).hexdigest()
        case "loop":
            body = body.replace(b"\\/", b"/").replace(b"/", b"\\/").replace(b"\n", b"")
    return base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()


HEADERS: Final = {
    "shopify": "X-Shopify-Hmac-SHA256",
    "easypost": "X-Hmac-Signature",
    "aftership": "aftership-hmac-sha256",
    "loop": "X-Loop-Signature",
}


def delivery(vendor: str, topic: str, number: str, content: Any, at: str, secret: str | None = None) -> Delivery:
    """A signed delivery of any content."""
    body = msgspec.json.encode(content)
    headers = {"Content-Type": "application/json", HEADERS[vendor]: sign(vendor, body, secret or SECRETS[vendor])}
    if vendor == "shopify":
        headers |= {
            "X-Shopify-Topic": topic,
            "X-Shopify-Shop-Domain": rest.SHOP_DOMAIN,
            "X-Shopify-API-Version": "2026-10",
            "X-Shopify-Webhook-Id": number,
            "X-Shopify-Event-Id": number,
            "X-Shopify-Triggered-At": at,
        }
    return Delivery(vendor, topic, number, headers, body)


def forged(real: Delivery, kind: int = 0) -> Delivery:
    """A delivery that must be refused: 0 another body, 1 another secret, 2 no signature, 3 an empty one."""
    name = HEADERS[real.vendor]
    headers, body = dict(real.headers), real.body
    match kind % 4:
        case 0:
            body = body[:-1] + b',"forged":true}'
        case 1:
            headers[name] = sign(real.vendor, body, "guessed")
        case 2:
            del headers[name]
        case _:
            headers[name] = ""
    return replace(real, id=f"forged-{real.id}", headers=headers, body=body, genuine=False)


def _changes(timeline: Timeline, since: int, until: int) -> Iterator[tuple[list[int], list[int], list[bool]]]:
    """Changes after since, up to until, in order, in batches: rows, moments, whether it is the first."""
    pairs = np.unique(np.stack([timeline.at, timeline.rows]), axis=1)
    first = np.zeros(pairs.shape[1], dtype=np.bool_)
    _, places = np.unique(pairs[1], return_index=True)
    first[places] = True
    chosen = np.flatnonzero((pairs[0] > since) & (pairs[0] <= until))
    for start in range(0, len(chosen), BATCH):
        part = chosen[start : start + BATCH]
        yield pairs[1][part].tolist(), pairs[0][part].tolist(), first[part].tolist()


def of_easypost(double: EasyPost, since: int, until: int) -> Iterator[Delivery]:
    """tracker.created and tracker.updated."""
    for rows, moments, firsts in _changes(double.shelf.timeline, since, until):
        bodies = double.bodies(rows, moments, moments)
        later = [(row, at - 1) for row, at, first in zip(rows, moments, firsts, strict=True) if not first]
        olds = [row for row, _ in later], [at for _, at in later]
        before = iter(double.bodies(*olds, olds[1]))
        for body, at, first in zip(bodies, moments, firsts, strict=True):
            topic, number = f"tracker.{'created' if first else 'updated'}", f"evt_{hexadecimal(body['id'], at)}"
            content = {
                "id": number,
                "object": "Event",
                "mode": "production",
                "description": topic,
                "previous_attributes": {} if first else {"status": next(before)["status"]},
                "created_at": zulu(moment(at)),
                "updated_at": zulu(moment(at)),
                "pending_urls": ["https://hooks.example.test/easypost"],
                "completed_urls": [],
                "user_id": "user_" + hexadecimal("user"),
                "status": "pending",
                "result": body,
            }
            yield delivery("easypost", topic, number, content, str(zulu(moment(at))))


def of_aftership(double: AfterShip, since: int, until: int) -> Iterator[Delivery]:
    """tracking_update."""
    for rows, moments, firsts in _changes(double.shelf.timeline, since, until):
        for body, at, first in zip(double.bodies(rows, moments, moments), moments, firsts, strict=True):
            number = hexadecimal("aftership event", body["id"], at)
            content = {
                "event": "tracking_update",
                "event_id": number,
                "is_tracking_first_tag": first,
                "msg": body,
                "ts": at // 1_000_000,
            }
            yield delivery("aftership", "tracking_update", number, content, str(zulu(moment(at))))


def of_loop(double: Loop, since: int, until: int) -> Iterator[Delivery]:
    """return.created, return.updated, return.closed."""
    for rows, moments, firsts in _changes(double.shelf.timeline, since, until):
        for body, at, first in zip(double.bodies(rows, moments, moments), moments, firsts, strict=True):
            trigger = "created" if first else "closed" if body["state"] == "closed" else "updated"
            number = hexadecimal("loop event", body["id"], at)
            content = {"topic": "return", "trigger": f"return.{trigger}", "webhook_id": number} | body
            yield delivery("loop", f"return.{trigger}", number, content, str(zulu(moment(at))))


def of_shopify(double: Shopify, since: int, until: int) -> Iterator[Delivery]:
    """orders/*, fulfillments/*, refunds/create: what changed between two states of an order."""
    for rows, moments, firsts in _changes(double.shelf.timeline, since, until):
        after = double.orders.objects(rows, moments, moments)
        before = double.orders.objects(
            [row for row, first in zip(rows, firsts, strict=True) if not first],
            [at - 1 for at, first in zip(moments, firsts, strict=True) if not first],
            [at for at, first in zip(moments, firsts, strict=True) if not first],
        )
        old = iter(before)
        for new, at, first in zip(after, moments, firsts, strict=True):
            for topic, content in _topics(None if first else next(old), new):
                number = hexadecimal("shopify event", topic, content["id"], at)
                yield delivery("shopify", topic, number, content, str(zulu(moment(at))))


def _topics(old: dict[str, Any] | None, new: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    yield ("orders/create" if old is None else "orders/updated"), rest.order(new)
    if old is not None and new["cancelledAt"] and not old["cancelledAt"]:
        yield "orders/cancelled", rest.order(new)
    had = {one["id"]: one for one in (old or {"fulfillments": []})["fulfillments"]}
    for own in new["fulfillments"]:
        if own["id"] not in had:
            yield "fulfillments/create", rest.fulfillment(new, own)
        elif own != had[own["id"]]:
            yield "fulfillments/update", rest.fulfillment(new, own)
    refunded = {one["id"] for one in (old or {"refunds": []})["refunds"]}
    for own in new["refunds"]:
        if own["id"] not in refunded:
            yield "refunds/create", rest.refund(new, own)


def privacy(double: Shopify, topic: str, row: int, at: int) -> Delivery:
    """One of the three privacy topics about the customer of an order."""
    content = rest.privacy(topic, double.order(row, at))
    return delivery("shopify", topic, hexadecimal(topic, row, at), content, str(zulu(moment(at))))


def mixed(
    some: Iterable[Delivery], redelivered: float = 0.0, forged_share: float = 0.0, seed: int = 0
) -> Iterator[Delivery]:
    """The same deliveries with a share of them repeated at once, and forgeries beside them."""
    for place, one in enumerate(some):
        yield one
        draw = digits(seed, "webhook", one.id, limit=10**6) / 10**6
        if draw <= redelivered:
            yield one
        elif draw > 1 - forged_share:
            yield forged(one, place)


@dataclass(slots=True)
class Sent:
    """What a receiver answered: by status, and the ids it acknowledged (each one durable, or it lied)."""

    deliveries: int = 0
    attempts: int = 0
    statuses: dict[int, int] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)
    accepted_forgeries: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def send(some: Iterable[Delivery], url: str, threads: int = 4, attempts: int = 3, timeout: float = 5.0) -> Sent:
    """POST deliveries; those without an answer of 2xx come again, as vendors do. Forgeries are tried once."""
    result = Sent()
    with httpx.Client(timeout=timeout, limits=httpx.Limits(max_connections=threads)) as client:

        def post(one: Delivery) -> tuple[Delivery, list[int]]:
            statuses: list[int] = []
            for _ in range(attempts if one.genuine else 1):
                try:
                    statuses.append(client.post(url, content=one.body, headers=one.headers).status_code)
                except httpx.HTTPError:
                    statuses.append(0)
                if 200 <= statuses[-1] < 300:
                    break
            return one, statuses

        with ThreadPoolExecutor(threads) as pool:
            for one, statuses in pool.map(post, some):
                _count(result, one, statuses)
    return result


def _count(result: Sent, one: Delivery, statuses: list[int]) -> None:
    result.deliveries += 1
    result.attempts += len(statuses)
    for status in statuses:
        result.statuses[status] = result.statuses.get(status, 0) + 1
    good = 200 <= statuses[-1] < 300
    if good and one.genuine:
        result.acknowledged.add(one.id)
    elif good:
        result.accepted_forgeries.append(one.id)
    elif one.genuine:
        result.failed.append(one.id)
