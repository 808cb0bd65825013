"""The HTTP layer against answers that no vendor should give, on a transport in memory; nobody really sleeps."""

from __future__ import annotations

import gzip
import itertools
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx
import msgspec
import pytest

from pipelines.domain.errors import SourceError
from pipelines.domain.pages import CredentialsError
from pipelines.sources._http import Answer, Credential, Http, RefusedError, ThrottledError, in_order, retry_after
from pipelines.sources._pace import Pace

KEY = "EZAK-very-secret"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Reply = Callable[[httpx.Request], httpx.Response] | Exception


class Vendor:
    """Answers in the order given; the last answer stays."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = itertools.chain(replies[:-1], itertools.repeat(replies[-1]))
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        reply = next(self.replies)
        if isinstance(reply, Exception):
            raise reply
        return reply(request)


class Clock:
    """A clock that moves when somebody sleeps by it."""

    def __init__(self, slept: list[float]) -> None:
        self.now, self.slept = 0.0, slept

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def api(vendor: Vendor, slept: list[float] | None = None, **more: object) -> Http:
    slept = slept if slept is not None else []
    sleep, clock = slept.append, Clock(slept)
    pace = Pace(1_000, 1.0, clock=clock, sleep=clock.sleep)
    given = {"pace": pace, "auth": (KEY, ""), "transport": httpx.MockTransport(vendor), "sleep": sleep, **more}
    return Http("EasyPost", "https://api.vendor.test", [Credential("EASYPOST_API_KEY", KEY)], **given)  # type: ignore[arg-type]


def decoded(answer: Answer) -> object:
    return msgspec.json.decode(answer.body)


def said(status: int = 200, body: bytes = b"", **headers: str) -> Callable[[httpx.Request], httpx.Response]:
    """A new answer each time, as it comes from the wire."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx.Response(status, headers=named, content=iter([body]))


def fine(body: object = None) -> Callable[[httpx.Request], httpx.Response]:
    return said(body=msgspec.json.encode({"has_more": False} if body is None else body))


@pytest.mark.parametrize(
    "trouble",
    [
        said(500),
        said(502, b"<html>bad gateway</html>"),
        said(429),
        said(429, retry_after="-5"),
        said(200, b"<html>back soon</html>"),
        said(200, b'{"has_more": fal'),
        said(200),
        said(200, gzip.compress(b"{}" * 1000)[:-12], content_encoding="gzip"),
        said(200, b"no gzip", content_encoding="gzip"),
        said(200, b"{}", content_encoding="br"),
        httpx.ConnectError("refused"),
        httpx.ReadError("reset"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
    ],
)
def test_what_may_pass_is_asked_again(trouble: Reply) -> None:
    vendor, slept = Vendor(trouble, fine()), list[float]()
    assert api(vendor, slept).get("v2/trackers", decoded) == {"has_more": False}
    assert len(vendor.asked) == 2 and 0 < slept[-1] < 3


def test_in_the_end_the_vendor_is_named_with_what_it_did() -> None:
    vendor = Vendor(said(503))
    with pytest.raises(SourceError, match=r"EasyPost has an error of its own \(503\) \(asked 8 times\)"):
        api(vendor).get("v2/trackers", decoded)
    assert len(vendor.asked) == 8


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_not_tried_again_and_its_variable_is_named(status: int) -> None:
    vendor = Vendor(said(status, f"invalid key {KEY}".encode()))
    with pytest.raises(CredentialsError, match=rf"EasyPost refused the key in EASYPOST_API_KEY \({status}\)") as caught:
        api(vendor).get("v2/trackers", decoded)
    assert len(vendor.asked) == 1 and KEY not in str(caught.value)


def test_a_token_in_an_error_body_is_not_repeated() -> None:
    basic = (
        httpx.BasicAuth(KEY, "").sync_auth_flow(httpx.Request("GET", "https://x")).__next__().headers["authorization"]
    )
    text = f"{KEY} {basic} wrote jane@example.com +1 (555) 123-4567"
    http = api(Vendor(said(422, text.encode())))
    with pytest.raises(RefusedError) as caught:
        http.get("v2/trackers", decoded)
    told = str(caught.value)
    assert "422" in told and "***" in told and caught.value.status == 422
    assert not any(part in told for part in (KEY, basic.split()[1], "jane", "555"))
    assert KEY not in repr(http)


def test_redirects_and_addresses_on_other_hosts_are_not_followed() -> None:
    vendor = Vendor(said(302, location="https://evil.test/v2/trackers"))
    http = api(vendor, attempts=2)
    with pytest.raises(SourceError, match="redirects are not followed"):
        http.get("v2/trackers", decoded)
    with pytest.raises(SourceError, match=r"another host \(evil.test\)"):
        http.get("https://evil.test/next", decoded)
    with pytest.raises(SourceError, match="another host"):
        http.get("http://api.vendor.test/v2/trackers", decoded)  # the key would go in the clear
    assert {request.url.host for request in vendor.asked} == {"api.vendor.test"}


def test_a_body_beyond_the_bound_is_not_read_declared_or_not() -> None:
    sent = 0

    def flood() -> Iterator[bytes]:
        nonlocal sent
        while sent < 2 << 30:
            sent += 1 << 20
            yield b" " * (1 << 20)

    declared = said(200, b"{}", content_length=str(2 << 30))
    for reply in (declared, lambda request: httpx.Response(200, content=flood())):
        with pytest.raises(SourceError, match="more than 8 MB, which was not read"):
            api(Vendor(reply), attempts=1, most_bytes=8 << 20).get("v2/trackers", decoded)
    assert sent <= 10 << 20


def test_a_gzip_bomb_is_not_unpacked() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)  # may be said again and again
    bomb = gzip.compress(b"")[:10] + block * 2048
    reply = said(200, bomb, content_encoding="gzip")
    with pytest.raises(SourceError, match="more than 8 MB"):
        api(Vendor(reply), attempts=1, most_bytes=8 << 20).get("v2/trackers", decoded)


