"""Groups of a vendor's records: what is as it landed last is left out, at a cost that follows what comes in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from pipelines.domain.entities import TIME, Entity, Field
from pipelines.domain.pages import Cut, Page, Stream
from pipelines.landing import Landing, Manifest
from pipelines.landing.groups import Groups
from pipelines.landing.keys import generate
from pipelines.landing.known import Known

KEYS = generate()
PARCEL = Cut(
    Entity(
        "parcels", "one row per parcel and arrival", ("id",), (Field("id", required=True), Field("state"), Field("at", TIME))
    )
)  # fmt: skip
EVENT = Cut(
    Entity(
        "events", "one row per event", ("parcel", "what"), (Field("parcel", required=True), Field("what", required=True))
    ),
    each=("events",),
    paths={"parcel": "^id"},
)  # fmt: skip
STREAM = Stream("post", "post", "parcels", (PARCEL, EVENT), lambda window, cursor: iter(()))


def parcel(id_: object, state: object = "new", **more: Any) -> bytes:
    return msgspec.json.encode({"id": id_, "state": state, "events": [{"what": f"{state}"}], **more})


def land(data: Path, *records: bytes, stream: Stream = STREAM) -> int:
    with Landing(data, KEYS, shop="acme", memory_limit="1GB", threads=1) as landing:
        return _rows(landing.groups(stream).land(records))


def _rows(outcomes: Sequence[Any]) -> int:
    return sum(one.landed for one in outcomes if one.entity == "parcels")


def states(data: Path) -> list[tuple[str, str]]:
    paths = [str(data / one.path) for one in Manifest(data).accepted("post", "parcels")]
    return duckdb.connect().execute("select id, state from read_parquet($1) order by _seq, _row", [paths]).fetchall()


def test_what_is_as_it_landed_last_is_left_out_whatever_it_was_before(tmp_path: Path) -> None:
    for state, expected in (("a", 1), ("a", 0), ("b", 1), ("a", 1), ("a", 0)):
        assert land(tmp_path, parcel("1", state)) == expected
    assert land(tmp_path, parcel("1", "b"), parcel("1", "a"), parcel("1", "a"), parcel(2, "a")) == 3
    assert states(tmp_path)[-3:] == [("1", "b"), ("1", "a"), ("2", "a")]


def test_looking_costs_what_is_looked_for_not_the_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    land(tmp_path, *(parcel(number) for number in range(50)))
    monkeypatch.setattr(Groups, "_files_of", lambda *_: pytest.fail("history was read"))
    assert land(tmp_path, parcel(7), parcel(99)) == 1


@pytest.mark.parametrize("trouble", ["lost", "damaged", "not noted"])
def test_the_index_is_made_again_from_what_has_landed(
    tmp_path: Path, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    land(tmp_path, parcel(1, "a"))
    (index,) = (tmp_path / "landing" / "known").rglob("*.sqlite")
    if trouble == "not noted":
        monkeypatch.setattr(Known, "add", lambda *_: None)
    land(tmp_path, parcel(1, "b"), parcel("2", "a"))
    monkeypatch.undo()
    if trouble != "not noted":
        for path in index.parent.iterdir():
            path.unlink()
    if trouble == "damaged":
        index.write_bytes(b"nonsense " * 1000)
    assert land(tmp_path, parcel(1, "b"), parcel("2", "a")) == 0
    assert land(tmp_path, parcel(1, "a")) == 1


def test_what_was_retired_may_land_again(tmp_path: Path) -> None:
    land(tmp_path, parcel(1, "a"))
    (batch,) = Manifest(tmp_path).accepted("post", "parcels")
    Manifest(tmp_path).retire(batch.batch_id, "by hand")
    assert land(tmp_path, parcel(1, "a")) == 1 and land(tmp_path, parcel(1, "a")) == 0


def test_what_was_rejected_is_not_rejected_again(tmp_path: Path) -> None:
    odd = (parcel(1, at="never"), parcel(2, events="none"), parcel(None), b'{"id": "\xff", "events": []}')
    with Landing(tmp_path, KEYS, shop="acme", memory_limit="1GB", threads=1) as landing:
        (outcome, _) = landing.groups(STREAM).land([parcel(0), *odd])
        assert (outcome.landed, outcome.quarantined) == (2, 3)
    log = (tmp_path / "landing" / "manifest.jsonl").read_bytes()
    assert land(tmp_path, parcel(0), *odd) == 0
    assert (tmp_path / "landing" / "manifest.jsonl").read_bytes() == log


def test_another_mapping_lands_everything_again_and_the_old_index_goes(tmp_path: Path) -> None:
    land(tmp_path, parcel(1))
    other = Cut(Entity("parcels", "the same", ("id",), (Field("id", required=True),)))
    assert land(tmp_path, parcel(1), stream=Stream("post", "post", "parcels", (other,), STREAM.read)) == 1
    assert len(list((tmp_path / "landing" / "known").rglob("*.sqlite"))) == 1


def test_a_record_is_known_by_members_of_its_own(tmp_path: Path) -> None:
    nested = Cut(Entity("odd", "odd", ("id",), (Field("id", required=True),)), paths={"id": "parcel.id"})
    with pytest.raises(ValueError, match="among its own members"):
        land(tmp_path, stream=Stream("post", "post", "odd", (nested,), STREAM.read))


def test_a_page_read_twice_lands_once(tmp_path: Path) -> None:
    """Pages shift while they are read: the vendor gives the end of one page again at the start of the next."""
    pages = [[parcel(1), parcel(2)], [parcel(2), parcel(3)], [parcel(2), parcel(3)], [parcel(3, "b")]]
    stream = Stream("post", "post", "parcels", (PARCEL, EVENT), lambda window, cursor: (Page(one, 0) for one in pages))
    with Landing(tmp_path, KEYS, shop="acme", memory_limit="1GB", threads=1) as landing:
        assert _rows(list(landing.pull(stream, now=datetime(2026, 3, 1, tzinfo=UTC)))) == 4
    assert [state for _, state in states(tmp_path)] == ["new", "new", "new", "b"]


def test_what_webhooks_brought_in_other_words_is_mended_by_the_next_pull(tmp_path: Path) -> None:
    """They may come late, or say less: what is read after them lands again though it is as it was read before."""
    told = Stream("post", "post", "pushed", (Cut(PARCEL.entity, paths={"id": "number"}),), STREAM.read)
    pages = lambda window, cursor: iter([Page([parcel(1, "new")], 0)])  # noqa: E731
    stream = Stream("post", "post", "parcels", (PARCEL, EVENT), pages, pushed_as=("pushed",))
    rows = []
    for hour in range(1, 5):
        now = datetime(2026, 3, 1, hour, tzinfo=UTC)
        with Landing(tmp_path, KEYS, shop="acme", memory_limit="1GB", threads=1, clock=lambda now=now: now) as landing:
            if hour == 2:
                landing.post("segment", told, [msgspec.json.encode({"number": "1", "state": "older"})])
            else:
                rows.append(_rows(list(landing.pull(stream, now=now))))
    assert rows == [1, 1, 0]
    assert [state for _, state in states(tmp_path)] == ["new", "older", "new"]
