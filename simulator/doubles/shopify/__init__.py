"""Shopify's Admin GraphQL API: orders and all that hangs on them, query costs, and the bulk operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec
import numpy as np

from simulator.doubles.answers import Answer, Call, hexadecimal, moment, pack_cursor, unpack_cursor, zulu
from simulator.doubles.limits import Bucket
from simulator.doubles.shelf import Mask
from simulator.doubles.shopify.bulk import Job, checked, lines, nodes
from simulator.doubles.shopify.language import MOST_A_PAGE, Answerer, Asked, QueryError, cost, read
from simulator.doubles.shopify.records import Orders
from simulator.doubles.shopify.search import where
from simulator.doubles.vendor import UNKNOWN_WORD, Setting

PLANS: Final = {"standard": 100.0, "advanced": 200.0, "plus": 1000.0}  # points a second
BUCKET_SECONDS: Final = 20  # the bucket holds that many seconds' points
DEAREST: Final = 1000  # points a single query may cost
SORTS: Final = {"UPDATED_AT": "updated", "CREATED_AT": "created", "PROCESSED_AT": "created", "ID": "created"}


class Shopify:
    """POST /admin/api/{version}/graphql.json, and the files of bulk operations."""

    name = "shopify"
    key = "shpat_double_shopify_token"

    def __init__(self, setting: Setting) -> None:
        self.setting, self.clock = setting, setting.clock
        rate = PLANS[setting.shopify_plan]
        self.bucket = Bucket(setting.clock, rate * BUCKET_SECONDS, rate)
        self.orders = Orders(setting)
        self.shelf = self.orders.shelf
        self.jobs: list[Job] = []

    def access(self) -> dict[str, str]:
        """The token, for the header X-Shopify-Access-Token."""
        return {"access_token": self.key, "api_version": "2026-10"}

    def refused(self, call: Call) -> Answer | None:
        """Header X-Shopify-Access-Token; files of bulk operations carry their permission in the address."""
        if call.path.startswith("/bulk/"):
            return None
        return None if call.headers.get("x-shopify-access-token") == self.key else self.bad_key()

    def bad_key(self) -> Answer:
        """401."""
        message = "[API] Invalid API key or access token (unrecognized login or wrong password)"
        return Answer(401, {"errors": message})

    def limited(self, wait: float) -> tuple[int, Any]:
        """A 429 of the edge; the API itself answers THROTTLED with 200."""
        return 429, {"errors": "Exceeded 2 calls per second for api client. Reduce request rates to resume service."}

    def answer(self, call: Call) -> Answer:
        """Route a request."""
        if call.path.startswith("/bulk/"):
            return self._file(call)
        parts = call.path.strip("/").split("/")
        if len(parts) != 4 or parts[:2] != ["admin", "api"] or parts[3] != "graphql.json" or call.method != "POST":
            return Answer(404, {"errors": "Not Found"})
        try:
            asked = msgspec.json.decode(call.body)
            text = asked["query"]
        except (msgspec.MsgspecError, KeyError, TypeError):
            return Answer(400, {"errors": {"query": "Required parameter missing or invalid"}})
        try:
            return self._query(text, asked.get("variables") or {}, asked.get("operationName"), call)
        except QueryError as error:
            return Answer(200, {"errors": error.errors})

    def _query(self, text: str, variables: dict[str, Any], name: str | None, call: Call) -> Answer:
        operation = read(text, variables, name)
        price = cost(operation.fields)
        if price > DEAREST:
            message = f"Query cost is {price}, which exceeds the single query max cost limit ({DEAREST})."
            extensions = {"code": "MAX_COST_EXCEEDED", "cost": price, "maxCost": DEAREST}
            raise QueryError([{"message": message, "extensions": extensions}])
        if self.bucket.take(price):
            error = {"message": "Throttled", "extensions": {"code": "THROTTLED"}}
            return Answer(200, {"errors": [error], "extensions": self._extensions(price, None, [])})
        answerer, ignored = Answerer(), list[str]()
        data = {field.key: self._root(field, answerer, call, ignored) for field in operation.fields}
        actual = min(answerer.points, price) if operation.kind == "query" else price
        self.bucket.give_back(price - actual)
        return Answer(200, {"data": data, "extensions": self._extensions(price, actual, ignored)})

    def _extensions(self, price: int, actual: int | None, ignored: list[str]) -> dict[str, Any]:
        status = {
            "maximumAvailable": self.bucket.size,
            "currentlyAvailable": int(self.bucket.available()),
            "restoreRate": self.bucket.rate,
        }
        costs = {"requestedQueryCost": price, "actualQueryCost": actual, "throttleStatus": status}
        warnings = [{"field": name, "message": "Invalid search field for this query.", "code": "invalid_field"}
                    for name in ignored]  # fmt: skip
        search = {"search": [{"path": ["orders"], "warnings": warnings}]} if warnings else {}
        return {"cost": costs} | search

    def _root(self, field: Asked, answerer: Answerer, call: Call, ignored: list[str]) -> Any:
        match field.name:
            case "orders":
                return self._orders(field, answerer, call, ignored)
            case "ordersCount":
                return answerer.object(field.fields, {"count": int(self._where(field, ignored).sum())})
            case "order" | "node":
                return self._node(field, answerer)
            case "currentBulkOperation":
                return self._job(field, self.jobs[-1], call) if self.jobs else None
            case "bulkOperationRunQuery":
                return self._run(field, call)
            case "bulkOperationCancel":
                return self._cancel(field, call)
            case "shop":
                return answerer.object(field.fields, SHOP)
            case _:
                return "QueryRoot"

    def _where(self, field: Asked, ignored: list[str]) -> Mask:
        """Orders that match the query argument and are there."""
        updated = self.shelf.updated(self.clock.as_of_us)
        columns = {"updated": updated, "created": self.shelf.timeline.created}
        mask, unknown = where(field.arguments.get("query") or "", columns, self.orders.names)
        ignored.extend(unknown)
        return np.asarray(mask & (updated >= 0))

    def _orders(self, field: Asked, answerer: Answerer, call: Call, ignored: list[str]) -> Any:
        after = None
        if field.arguments.get("after"):
            after = unpack_cursor(str(field.arguments["after"]))
            if after is None:
                raise QueryError([{"message": "Invalid cursor for current pagination sort."}])
        by = SORTS[field.arguments.get("sortKey") or "PROCESSED_AT"]
        backwards, mask = bool(field.arguments.get("reverse")), self._where(field, ignored)
        now, size = self.clock.as_of_us, field.arguments["first"]
        page = self.shelf.page(now, size, by, backwards, mask, after, call.trouble)
        parcels = any(asked.name == "fulfillments" for asked in nodes(field))
        objects = self.orders.objects(page.rows, page.as_of, page.updated, parcels)
        self._disturb(objects, call)
        keys = page.updated if by == "updated" else self.shelf.timeline.created[page.rows].tolist()
        cursors = [pack_cursor(key, row) for key, row in zip(keys, page.rows, strict=True)]
        return answerer.connection(field, objects, cursors, page.more, after is not None)

    def _disturb(self, objects: list[dict[str, Any]], call: Call) -> None:
        """Faults that change what is said."""
        for place in range(min(call.trouble.records("unknown_enum", 2), len(objects))):
            order = objects[(call.trouble.dice + place * 11) % len(objects)]
            for fulfillment in order["fulfillments"][:1]:
                self.setting.note(
                    self.name, fulfillment["id"], "displayStatus", fulfillment["displayStatus"], UNKNOWN_WORD.upper()
                )
                fulfillment["displayStatus"] = UNKNOWN_WORD.upper()
        if "naive_times" in call.trouble:
            for order in objects:
                for name in ("createdAt", "updatedAt", "processedAt", "cancelledAt"):
                    order[name] = order[name] and order[name].removesuffix("Z")

    def order(self, row: int, at: int) -> dict[str, Any]:
        """The object of one order as it stood at a moment (microseconds)."""
        return self.orders.objects([row], [at], [int(self.shelf.updated(at)[row])])[0]

    def _node(self, field: Asked, answerer: Answerer) -> Any:
        wanted = str(field.arguments.get("id"))
        kind, _, number = wanted.removeprefix("gid://shopify/").partition("/")
        if kind == "BulkOperation":
            jobs = [job for job in self.jobs if job.id == wanted]
            return self._job(field, jobs[0], None) if jobs else None
        row = self.orders.places.get(number, -1) if kind == "Order" else self.orders.parents.get(wanted, -1)
        now = self.clock.as_of_us
        if row < 0 or self.shelf.updated(now)[row] < 0:
            return None
        order = self.order(row, now)
        found = [order, *order["fulfillments"], *order["returns"]]
        return next((answerer.object(field.fields, one) for one in found if one["id"] == wanted), None)

    def _run(self, field: Asked, call: Call) -> Any:
        errors: list[dict[str, Any]] = []
        job: Job | None = None
        running = [old for old in self.jobs if not old.done and not old.cancelled]
        if running:
            message = f"A bulk query operation for this app and shop is already in progress: {running[0].id}."
            errors = [{"field": None, "message": message}]
        else:
            text = str(field.arguments.get("query"))
            try:
                job = Job(len(self.jobs) + 1, text, checked(text), self.clock.as_of_us)
                self.jobs.append(job)
            except QueryError as error:
                errors = [{"field": ["query"], "message": one["message"]} for one in error.errors]
        return self._payload(field, job, errors)

    def _cancel(self, field: Asked, call: Call) -> Any:
        found = [job for job in self.jobs if job.id == field.arguments.get("id")]
        for job in found:
            job.cancelled = not job.done
        missing = [{"field": ["id"], "message": "Bulk operation does not exist"}]
        return self._payload(field, found[0] if found else None, [] if found else missing)

    def _payload(self, field: Asked, job: Job | None, errors: list[dict[str, Any]]) -> Any:
        answer: dict[str, Any] = {}
        for inner in field.fields:
            if inner.name == "bulkOperation":
                answer[inner.key] = self._job(inner, job, None) if job else None
            else:
                answer[inner.key] = [{own.key: error[own.name] for own in inner.fields} for error in errors]
        return answer

    def _job(self, field: Asked, job: Job, call: Call | None) -> Any:
        """A bulk operation as it stands; being asked after it moves it on."""
        if call is not None or field.name == "node":
            job.polls += 1
        if job.done and not job.bytes:
            for line in self._lines(job):
                job.objects += 1
                job.roots += b'"__parentId"' not in line
                job.bytes += len(line)
        status = "CANCELED" if job.cancelled else "COMPLETED" if job.done else "RUNNING" if job.polls else "CREATED"
        value = {
            "__typename": "BulkOperation",
            "id": job.id,
            "status": status,
            "errorCode": None,
            "createdAt": zulu(moment(job.moment)),
            "completedAt": zulu(moment(job.moment)) if job.done else None,
            "objectCount": str(job.objects),
            "rootObjectCount": str(job.roots),
            "fileSize": str(job.bytes) if job.done else None,
            "url": f"{self.base_url}/bulk/{hexadecimal('bulk', job.number)}.jsonl" if job.done and job.bytes else None,
            "partialDataUrl": None,
            "query": job.query,
            "type": "QUERY",
        }
        return Answerer().object(field.fields, value)

    base_url = ""  # set when the server knows its address

    def _file(self, call: Call) -> Answer:
        for job in self.jobs:
            if job.done and call.path == f"/bulk/{hexadecimal('bulk', job.number)}.jsonl":
                return Answer(200, b"".join(self._lines(job)), {}, "application/jsonl")
        return Answer(403, b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", {}, "application/xml")

    def _lines(self, job: Job) -> Iterator[bytes]:
        columns = {"updated": self.shelf.updated(job.moment), "created": self.shelf.timeline.created}
        mask, _ = where(job.root.arguments.get("query") or "", columns, self.orders.names)
        rows = [row for row in mask.nonzero()[0].tolist() if columns["updated"][row] >= 0]
        fields = nodes(job.root)
        parcels = any(asked.name == "fulfillments" for asked in fields)
        for start in range(0, len(rows), MOST_A_PAGE):
            part = rows[start : start + MOST_A_PAGE]
            updated = columns["updated"][part].tolist()
            for order in self.orders.objects(part, [job.moment] * len(part), updated, parcels):
                yield from lines(fields, order, None)


SHOP: Final = {
    "__typename": "Shop",
    "id": "gid://shopify/Shop/1",
    "name": "Field and Fold",
    "myshopifyDomain": "fieldandfold.example.test",
    "currencyCode": "USD",
    "ianaTimezone": "America/New_York",
    "plan": {"publicDisplayName": "Basic", "shopifyPlus": False},
}