def test_a_content_length_that_is_no_number_is_no_crash() -> None:
    reply = said(200, b'{"has_more": false}', content_length="soon")
    assert api(Vendor(reply)).get("v2/trackers", decoded) == {"has_more": False}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3.0),
        ("0.5", 0.5),
        ("Sun, 01 Mar 2026 12:00:10 GMT", 10.0),
        ("86400", 300.0),
        ("-5", None),
        ("0", None),
        ("nan", None),
        ("soon", None),
        ("Sun, 01 Mar 2020 12:00:10 GMT", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_obeyed_within_reason(text: str | None, seconds: float | None) -> None:
    assert retry_after(text, NOW) == seconds


def test_retry_after_holds_back_every_request_to_the_vendor() -> None:
    vendor, slept = Vendor(said(429, retry_after="7"), fine()), list[float]()
    http = api(vendor, slept)
    http.get("v2/trackers", decoded)
    assert slept == [7.0, 7.0]  # this request, and the pace for those of other threads


def test_a_vendor_in_trouble_does_not_hold_a_pull_for_longer_than_patience_lasts() -> None:
    vendor, slept = Vendor(said(429, retry_after="300")), list[float]()
    with pytest.raises(SourceError, match=r"asks for fewer requests \(429\) \(asked 3 times\)"):
        api(vendor, slept, patience=700.0).get("v2/trackers", decoded)
    assert len(vendor.asked) == 3


def test_throttled_with_status_200_waits_as_long_as_said() -> None:
    def read(answer: Answer) -> object:
        if b"THROTTLED" in answer.body:
            raise ThrottledError(4.0)
        return decoded(answer)

    vendor, slept = Vendor(fine({"errors": [{"extensions": {"code": "THROTTLED"}}]}), fine()), list[float]()
    assert api(vendor, slept).get("graphql.json", read) == {"has_more": False}
    assert slept == [4.0]


def test_what_is_not_safe_is_sent_once() -> None:
    vendor = Vendor(said(500))
    with pytest.raises(SourceError):
        api(vendor).post("v2/trackers", decoded, {"a": 1}, is_safe=False)
    assert len(vendor.asked) == 1
    with pytest.raises(SourceError):
        api(vendor).post("v2/trackers", decoded, {"a": 1}, is_safe=True)
    assert len(vendor.asked) == 9


def test_the_vendors_clock_is_compared_with_ours() -> None:
    http = api(Vendor(said(200, b"{}", date="Sun, 01 Mar 2020 12:00:00 GMT")))
    http.get("v2/trackers", decoded)
    assert http.skew_seconds < -3600


def test_a_pace_is_never_exceeded_in_any_window() -> None:
    now, sent = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        now[0] += seconds

    pace = Pace(10, 60.0, clock=lambda: now[0], sleep=sleep)
    for number in range(45):
        pace.wait()
        sent.append(now[0])
        now[0] += 0.01 if number % 7 else 3.0
    for start in sent:
        assert sum(start <= moment < start + 60 for moment in sent) <= 10
    assert now[0] < 60 * 5 * 1.1


def test_questions_asked_at_once_are_answered_in_order() -> None:
    assert list(in_order(lambda number: number * 2, range(20), threads=4)) == [number * 2 for number in range(20)]
