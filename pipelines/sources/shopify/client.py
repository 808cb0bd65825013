"""Shopify's Admin API: orders changed since, page by page at the pace of the points there are, or all in bulk.

A page of orders is asked for with short lists in them; an order with more of something is completed by itself. A
cursor is the vendor's own (`after`), or a bulk operation and how many of its orders have been read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec

from pipelines.domain.errors import SourceError
from pipelines.domain.pages import CredentialsError, CursorLostError, Page, Window
from pipelines.sources._http import Answer, Credential, Http, RefusedError, ThrottledError
from pipelines.sources._pace import Pace
from pipelines.sources._vendor import secret
from pipelines.sources.shopify import queries
from pipelines.sources.shopify.settings import ShopifySettings

T = TypeVar("T")

VENDOR: Final = "Shopify"
PAGE_SIZE: Final = 8  # orders: what may be asked for in one query at its price
FOLLOWED_SIZE: Final = 25
_DEAREST: Final = 1000.0  # points: no query may cost more, so one of unknown price costs that
_MARGIN: Final = 0.05  # seconds: clocks tick differently


class _Status(msgspec.Struct):
    maximumAvailable: float  # noqa: N815
    currentlyAvailable: float  # noqa: N815
    restoreRate: float  # noqa: N815


class _Cost(msgspec.Struct):
    requestedQueryCost: float = _DEAREST  # noqa: N815
    throttleStatus: _Status | None = None  # noqa: N815


class _Extensions(msgspec.Struct):
    cost: _Cost | None = None


class _Code(msgspec.Struct):
    code: str = ""


class _Error(msgspec.Struct):
    message: str = ""
    extensions: _Code | None = None


class _Answered(msgspec.Struct):
    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: list[_Error] = []
    extensions: _Extensions | None = None


class _Info(msgspec.Struct):
    hasNextPage: bool  # noqa: N815
    endCursor: str | None = None  # noqa: N815


class _Nested(msgspec.Struct):
    pageInfo: _Info  # noqa: N815


class _Orders(msgspec.Struct):
    nodes: list[msgspec.Raw]
    pageInfo: _Info  # noqa: N815


class _Found(msgspec.Struct):
    orders: _Orders


class _Return(msgspec.Struct):
    returnLineItems: _Nested  # noqa: N815


class _Returns(msgspec.Struct):
    nodes: list[_Return]
    pageInfo: _Info  # noqa: N815


class _Order(msgspec.Struct):
    lineItems: _Nested  # noqa: N815
    fulfillments: list[msgspec.Raw]
    refunds: list[msgspec.Raw]
    returns: _Returns

    @property
    def is_whole(self) -> bool:
        """Whether none of its lists may go on."""
        nested = [self.lineItems.pageInfo, self.returns.pageInfo]
        nested += [one.returnLineItems.pageInfo for one in self.returns.nodes]
        return (
            not any(one.hasNextPage for one in nested)
            and len(self.fulfillments) < queries.FULFILLMENTS
            and len(self.refunds) < queries.REFUNDS
        )


class _Fulfillment(msgspec.Struct):
    events: _Nested


class _Followed(msgspec.Struct):
    fulfillments: list[_Fulfillment]

    @property
    def is_whole(self) -> bool:
        """Whether none of its lists may go on."""
        is_all = len(self.fulfillments) < queries.FOLLOWED_FULFILLMENTS
        return is_all and not any(one.events.pageInfo.hasNextPage for one in self.fulfillments)


_ANSWERED: Final = msgspec.json.Decoder(_Answered)
_FOUND: Final = msgspec.json.Decoder(_Found)
_ORDER: Final = msgspec.json.Decoder(_Order)
_FOLLOWED: Final = msgspec.json.Decoder(_Followed)


class TooDearError(Exception):
    """A query that would cost more points than one may."""


class Points(Pace):
    """A bucket of points that queries spend and that fills again: each waits until there are enough for it.

    What there is, Shopify says with every answer; in between it is reckoned.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(1, 0.0, clock=clock, sleep=sleep)
        self.price = 0.0  # of the next query
        self._have, self._size, self._rate, self._at = _DEAREST, _DEAREST, 0.0, 0.0

    def told(self, status: _Status) -> None:
        """Take over what an answer says."""
        with self._lock:
            self._have, self._size = status.currentlyAvailable, status.maximumAvailable
            self._rate, self._at = status.restoreRate, self._clock()

    def missing(self, price: float) -> float:
        """Seconds until there are as many points."""
        return self._missing(min(price, self._size), self._clock())

    def _missing(self, price: float, now: float) -> float:
        have = min(self._size, self._have + (now - self._at) * self._rate)
        return (price - have) / self._rate + _MARGIN if self._rate and have < price else 0.0

    def _take(self) -> float:
        with self._lock:
            now = self._clock()
            price = min(self.price, self._size)
            seconds = max(self._missing(price, now), self._not_before - now)
            if seconds <= 0:
                self._have = min(self._size, self._have + (now - self._at) * self._rate) - price
                self._at = now
            return max(seconds, 0.0)


