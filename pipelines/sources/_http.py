"""One way to ask a vendor over HTTP: paced, retried, bounded, and in words that a person can act on.

What lives here: retries, what counts as an answer, errors, redaction. What does not: pacing (`_pace`), what a vendor's
answers mean (its `client.py`), how far a pull got (`pipelines.landing.pulling`).

Retried with back-off and jitter, or after the vendor's Retry-After: 429, 5xx, connections that break, answers that are
cut short or are no JSON; so many times, and no longer than patience lasts. Not retried: a refused key, any other 4xx.
Requests are only repeated where that is safe.
"""

from __future__ import annotations

import base64
import re
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Self, TypeVar

import httpx
import msgspec
import tenacity

from pipelines.domain.errors import SourceError
from pipelines.domain.pages import CredentialsError, CursorLostError
from pipelines.sources._pace import LONGEST_WAIT, Pace
from pipelines.sources._vendor import PATIENCE

T = TypeVar("T")
R = TypeVar("R")

MOST_BYTES: Final = 64 << 20  # of one decoded answer
_FIRST_WAIT: Final = 0.5
_ATTEMPTS: Final = 8
_EXCERPT: Final = 160
_AGENT: Final = "wherehouse"
_PERSONAL: Final = re.compile(r"[^\s\"'<>@]+@[^\s\"'<>@]+|\+?[0-9][0-9 ()-]{7,}[0-9]")
_TRANSIENT: Final = frozenset({408, 421, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})


class RefusedError(SourceError):
    """The vendor does not take this request; `status` says as what."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class ThrottledError(Exception):
    """An answer with status 200 that says: too fast. Raised by a `decode`; `seconds` is how long to wait."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"throttled for {seconds:.1f} s")
        self.seconds = seconds


