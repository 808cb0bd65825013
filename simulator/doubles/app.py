"""The ASGI application: six vendors under one address, each below its own name, and a control door for tests.

Faults that strike before anything is read live here; `wire` has those that strike on the way back, the vendors those
that change what is said.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from pipelines.domain.errors import WherehouseError
from simulator.doubles import webhooks
from simulator.doubles.aftership import AfterShip
from simulator.doubles.answers import Answer, Call
from simulator.doubles.easypost import EasyPost
from simulator.doubles.faults import Faults, Trouble
from simulator.doubles.gorgias import Gorgias
from simulator.doubles.loop import Loop
from simulator.doubles.shopify import Shopify
from simulator.doubles.vendor import Double, Setting
from simulator.doubles.wire import Receive, Scope, Send, finish
from simulator.doubles.zendesk import Zendesk

KEPT_REQUESTS: Final = 200_000
LARGEST_REQUEST: Final = 4 * 2**20


class App:
    """Six doubles over one book."""

    def __init__(self, setting: Setting, faults: Faults) -> None:
        self.setting, self.clock, self.faults = setting, setting.clock, faults
        self.shopify, self.easypost, self.aftership = Shopify(setting), EasyPost(setting), AfterShip(setting)
        self.loop, self.zendesk, self.gorgias = Loop(setting), Zendesk(setting), Gorgias(setting)
        own: tuple[Double, ...] = (
            self.shopify, self.easypost, self.aftership, self.loop, self.zendesk, self.gorgias,
        )  # fmt: skip
        self.doubles: dict[str, Double] = {double.name: double for double in own}
        self.requests: deque[dict[str, Any]] = deque(maxlen=KEPT_REQUESTS)
        self.address = ""

    def at(self, address: str) -> None:
        """Tell the doubles where they are, for the addresses in their answers."""
        self.address = address
        self.shopify.base_url = f"{address}/shopify"

    def addresses(self) -> dict[str, Any]:
        """What a client needs: base address and credentials by vendor."""
        return {
            "control": f"{self.address}/_control",
            "as_of": self.clock.as_of.isoformat().replace("+00:00", "Z"),
            "vendors": {
                name: {"base_url": f"{self.address}/{name}"} | double.access() for name, double in self.doubles.items()
            },
            "webhook_secrets": dict(webhooks.SECRETS),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        body = await _body(receive)
        _, vendor, path = (scope["path"] + "/").split("/", 2)
        path = "/" + path.rstrip("/")
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        query = dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True))
        call = Call(scope["method"], path, query, headers, body, f"{self.address}/{vendor}")
        if vendor == "_control":
            await finish(send, await self._control(call), Trouble(), scope)
        elif vendor in self.doubles:
            await self._vendor(self.doubles[vendor], call, scope, send)
        else:
            await finish(send, Answer(404, {"error": "no such vendor"}), Trouble(), scope)

    async def _vendor(self, double: Double, call: Call, scope: Scope, send: Send) -> None:
        self.clock.tick()
        call.trouble = trouble = self.faults.draw(double.name)
        answer = _refusal(double, call) or double.refused(call) or double.answer(call)
        self.requests.append(
            {
                "vendor": double.name,
                "number": trouble.number,
                "method": call.method,
                "path": call.path,
                "query": dict(call.query),
                "status": answer.status,
                "throttled": _throttled(answer),
                "faults": sorted(trouble.kinds),
            }
        )
        if "slow" in trouble:
            await asyncio.sleep(float(trouble.get("slow", "seconds", 1.0)))
        await finish(send, answer, trouble, scope)

    async def _control(self, call: Call) -> Answer:
        try:
            given = msgspec.json.decode(call.body) if call.body else {}
            return await self._controlled(call, given)
        except (WherehouseError, msgspec.MsgspecError, ValueError, KeyError, TypeError) as error:
            return Answer(400, {"error": str(error)})

    async def _controlled(self, call: Call, given: Any) -> Answer:
        change = call.method in ("PUT", "POST")
        match call.path:
            case "/" | "/addresses":
                return Answer(200, self.addresses())
            case "/faults":
                if change:
                    self.faults.replace(given)
                return Answer(200, {"settings": self.faults.settings, "struck": self.faults.struck})
            case "/clock":
                if change:
                    self._set_clock(given)
                return Answer(200, {"as_of": self.clock.as_of.isoformat(), "seconds": self.clock.seconds()})
            case "/requests":
                kept = list(self.requests)
                if call.method == "DELETE":
                    self.requests.clear()
                return Answer(200, {"requests": kept})
            case "/altered":
                return Answer(200, {"altered": self.setting.altered})
            case "/webhooks":
                return Answer(200, await asyncio.to_thread(self._send_webhooks, given))
            case _:
                return Answer(404, {"error": "no such control"})

    def _set_clock(self, given: Mapping[str, Any]) -> None:
        if "as_of" in given:
            moment = datetime.fromisoformat(given["as_of"])
            if moment > self.setting.book.until:
                raise ValueError(f"the world is known until {self.setting.book.until.isoformat()} only")
            self.clock.set_as_of(moment)
        self.clock.advance(float(given.get("advance", 0.0)))

    def _send_webhooks(self, given: Mapping[str, Any]) -> dict[str, Any]:
        since, until = (int(datetime.fromisoformat(given[name]).timestamp()) * 1_000_000 for name in ("since", "until"))
        some = self.deliveries(given["vendor"], since, min(until, self.clock.as_of_us))
        shares = float(given.get("redelivered", 0.0)), float(given.get("forged", 0.0))
        sent = webhooks.send(webhooks.mixed(some, *shares), given["url"], int(given.get("threads", 4)))
        return {
            "deliveries": sent.deliveries,
            "attempts": sent.attempts,
            "statuses": {str(status): count for status, count in sent.statuses.items()},
            "acknowledged": len(sent.acknowledged),
            "accepted_forgeries": sent.accepted_forgeries,
            "failed": sent.failed,
        }

    def deliveries(self, vendor: str, since: int, until: int) -> Any:
        """A vendor's webhooks for what changed after `since` until `until` (microseconds since 1970)."""
        match vendor:
            case "shopify":
                return webhooks.of_shopify(self.shopify, since, until)
            case "easypost":
                return webhooks.of_easypost(self.easypost, since, until)
            case "aftership":
                return webhooks.of_aftership(self.aftership, since, until)
            case "loop":
                return webhooks.of_loop(self.loop, since, until)
            case _:
                raise ValueError(f"{vendor} sends no webhooks here")


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body") or sum(map(len, parts)) > LARGEST_REQUEST:
            return b"".join(parts)