class Admin(Http):
    """The Admin API of one shop and version: questions in GraphQL."""

    def __init__(self, settings: ShopifySettings, token: str, points: Points, **more: Any) -> None:
        given = {"timeout": settings.timeout_seconds, "patience": settings.patience, **more}
        super().__init__(
            VENDOR,
            f"{settings.base_url}/admin/api/{settings.api_version}",
            [Credential(settings.access_token_env, token)],
            pace=points,
            headers={"X-Shopify-Access-Token": token},
            **given,
        )
        self._points = points
        self._prices: dict[tuple[str, int], float] = {}
        self._variable = settings.access_token_env
        self.more = more  # how to reach other hosts

    def ask(self, query: str, decode: Callable[[bytes], T], /, **variables: Any) -> T:
        """The data of an answer, decoded. Raises CursorLostError, TooDearError, and as Http.get does."""
        kind = (query, int(variables.get("first", 0)))
        self._points.price = self._prices.get(kind, _DEAREST)

        def decoded(answer: Answer) -> T:
            found = _ANSWERED.decode(answer.body)
            if found.extensions and (cost := found.extensions.cost):
                self._prices[kind] = self._points.price = cost.requestedQueryCost
                if cost.throttleStatus:
                    self._points.told(cost.throttleStatus)
            for error in found.errors:
                self._refuse(error)
            return decode(bytes(found.data))

        return self.post("graphql.json", decoded, {"query": query, "variables": variables}, is_safe=True)

    def _refuse(self, error: _Error) -> None:
        code = error.extensions.code if error.extensions else ""
        said = self.redacted(error.message)
        match code:
            case "THROTTLED":
                raise ThrottledError(self._points.missing(self._points.price) or 1.0)
            case "MAX_COST_EXCEEDED":
                raise TooDearError(said)
            case "ACCESS_DENIED":
                raise CredentialsError(f"{VENDOR}: the token in {self._variable} lacks a scope ({said})")
            case "INTERNAL_SERVER_ERROR" | "TIMEOUT":
                raise ValueError(code)
            case _ if "cursor" in error.message:
                raise CursorLostError(f"{VENDOR}: {said}")
            case _:
                raise RefusedError(f"{VENDOR} refused a query: {said}", 200)


def connect(settings: ShopifySettings, **more: Any) -> Admin:
    """The API, with the token of the settings. Raises CredentialsError where there is none."""
    points = more.pop("points", None) or Points()
    return Admin(settings, secret(VENDOR, settings.access_token_env), points, **more)


def orders(http: Admin, window: Window, cursor: Any, size: int = PAGE_SIZE) -> Iterator[Page]:
    """Orders changed in the window, in order of change. A first pull, which has no bookmark, gets them in bulk."""
    if "bulk" in (cursor or {}) or (cursor is None and window.bookmark is None):
        from pipelines.sources.shopify import bulk

        return bulk.orders(http, _search(window), cursor)
    return _paged(http, queries.ORDERS, window, cursor, size, _whole)


def events(http: Admin, window: Window, cursor: Any, size: int = FOLLOWED_SIZE) -> Iterator[Page]:
    """Orders changed in the window, in order of change, with nothing but their fulfilments' events."""
    return _paged(http, queries.FOLLOWED, window, cursor, size, _whole_events)


def count(http: Admin, window: Window) -> int:
    """How many orders changed in a window."""
    found = http.ask(queries.COUNT, msgspec.json.decode, query=_search(window))
    return int(found["ordersCount"]["count"])


def _paged(
    http: Admin, query: str, window: Window, cursor: Any, size: int, whole: Callable[[Admin, bytes], bytes]
) -> Iterator[Page]:
    after = (cursor or {}).get("after")
    search = _search(window)
    while True:
        try:
            found = http.ask(query, _FOUND.decode, first=size, after=after, query=search).orders
        except TooDearError as error:
            if size == 1:
                raise SourceError(f"{VENDOR}: a query for a single order is too dear ({error})") from None
            size //= 2
            continue
        after = found.pageInfo.endCursor or after
        yield Page([whole(http, bytes(one)) for one in found.nodes], {"after": after})
        if not found.pageInfo.hasNextPage:
            return


def _whole(http: Admin, record: bytes) -> bytes:
    """An order with all of its lists to their ends."""
    if _ORDER.decode(record).is_whole:
        return record
    order = msgspec.json.decode(record)
    own = order["id"]
    for name, most in (("fulfillments", queries.FULFILLMENTS), ("refunds", queries.REFUNDS)):
        if len(order[name]) >= most:
            order[name] = _node(http, name, own)[name]
    _complete(http, order, "lineItems")
    _complete(http, order, "returns")
    for one in order["returns"]["nodes"]:
        _complete(http, one, "returnLineItems")
    return msgspec.json.encode(order)


def _whole_events(http: Admin, record: bytes) -> bytes:
    if _FOLLOWED.decode(record).is_whole:
        return record
    order = msgspec.json.decode(record)
    if len(order["fulfillments"]) >= queries.FOLLOWED_FULFILLMENTS:
        order["fulfillments"] = _node(http, "followed", order["id"])["fulfillments"]
    for one in order["fulfillments"]:
        _complete(http, one, "events")
    return msgspec.json.encode(order)


def _complete(http: Admin, owner: dict[str, Any], name: str) -> None:
    own = owner[name]
    while own["pageInfo"]["hasNextPage"]:
        more = _node(http, name, owner["id"], after=own["pageInfo"]["endCursor"])[name]
        own["nodes"] += more["nodes"]
        own["pageInfo"] = more["pageInfo"]


def _node(http: Admin, name: str, own: str, **more: Any) -> Any:
    found = http.ask(queries.MORE[name], msgspec.json.decode, id=own, **more)["node"]
    if found is None:
        raise SourceError(f"{VENDOR} gave a page of a record that it does not know ({own})")
    return found


def _search(window: Window) -> str:
    bounds = ((">=", window.since), ("<", window.until))
    return " AND ".join(f"updated_at:{sign}'{_text(moment)}'" for sign, moment in bounds if moment is not None)


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