class _AgainError(Exception):
    """What may be better the next time, as the end of a sentence that begins with the vendor's name."""

    def __init__(self, what: str, seconds: float | None = None) -> None:
        super().__init__(what)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret and the name of the setting or environment variable it comes from."""

    name: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status 2xx, headers, and the whole decoded body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Http:
    """One vendor's API at one address. Threads may share it; close it, or use it as a context manager."""

    def __init__(
        self,
        vendor: str,
        base_url: str,
        credentials: Iterable[Credential],
        *,
        pace: Pace,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        signals: Callable[[Mapping[str, str]], float] = lambda headers: 0.0,
        timeout: float = 60.0,
        attempts: int = _ATTEMPTS,
        patience: float = PATIENCE,
        most_bytes: int = MOST_BYTES,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`signals` reads an answer's headers: seconds for which the vendor would rather not be asked again."""
        self.vendor = vendor
        self.skew_seconds = 0.0  # of the vendor's clock against ours, as last seen
        self.requests = 0
        self._credentials = tuple(credentials)
        self._secrets = _forms(one.value for one in self._credentials)
        self._pace, self._signals = pace, signals
        self._attempts, self._patience = attempts, patience
        self._most_bytes, self._sleep = most_bytes, sleep
        self._base = httpx.URL(base_url.rstrip("/") + "/")
        self._client = httpx.Client(
            headers={"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": _AGENT, **(headers or {})},
            auth=auth,
            timeout=timeout,
            follow_redirects=False,
            trust_env=transport is None and self._base.host not in ("127.0.0.1", "localhost"),
            transport=transport,
            verify=self._base.scheme == "https",  # nothing to verify otherwise, and loading what verifies costs
            limits=httpx.Limits(max_connections=16, max_keepalive_connections=16),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Http({self.vendor!r}, {str(self._base)!r})"

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def get(self, path: str, decode: Callable[[Answer], T], params: Mapping[str, Any] | None = None) -> T:
        """GET an address below the base, or a whole one on the same host, and decode what comes.

        `decode` raises ValueError (as msgspec does) for a body that is not what it should be: it is asked for again.
        Raises CredentialsError, RefusedError, SourceError.
        """
        given = {name: value for name, value in (params or {}).items() if value is not None}
        return self._retried(lambda: self._once("GET", path, decode, params=given or None))

    def post(self, path: str, decode: Callable[[Answer], T], body: Any, *, is_safe: bool) -> T:
        """POST JSON. `is_safe`: asking twice does what asking once does, so it may be repeated. Raises as `get`."""
        content = msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"}
        once: Callable[[], T] = lambda: self._once("POST", path, decode, content=content, headers=headers)  # noqa: E731
        return self._retried(once, attempts=self._attempts if is_safe else 1)

    def lines(self, path: str, decode: Callable[[bytes], T], skip: int = 0, count: int | None = None) -> Iterator[T]:
        """The lines of a long document after the first `skip`, decoded as they come in; never all in memory.

        A document that breaks off is asked for again, and what was given is not given twice; so is one that has not
        `count` lines, where that is known. `decode` raises ValueError for what is no line of it. Raises as `get`.
        """
        given = skip
        tried = 0
        while True:
            before = given
            try:
                for number, line in enumerate(self._lines(path), start=1):
                    if number > given:
                        yield self._decoded(decode, line)
                        given = number
                if count is None or given == count:
                    return
                problem = _AgainError(f"answered with {given:,} lines of {count:,}")
            except _AgainError as error:
                problem = error
            tried = 1 if given > before else tried + 1
            if tried >= self._attempts:
                raise SourceError(f"{self.vendor} {problem} (asked {tried} times)") from None
            self.wait(problem.seconds or _FIRST_WAIT * 2**tried)

    def wait(self, seconds: float) -> None:
        """Do nothing for so long, because a vendor is not ready yet."""
        self._sleep(min(seconds, LONGEST_WAIT))

    def redacted(self, text: str) -> str:
        """A text without our secrets and without what looks like personal data, cut to a few words."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        text = _PERSONAL.sub("***", " ".join(text.split()))
        return text if len(text) <= _EXCERPT else text[:_EXCERPT] + "..."

    def _retried(self, once: Callable[[], T], attempts: int | None = None) -> T:
        jitter = tenacity.wait_exponential_jitter(initial=_FIRST_WAIT, max=60, jitter=_FIRST_WAIT)

        def seconds(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            own = error.seconds if isinstance(error, _AgainError) else None
            return jitter(state) if own is None else own

        def is_enough(state: tenacity.RetryCallState) -> bool:
            spent = max(state.seconds_since_start or 0.0, state.idle_for)
            return state.attempt_number >= (attempts or self._attempts) or spent + state.upcoming_sleep > self._patience

        retrying = tenacity.Retrying(
            stop=is_enough,
            wait=seconds,
            retry=tenacity.retry_if_exception_type(_AgainError),
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(once)
        except _AgainError as error:
            raise SourceError(f"{self.vendor} {error} (asked {retrying.statistics['attempt_number']} times)") from None

    def _once(self, method: str, path: str, decode: Callable[[Answer], T], **more: Any) -> T:
        with self._asked(method, path, **more) as response:
            answer = Answer(response.status_code, response.headers, self._body(response))
        self._require_ok(answer, response)
        return self._decoded(decode, answer, answer.body)

    def _lines(self, path: str) -> Iterator[bytes]:
        """Lines without their ends. Of bytes without any end, never more in memory than `most_bytes`."""
        with self._asked("GET", path) as response:
            if not 200 <= response.status_code < 300:
                self._require_ok(Answer(response.status_code, response.headers, self._body(response)), response)
            rest = b""
            for part in self._parts(response):
                *whole, rest = (rest + part).split(b"\n")
                yield from whole
                if len(rest) > self._most_bytes:
                    raise self._too_much
            if rest:
                yield rest

    @contextmanager
    def _asked(self, method: str, path: str, **more: Any) -> Iterator[httpx.Response]:
        url = self._base.join(path.lstrip("/") if "://" not in path else path)
        if (url.scheme, url.host, url.port) != (self._base.scheme, self._base.host, self._base.port):
            raise SourceError(f"{self.vendor} names an address on another host ({url.host}); it is not followed")
        self._pace.wait()
        self.requests += 1
        try:
            with self._client.stream(method, url, **more) as response:
                self._look_at(response)
                yield response
        except httpx.TimeoutException:
            raise _AgainError("does not answer in time") from None
        except httpx.TransportError as error:
            raise _AgainError(f"cannot be reached ({self.redacted(_reason(error))})") from None

    @staticmethod
    def _decoded(decode: Callable[[R], T], answer: R, body: bytes | None = None) -> T:
        try:
            return decode(answer)
        except ThrottledError as error:
            raise _AgainError("asks for fewer requests", error.seconds) from None
        except ValueError:
            shown = body if body is not None else answer
            is_page = isinstance(shown, bytes) and shown.lstrip()[:1] == b"<"
            what = "a web page" if is_page else "something that is no whole JSON answer"
            raise _AgainError(f"answered with {what}") from None

    def _look_at(self, response: httpx.Response) -> None:
        """What the headers say, before they bite: the vendor's clock and its limits."""
        if date := _moment(response.headers.get("date")):
            self.skew_seconds = (date - datetime.now(UTC)).total_seconds()
        if (seconds := self._signals(response.headers)) > 0:
            self._pace.pause(seconds)

    def _body(self, response: httpx.Response) -> bytes:
        """The decoded body, never more of it in memory than `most_bytes`."""
        declared = response.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self._most_bytes:
            raise self._too_much
        parts: list[bytes] = []
        size = 0
        for part in self._parts(response):
            size += len(part)
            if size > self._most_bytes:
                raise self._too_much
            parts.append(part)
        return b"".join(parts)

    def _parts(self, response: httpx.Response) -> Iterator[bytes]:
        """Parts of the decoded body as they come in, none of them longer than `most_bytes` and a bit."""
        encoding = response.headers.get("content-encoding", "identity").lower()
        if encoding not in ("identity", "", "gzip"):
            raise _AgainError(f"answered in an encoding that was not asked for ({self.redacted(encoding)})")
        unzip = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
        for raw in response.iter_raw():
            try:
                part = raw if unzip is None else unzip.decompress(raw, self._most_bytes + 1)
            except zlib.error:
                raise _AgainError("answered with a damaged body") from None
            if unzip is not None and unzip.unconsumed_tail:
                raise self._too_much
            yield part
        if unzip is not None and not unzip.eof:
            raise _AgainError("answered with a body that is cut short")

    @property
    def _too_much(self) -> _AgainError:
        return _AgainError(f"answered with more than {self._most_bytes >> 20:,} MB, which was not read")

    def _require_ok(self, answer: Answer, response: httpx.Response) -> None:
        status = answer.status
        if 200 <= status < 300:
            return
        if 300 <= status < 400:
            raise _AgainError(f"sends its answer from elsewhere ({status}); redirects are not followed")
        if status in (401, 403):
            names = " and ".join(one.name for one in self._credentials)
            raise CredentialsError(f"{self.vendor} refused the key in {names} ({status})")
        if status in _TRANSIENT or status >= 500:
            seconds = retry_after(answer.headers.get("retry-after"))
            if status == 429 and seconds is not None:
                self._pace.pause(seconds)
            what = "asks for fewer requests" if status == 429 else "has an error of its own"
            raise _AgainError(f"{what} ({status})", seconds)
        said = self.redacted(answer.body[:2_000].decode("utf-8", "replace"))
        raise RefusedError(f"{self.vendor} refused a request for {response.url.path} ({status}): {said}", status)


def retry_after(text: str | None, now: datetime | None = None) -> float | None:
    """Seconds to wait by a Retry-After header, within reason; None where it says nothing usable."""
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        moment = _moment(text)
        if moment is None:
            return None
        seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    return min(seconds, LONGEST_WAIT) if seconds > 0 else None  # NaN is not above 0 either


@contextmanager
def resuming(cursor: object, status: int) -> Iterator[None]:
    """Around a request that goes on from a cursor: refused with this status, the vendor has forgotten the place."""
    try:
        yield
    except RefusedError as error:
        if cursor is not None and error.status == status:
            raise CursorLostError(str(error)) from None
        raise


def in_order(ask: Callable[[T], R], what: Iterable[T], threads: int = 4) -> Iterator[R]:
    """The answers to several questions in their order, so many of them being asked at once."""
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for one in what:
                waiting.append(pool.submit(ask, one))
                if len(waiting) >= threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _forms(secrets: Iterable[str]) -> tuple[str, ...]:
    """Secrets in every form that may come back: as they are, and as basic auth sends them, longest first."""
    found = set()
    for secret in secrets:
        if secret:
            found |= {
                secret,
                base64.b64encode(secret.encode()).decode(),
                base64.b64encode(f"{secret}:".encode()).decode(),
            }
    return tuple(sorted(found, key=len, reverse=True))


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _reason(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__
