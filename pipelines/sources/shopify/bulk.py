"""Shopify's bulk operation: one query over all orders, answered as a file of JSON lines that is read as it comes in.

What is nested in an order follows it on lines of its own that name their parent; here they are put together again, in
the shape that a page gives them. The file may lie on another host, which gets no token.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import httpx
import msgspec

from pipelines.domain.errors import SourceError
from pipelines.domain.pages import CredentialsError, CursorLostError, Page
from pipelines.sources._http import Http, RefusedError
from pipelines.sources._pace import Pace
from pipelines.sources.shopify import queries
from pipelines.sources.shopify.client import VENDOR, Admin

_PAGE: Final = 250  # orders
_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 15.0  # seconds between two questions whether it is done
_GOING: Final = frozenset({"CREATED", "RUNNING", "CANCELING"})
_LISTS: Final = {  # kind of a nested record -> where it belongs in its parent
    "LineItem": "lineItems",
    "Return": "returns",
    "ReturnLineItem": "returnLineItems",
    "ExchangeLineItem": "exchangeLineItems",
}


class _Line(msgspec.Struct):
    id: str
    parent: str | None = msgspec.field(default=None, name="__parentId")

    @property
    def kind(self) -> str:
        """LineItem of gid://shopify/LineItem/1."""
        return self.id.removeprefix("gid://shopify/").partition("/")[0]


_LINE: Final = msgspec.json.Decoder(_Line)


def orders(http: Admin, search: str, cursor: Any) -> Iterator[Page]:
    """All orders that a search finds. The cursor is the operation and how many of its orders were read."""
    given = int(cursor["given"]) if cursor else 0
    job = _finished(http, cursor["bulk"] if cursor else _start(http, queries.bulk(search)), is_resumed=bool(cursor))
    page: list[bytes] = []
    for number, record in enumerate(_records(http, job), start=1):
        if number > given:
            page.append(record)
        if len(page) == _PAGE:
            yield Page(page, {"bulk": job["id"], "given": number})
            given, page = number, []
    yield Page(page, {"bulk": job["id"], "given": given + len(page)})


def _start(http: Admin, query: str) -> str:
    """The id of our operation. A shop runs one at a time: one that asks the same is ours, another is waited for."""
    while True:
        answer = http.ask(queries.RUN, msgspec.json.decode, query=query)["bulkOperationRunQuery"]
        if answer["bulkOperation"]:
            return str(answer["bulkOperation"]["id"])
        running = http.ask(queries.RUNNING, msgspec.json.decode)["currentBulkOperation"]
        if not running or running["status"] not in _GOING:
            problems = "; ".join(error["message"] for error in answer["userErrors"])
            if running and "already" in problems:
                continue
            raise SourceError(f"{VENDOR} refused a bulk operation: {http.redacted(problems)}")
        if running["query"] == query:
            return str(running["id"])
        http.wait(_LONGEST_WAIT)


def _finished(http: Admin, own: str, *, is_resumed: bool) -> dict[str, Any]:
    wait = _FIRST_WAIT
    while True:
        job: dict[str, Any] | None = http.ask(queries.JOB, msgspec.json.decode, id=own)["node"]
        status = job["status"] if job else "EXPIRED"
        if job and status == "COMPLETED":
            return job
        if status not in _GOING:
            error = CursorLostError if is_resumed else SourceError
            why = f" ({job['errorCode']})" if job and job["errorCode"] else ""
            raise error(f"{VENDOR}: a bulk operation ended as {status}{why}")
        http.wait(wait)
        wait = min(wait * 1.5, _LONGEST_WAIT)


def _records(http: Admin, job: dict[str, Any]) -> Iterator[bytes]:
    if not job["url"]:  # nothing was found
        return
    url = httpx.URL(job["url"])
    with Http(VENDOR, f"{url.scheme}://{url.netloc.decode()}", (), pace=Pace(10, 1.0), **http.more) as files:
        try:
            yield from _joined(files.lines(str(url), _decoded, count=int(job["objectCount"])))
        except (RefusedError, CredentialsError):  # an address is good for a week
            raise CursorLostError(f"{VENDOR}: the file of a bulk operation is gone") from None


def _decoded(line: bytes) -> tuple[_Line, bytes]:
    return _LINE.decode(line), line


def _joined(lines: Iterator[tuple[_Line, bytes]]) -> Iterator[bytes]:
    """Orders with what is nested in them, of lines of which an order's stand together behind it."""
    order: _Node | None = None
    nodes: dict[str, _Node] = {}
    for line, text in lines:
        node = _Node(text, line.kind)
        if line.parent is None:
            if order is not None:
                yield order.json()
            order, nodes = node, {}
        elif line.parent in nodes and line.kind in _LISTS:
            nodes[line.parent].children.setdefault(_LISTS[line.kind], []).append(node)
        else:
            raise SourceError(f"{VENDOR}: a line of a bulk operation stands apart from its parent ({line.parent})")
        nodes[line.id] = node
    if order is not None:
        yield order.json()


class _Node:
    def __init__(self, text: bytes, kind: str) -> None:
        self._text = text
        self.children: dict[str, list[_Node]] = {}

    def json(self) -> bytes:
        """The record with its nested lists as members, each as a page has it."""
        parts = [
            b',"%b":{"nodes":[%b]}' % (name.encode(), b",".join(child.json() for child in children))
            for name, children in self.children.items()
        ]
        return self._text.rstrip()[:-1] + b"".join(parts) + b"}"
