from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from pipelines.domain.deliveries import Delivery, Door, Headers
from pipelines.domain.errors import StorageError
from pipelines.sources._signatures import is_hmac_base64, is_hmac_hex
from pipelines.sources.webhooks import Limits, Receiver, make_app

DOOR = Door(
    is_genuine=lambda headers, body: headers.get("x-signature") == "good",
    identify=lambda headers, body: (headers.get("x-topic", ""), headers.get("x-id", "")),
)


class Kept:
    def __init__(self) -> None:
        self.groups: list[list[Delivery]] = []
        self.problem: Exception | None = None
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, deliveries: Sequence[Delivery]) -> None:
        self.gate.wait(20)
        if self.problem is not None:
            raise self.problem
        self.groups.append(list(deliveries))

    @property
    def ids(self) -> list[str]:
        return [one.id for group in self.groups for one in group]


def key_of(source: str, id_: str) -> bytes:
    return f"{source} {id_}".encode()


def drive(
    kept: Kept,
    known: set[bytes],
    work: Callable[[httpx.AsyncClient], Coroutine[Any, Any, Any]],
    limits: Limits | None = None,
) -> Any:
    async def run() -> Any:
        app = make_app({"tracking": DOOR}, Receiver(kept, known, key_of, limits))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://receiver") as client:
            return await work(client)

    with ThreadPoolExecutor(
        1
    ) as pool:  # a thread of its own: another test of this process may have left a loop in ours
        return pool.submit(asyncio.run, run()).result()


def headers(id_: str = "1", signature: str = "good") -> Headers:
    return {"x-signature": signature, "x-id": id_, "x-topic": "updated"}


def test_what_is_genuine_is_kept_with_topic_and_body() -> None:
    kept = Kept()
    answer = drive(kept, set(), lambda c: c.post("/tracking", content=b"{}", headers=headers()))
    ((one,),) = kept.groups
    assert (answer.status_code, one.source, one.topic, one.id, one.body) == (200, "tracking", "updated", "1", b"{}")


@pytest.mark.parametrize("signature", ["", "bad", "Good", "g\u00f6\u00f6d"])
def test_a_wrong_signature_is_refused(signature: str) -> None:
    kept = Kept()
    sent = {"x-signature": signature.encode("latin-1"), "x-id": "1"}
    answer = drive(kept, set(), lambda c: c.post("/tracking", content=b"{}", headers=sent))
    assert answer.status_code == 401 and not kept.groups


def test_other_paths_and_methods() -> None:
    async def ask(client: httpx.AsyncClient) -> list[int]:
        answers = [await client.post("/nobody", headers=headers()), await client.get("/tracking")]
        return [one.status_code for one in [*answers, await client.get("/health")]]

    assert drive(Kept(), set(), ask) == [404, 405, 200]


def test_a_repeat_is_answered_and_not_kept_again() -> None:
    kept, known = Kept(), {key_of("tracking", "old")}

    async def send(client: httpx.AsyncClient) -> list[str]:
        ids = ["1", "1", "old", "2"]
        return [(await client.post("/tracking", content=b"{}", headers=headers(id_))).text.strip() for id_ in ids]

    assert drive(kept, known, send) == ["kept", "known", "known", "kept"]
    assert kept.ids == ["1", "2"]


def test_repeats_at_the_same_moment_wait_for_the_first() -> None:
    kept = Kept()
    kept.gate.clear()

    async def send(client: httpx.AsyncClient) -> list[int]:
        tasks = [asyncio.create_task(client.post("/tracking", content=b"{}", headers=headers())) for _ in range(5)]
        await asyncio.sleep(0.2)
        assert not any(task.done() for task in tasks)  # nothing is on disk yet
        kept.gate.set()
        return [(await task).status_code for task in tasks]

    assert drive(kept, set(), send) == [200] * 5
    assert kept.ids == ["1"]


def test_without_an_id_the_content_tells() -> None:
    kept = Kept()

    async def send(client: httpx.AsyncClient) -> None:
        for body in (b"a", b"b", b"a"):
            await client.post("/tracking", content=body, headers=headers(""))

    drive(kept, set(), send)
    assert [one.body for group in kept.groups for one in group] == [b"a", b"b"]


def test_a_body_over_the_limit_is_refused_declared_or_not() -> None:
    kept = Kept()

    async def chunks() -> Any:
        for _ in range(100):
            yield b"x" * 100

    async def send(client: httpx.AsyncClient) -> list[int]:
        declared = await client.post("/tracking", content=b"x" * 1001, headers=headers())
        streamed = await client.post("/tracking", content=chunks(), headers=headers())
        lied = await client.post("/tracking", content=chunks(), headers={**headers(), "content-length": "5"})
        return [declared.status_code, streamed.status_code, lied.status_code]

    assert drive(kept, set(), send, Limits(body_bytes=1000)) == [413, 413, 413]
    assert not kept.groups


def test_load_is_shed_and_what_was_taken_is_kept() -> None:
    kept = Kept()
    kept.gate.clear()

    async def send(client: httpx.AsyncClient) -> list[int]:
        async def post(number: int) -> int:
            answer = await client.post("/tracking", content=b"{}", headers=headers(str(number)))
            assert answer.status_code == 200 or answer.headers["retry-after"] == "1"
            return answer.status_code

        tasks = [asyncio.create_task(post(number)) for number in range(20)]
        await asyncio.sleep(0.2)
        kept.gate.set()
        return [await task for task in tasks]

    statuses = drive(kept, set(), send, Limits(waiting=8))
    assert statuses.count(429) == 12 and len(kept.ids) == 8


def test_a_disk_that_refuses_is_said_and_the_delivery_may_come_again() -> None:
    kept = Kept()

    async def send(client: httpx.AsyncClient) -> list[int]:
        kept.problem = StorageError("data: no space left")
        first = await client.post("/tracking", content=b"{}", headers=headers())
        kept.problem = None
        again = await client.post("/tracking", content=b"{}", headers=headers())
        return [first.status_code, again.status_code]

    assert drive(kept, set(), send) == [503, 200]
    assert kept.ids == ["1"]


# RFC 4231, test case 2.
KEY, BODY = b"Jefe", b"what do ya want for nothing?"
HEX = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def wrong() -> Iterator[str | None]:
    yield from (None, "", HEX[:-1], HEX[:-1] + "4", HEX + "0", "\u00e9")


def test_signatures_of_the_standard() -> None:
    assert is_hmac_hex(BODY, KEY, HEX)
    assert is_hmac_base64(BODY, KEY, "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=")
    assert not any(is_hmac_hex(BODY, KEY, one) or is_hmac_base64(BODY, KEY, one) for one in wrong())
