"""One test per fault, on the wire: what a client sees, and that a second look gives what was there all along."""

from __future__ import annotations

import json
import time
import zlib
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pipelines.domain.errors import SettingsError
from simulator.doubles.faults import KINDS, Faults

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.simulator.doubles.conftest import Opener, Reader

FIRST: dict[str, Any] = {"at": [1]}


def _trackers(reader: Reader) -> httpx.Response:
    return reader.get("easypost", "/v2/trackers", page_size=50)


def _fine(reader: Reader) -> None:
    answer = _trackers(reader)
    assert answer.status_code == 200
    assert len(answer.json()["trackers"]) == 50


def test_429_with_retry_after(opened: Opener) -> None:
    reader = opened({"easypost": {"rate_limited": FIRST | {"retry_after": 3}}})
    answer = _trackers(reader)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3")
    assert answer.json()["error"]["code"] == "RATE_LIMITED"
    _fine(reader)


@pytest.mark.parametrize("wrong", [-5, "soon", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_429_with_a_retry_after_that_cannot_be(opened: Opener, wrong: Any) -> None:
    reader = opened({"all": {"rate_limited": FIRST | {"retry_after": wrong}}})
    assert _trackers(reader).headers["Retry-After"] == str(wrong)
    _fine(reader)


def test_429_without_retry_after(opened: Opener) -> None:
    reader = opened({"easypost": {"rate_limited_bare": FIRST}})
    answer = _trackers(reader)
    assert answer.status_code == 429
    assert "Retry-After" not in answer.headers
    _fine(reader)


def test_burst_of_5xx(opened: Opener) -> None:
    reader = opened({"easypost": {"server_error": FIRST | {"burst": 3}}})
    assert all(500 <= _trackers(reader).status_code < 600 for _ in range(3))
    _fine(reader)


def test_reset_in_the_middle_of_the_body(opened: Opener) -> None:
    reader = opened({"easypost": {"reset": FIRST}})
    got = b""
    with (
        pytest.raises(httpx.ReadError),
        reader.client.stream(
            "GET", reader.served.base_url("easypost") + "/v2/trackers", auth=(reader.access["easypost"]["api_key"], "")
        ) as answer,
    ):
        assert answer.status_code == 200
        for part in answer.iter_bytes():
            got += part
    assert 0 < len(got) < int(answer.headers["Content-Length"])
    _fine(reader)


def test_truncated_json(opened: Opener) -> None:
    reader = opened({"easypost": {"truncated": FIRST}})
    answer = _trackers(reader)
    assert answer.status_code == 200
    assert answer.content.startswith(b'{"trackers":[')
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    _fine(reader)


def test_html_with_200(opened: Opener) -> None:
    reader = opened({"easypost": {"html": FIRST}})
    answer = _trackers(reader)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.content.startswith(b"<!DOCTYPE html>")
    _fine(reader)


def test_slow_answers(opened: Opener) -> None:
    reader = opened({"easypost": {"slow": FIRST | {"seconds": 0.6}}})
    with pytest.raises(httpx.ReadTimeout):
        reader.client.get(reader.served.base_url("easypost") + "/v2/trackers", timeout=0.2)
    begin = time.monotonic()
    _fine(reader)
    assert time.monotonic() - begin < 0.6


def test_a_key_that_expires(opened: Opener) -> None:
    reader = opened({"easypost": {"expired_key": {"after": 2}}})
    assert [_trackers(reader).status_code for _ in range(4)] == [200, 200, 401, 401]


def test_a_redirect_to_another_host(opened: Opener) -> None:
    reader = opened({"easypost": {"redirect": FIRST | {"location": "http://evil.example.test/"}}})
    answer = _trackers(reader)
    assert (answer.status_code, answer.headers["Location"]) == (302, "http://evil.example.test/")
    _fine(reader)


def test_a_token_in_an_error_body(opened: Opener) -> None:
    reader = opened({"aftership": {"token_in_error": FIRST}})
    answer = reader.get("aftership", "/tracking/2026-07/trackings")
    assert answer.status_code == 500
    assert reader.access["aftership"]["api_key"] in answer.text


def test_a_huge_body(opened: Opener) -> None:
    reader = opened({"easypost": {"huge_body": FIRST | {"bytes": 24 * 2**20}}})
    own, size = reader.access["easypost"], 0
    with reader.client.stream("GET", own["base_url"] + "/v2/trackers", auth=(own["api_key"], "")) as answer:
        assert "Content-Length" not in answer.headers
        for part in answer.iter_raw():
            size += len(part)
    assert size > 24 * 2**20


def test_a_huge_body_can_be_left_in_the_middle(opened: Opener) -> None:
    reader = opened({"easypost": {"huge_body": FIRST}})  # 2 GB
    own = reader.access["easypost"]
    with reader.client.stream("GET", own["base_url"] + "/v2/trackers", auth=(own["api_key"], "")) as answer:
        next(answer.iter_raw())
    _fine(reader)


def test_a_gzip_bomb(opened: Opener) -> None:
    reader = opened({"easypost": {"gzip_bomb": FIRST | {"bytes": 64 * 2**20}}})
    own, sent, grown = reader.access["easypost"], 0, 0
    unpack = zlib.decompressobj(31)
    with reader.client.stream("GET", own["base_url"] + "/v2/trackers", auth=(own["api_key"], "")) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        for part in answer.iter_raw():
            sent += len(part)
            if grown < 32 * 2**20:
                grown += len(unpack.decompress(part))
    assert sent < 200_000
    assert grown >= 32 * 2**20


def test_clock_skew(opened: Opener) -> None:
    reader = opened({"easypost": {"clock_skew": FIRST | {"seconds": -7200}}})
    skewed, right = (parsedate_to_datetime(_trackers(reader).headers["Date"]).timestamp() for _ in range(2))
    assert skewed - time.time() == pytest.approx(-7200, abs=5)
    assert right - time.time() == pytest.approx(0, abs=5)


@pytest.mark.parametrize("vendor", ["shopify", "loop", "zendesk", "aftership", "easypost", "gorgias"])
def test_duplicates_across_pages(opened: Opener, vendor: str) -> None:
    clean = opened()
    reader = opened({vendor: {"duplicates": {"rate": 1, "records": 3}}})
    records = reader.all(vendor, 25)
    ids = [record["id"] for record in records]
    assert len(ids) > len(set(ids))
    assert set(ids) == {record["id"] for record in clean.all(vendor, 25)}


@pytest.mark.parametrize("vendor", ["shopify", "zendesk"])
def test_pages_that_shift_under_the_reader(opened: Opener, vendor: str) -> None:
    """Sorted by update, records move from the unread part to the end: read late, never lost."""
    clean = {record["id"]: record for record in opened().all(vendor, 25)}
    reader = opened({vendor: {"shift": {"rate": 1, "records": 2}}})
    records = reader.all(vendor, 25)
    assert {record["id"] for record in records} == set(clean)
    name = "updatedAt" if vendor == "shopify" else "updated_at"
    moved = [record for record in records if record[name] != clean[record["id"]][name]]
    assert moved
    assert records[-1] in moved


def test_lists_by_creation_shift_by_repeating(opened: Opener) -> None:
    clean = opened().all("gorgias", 20)
    records = opened({"gorgias": {"shift": {"rate": 1}}}).all("gorgias", 20)
    assert len(records) > len(clean)
    assert {record["id"] for record in records} == {record["id"] for record in clean}


@pytest.mark.parametrize("vendor", ["shopify", "loop", "zendesk"])
def test_records_edited_after_being_read(opened: Opener, vendor: str) -> None:
    """What is read first may be an older state; it comes again, changed, and in the end all is as without the fault."""

    def last_words(reader: Reader) -> tuple[dict[Any, Any], int]:
        pages = reader.loop(20, "updated_at") if vendor == "loop" else getattr(reader, vendor)(25)
        last: dict[Any, Any] = {}
        changed = 0
        for record in (record for page in pages for record in page):
            bare = {name: value for name, value in record.items() if name not in ("updatedAt", "updated_at", "fields",
                    "generated_timestamp")}  # fmt: skip
            changed += record["id"] in last and last[record["id"]] != bare
            last[record["id"]] = bare
        return last, changed

    clean, _ = last_words(opened())
    reader = opened({vendor: {"edited": {"rate": 0.7, "records": 4}}})
    found, changed = last_words(reader)
    assert changed > 0
    again, _ = last_words(reader)
    found |= again
    if vendor == "zendesk":
        for ticket in [*clean.values(), *found.values()]:
            ticket.pop("url")  # holds the double's own port
    assert found == clean


def test_unknown_enum_values(opened: Opener) -> None:
    kinds = {"unknown_enum": {"rate": 1, "records": 2}}
    reader = opened(dict.fromkeys(("easypost", "aftership", "loop", "zendesk", "gorgias", "shopify"), kinds))
    for vendor in ("easypost", "aftership", "loop", "zendesk", "gorgias", "shopify"):
        assert "not_seen_before" in json.dumps(next(getattr(reader, vendor)(30))).lower(), vendor
    altered = reader.client.get(f"{reader.served.address}/_control/altered").json()["altered"]
    assert {one["vendor"] for one in altered} == set(reader.access)
    assert all(one["true"] != one["sent"] for one in altered)


def test_times_without_offset(opened: Opener) -> None:
    kinds = {"naive_times": {"rate": 1}}
    reader = opened(dict.fromkeys(("easypost", "aftership", "loop", "zendesk", "gorgias", "shopify"), kinds))
    tracker = next(one for one in next(reader.easypost()) if one["tracking_details"])
    assert len(tracker["tracking_details"][0]["datetime"]) == 19
    tracking = next(one for one in next(reader.aftership()) if one["checkpoints"])
    assert len(tracking["checkpoints"][0]["checkpoint_time"]) == 19
    assert len(next(reader.loop())[0]["created_at"]) == 19
    assert len(next(reader.zendesk())[0]["updated_at"]) == 19
    assert len(next(reader.gorgias())[0]["created_datetime"]) == 19
    assert len(next(reader.shopify())[0]["updatedAt"]) == 19


def test_the_schedule_follows_from_the_seed(tmp_path: Path) -> None:
    def struck(seed: int) -> list[int]:
        faults = Faults({"seed": seed, "all": {"reset": {"rate": 0.1}}})
        return [number for number in range(1, 400) if "reset" in faults.draw("loop")]

    assert struck(1) == struck(1) != struck(2)
    assert 20 < len(struck(1)) < 65
    file = tmp_path / "faults.toml"
    file.write_text("seed = 1\n[all.reset]\nrate = 0.1\n")
    faults = Faults.read(file)
    assert [number for number in range(1, 400) if "reset" in faults.draw("loop")] == struck(1)


def test_faults_are_switched_while_running(opened: Opener) -> None:
    reader = opened()
    _fine(reader)
    url = f"{reader.served.address}/_control/faults"
    assert reader.client.put(url, json={"easypost": {"html": {"every": 1}}}).status_code == 200
    assert _trackers(reader).content.startswith(b"<!DOCTYPE")
    assert reader.client.get(url).json()["struck"] == {"easypost": {"html": 1}}
    reader.client.put(url, json={})
    _fine(reader)
    for wrong in ({"easypost": {"nonsense": {}}}, {"easypost": {"html": {"often": 1}}}, {"easypost": {"html": 1}}):
        assert reader.client.put(url, json=wrong).status_code == 400


def test_every_fault_has_a_test_here(request: pytest.FixtureRequest) -> None:
    text = request.path.read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f'"{kind}"' not in text] == []
    with pytest.raises(SettingsError, match="no fault named"):
        Faults({"all": {"nonsense": {}}})