def _throttled(answer: Answer) -> bool:
    errors = answer.content.get("errors") if isinstance(answer.content, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else None
    return answer.status == 429 or (isinstance(first, dict) and first.get("extensions", {}).get("code") == "THROTTLED")


def _refusal(double: Double, call: Call) -> Answer | None:
    """Faults that strike before anything is read."""
    trouble = call.trouble
    if "rate_limited" in trouble:
        return Answer(*double.limited(1.0), {"Retry-After": str(trouble.get("rate_limited", "retry_after", 1))})
    if "rate_limited_bare" in trouble:
        return Answer(*double.limited(1.0))
    if "server_error" in trouble:
        status = int(trouble.get("server_error", "status", (500, 502, 503, 504)[trouble.dice % 4]))
        return Answer(status, b"upstream connect error or disconnect/reset before headers", {}, "text/plain")
    if "expired_key" in trouble:
        return double.bad_key()
    if "redirect" in trouble:
        elsewhere = trouble.get("redirect", "location", "http://elsewhere.example.test/login")
        return Answer(302, b"", {"Location": str(elsewhere)}, "text/plain")
    if "token_in_error" in trouble:
        wanted = ("authorization", "x-shopify-access-token", "as-api-key", "x-authorization")
        given = [call.headers[name] for name in wanted if name in call.headers]
        return Answer(500, {"error": f"cannot handle request with credentials {' '.join(given)}"})
    return None
