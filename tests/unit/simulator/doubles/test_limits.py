"""Limits on the wire: how many pass, what a refusal looks like, when it passes again; and who is let in at all."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from simulator.doubles.clock import Clock
from simulator.doubles.limits import Bucket, Window

if TYPE_CHECKING:
    import httpx

    from simulator.doubles.book import Book
    from tests.unit.simulator.doubles.conftest import Opener, Reader

PATHS = {
    "easypost": ("/v2/trackers", {"page_size": 1}),
    "aftership": ("/tracking/2026-07/trackings", {"limit": 1}),
    "loop": ("/api/v1/warehouse/return/list", {"from": "2026-09-01", "paginate": "true", "pageSize": 1}),
    "zendesk": ("/api/v2/incremental/tickets/cursor.json", {"start_time": 1, "per_page": 1}),
    "gorgias": ("/api/tickets", {"limit": 1}),
}


def _ask(reader: Reader, vendor: str) -> httpx.Response:
    path, query = PATHS[vendor]
    return reader.get(vendor, path, **query)


@pytest.mark.parametrize(
    ("vendor", "limit", "seconds"),
    [("easypost", 5, 1), ("aftership", 6, 1), ("loop", 300, 60), ("zendesk", 10, 60), ("gorgias", 40, 20)],
)
def test_so_many_pass_and_no_more(opened: Opener, vendor: str, limit: int, seconds: float) -> None:
    reader = opened(seconds_per_request=0)
    assert [_ask(reader, vendor).status_code for _ in range(limit)] == [200] * limit
    assert _ask(reader, vendor).status_code == 429
    reader.client.post(f"{reader.served.address}/_control/clock", json={"advance": seconds})
    assert _ask(reader, vendor).status_code == 200


def test_limits_run_on_real_time_when_asked_to(opened: Opener) -> None:
    reader = opened(seconds_per_request=None)
    begin = time.monotonic()
    statuses = [_ask(reader, "easypost").status_code for _ in range(7)]
    assert 429 in statuses or time.monotonic() - begin > 1
    time.sleep(1.05)
    assert _ask(reader, "easypost").status_code == 200


def test_refusals_look_as_documented(opened: Opener) -> None:
    reader = opened(seconds_per_request=0)
    for _ in range(10):
        _ask(reader, "zendesk")
    refused = _ask(reader, "zendesk")
    assert int(refused.headers["Retry-After"]) == 60
    for _ in range(5):
        _ask(reader, "easypost")
    refused = _ask(reader, "easypost")
    assert refused.json()["error"]["code"] == "RATE_LIMITED"
    assert "Retry-After" not in refused.headers
    for place in range(6):
        passed = _ask(reader, "aftership")
        assert passed.headers["X-RateLimit-Limit"] == "6"
        assert passed.headers["X-RateLimit-Remaining"] == str(5 - place)
    refused = _ask(reader, "aftership")
    assert refused.json()["meta"] == {
        "code": 429, "type": "TooManyRequests", "message": "You have exceeded the API call rate limit.",
    }  # fmt: skip
    assert 0 <= int(refused.headers["X-RateLimit-Reset"]) - time.time() <= 3
    assert _ask(reader, "gorgias").headers["X-Gorgias-Account-Api-Call-Limit"] == "1/40"
    for _ in range(39):
        _ask(reader, "gorgias")
    refused = _ask(reader, "gorgias")
    assert (refused.status_code, refused.headers["Retry-after"]) == (429, "1")
    assert refused.headers["X-Gorgias-Account-Api-Call-Limit"] == "40/40"


def test_shopify_counts_points_and_answers_throttled_with_200(opened: Opener) -> None:
    reader = opened(seconds_per_request=0)
    query = "{ orders(first: 100) { nodes { id lineItems(first: 5) { nodes { id } } } } }"
    price = 2 + 100 * (1 + 2 + 5)
    first = reader.graphql(query).json()["extensions"]["cost"]
    assert first["requestedQueryCost"] == price
    assert first["throttleStatus"]["maximumAvailable"] == 2000
    assert first["throttleStatus"]["restoreRate"] == 100
    assert first["throttleStatus"]["currentlyAvailable"] == 2000 - first["actualQueryCost"]
    assert 0 < first["actualQueryCost"] < price
    left = 2000 - first["actualQueryCost"]
    while left >= price:
        spent = reader.graphql(query).json()["extensions"]["cost"]
        left -= spent["actualQueryCost"]
        assert spent["throttleStatus"]["currentlyAvailable"] == left
    refused = reader.graphql(query)
    assert refused.status_code == 200
    body = refused.json()
    assert body["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert "data" not in body
    assert body["extensions"]["cost"]["actualQueryCost"] is None
    assert body["extensions"]["cost"]["throttleStatus"]["currentlyAvailable"] == left
    wait = (price - left) / 100
    reader.client.post(f"{reader.served.address}/_control/clock", json={"advance": wait})
    assert "data" in reader.graphql(query).json()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ orders(first: 250) { nodes { id lineItems(first: 50) { nodes { id } } } } }", "MAX_COST_EXCEEDED"),
        ("{ orders(first: 2) { nodes { id nothing } } }", "undefinedField"),
        ("{ orders { nodes { id } } }", "BAD_REQUEST"),
        ("{ orders(first: 2) { nodes { id }", "parseError"),
    ],
)
def test_shopify_refuses_what_it_refuses(reader: Reader, query: str, code: str) -> None:
    answer = reader.graphql(query)
    assert answer.status_code == 200
    assert answer.json()["errors"][0]["extensions"]["code"] == code


@pytest.mark.parametrize("vendor", PATHS)
def test_a_wrong_key_is_refused(reader: Reader, vendor: str) -> None:
    path, query = PATHS[vendor]
    url = reader.access[vendor]["base_url"] + path
    assert reader.client.get(url, params=query).status_code == 401
    headers = {"as-api-key": "no", "X-Authorization": "no"}
    assert reader.client.get(url, params=query, headers=headers, auth=("no", "no")).status_code == 401


def test_a_wrong_token_is_refused_by_shopify(reader: Reader) -> None:
    url = reader.access["shopify"]["base_url"] + "/admin/api/2026-10/graphql.json"
    answer = reader.client.post(url, json={"query": "{ shop { name } }"}, headers={"X-Shopify-Access-Token": "no"})
    assert answer.status_code == 401
    assert isinstance(answer.json()["errors"], str)


def test_a_window_never_lets_more_through_in_any_stretch(book: Book) -> None:
    clock = Clock(book.until, 0.0)
    window, passed = Window(clock, 10, 60.0), []
    for step in range(600):
        clock.advance(0.7 if step % 50 else 13.0)
        if not window.take():
            passed.append(clock.seconds())
    for begin in passed:
        assert sum(begin <= at < begin + 60 for at in passed) <= 10


def test_a_bucket_refills_at_its_rate_and_no_further(book: Book) -> None:
    clock = Clock(book.until, 0.0)
    bucket = Bucket(clock, 100, 10)
    assert bucket.take(100) == 0
    assert bucket.take(30) == pytest.approx(3.0)
    clock.advance(3.0)
    assert bucket.take(30) == 0
    clock.advance(1000)
    assert bucket.available() == 100


def test_requests_are_kept_for_tests(opened: Opener) -> None:
    reader = opened()
    _ask(reader, "gorgias")
    kept: list[dict[str, Any]] = reader.client.get(f"{reader.served.address}/_control/requests").json()["requests"]
    assert [(one["vendor"], one["path"], one["status"]) for one in kept] == [("gorgias", "/api/tickets", 200)]
