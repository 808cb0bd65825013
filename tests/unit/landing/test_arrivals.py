"""What arrives again: the same, changed, changed back, under another mapping, as a snapshot."""

from __future__ import annotations

from typing import Any

from pipelines.landing import Manifest

HEAD = "id,at,total,email,promised\n"
ENTITIES = '[files.entities.orders.columns]\norder_id = "id"\nordered_at = "at"\norder_amount = "total"\n'
SNAPSHOT = 'path = "drops/*"\nmode = "snapshot"'


def orders(**totals: int) -> str:
    return HEAD + "".join(f"{name},2024-05-01,{total},,\n" for name, total in totals.items())


def latest(shop: Any) -> dict[str, float]:
    return {name: float(total) for name, total in shop.rows("orders", "order_id, order_amount", is_latest=True)}


def test_the_same_content_twice_changes_nothing_even_under_another_name(shop: Any) -> None:
    shop.put("a.csv", orders(x=1))
    assert shop.land_one().outcome == "accepted"
    log = (shop.data / "landing" / "manifest.jsonl").read_bytes()
    (shop.drops / "a.csv").touch()
    assert shop.land_one().outcome == "known"
    shop.put("b.csv", orders(x=1))
    assert [outcome.outcome for outcome in shop.land()] == ["known", "known"]
    assert (shop.data / "landing" / "manifest.jsonl").read_bytes() == log


def test_a_changed_file_wins_and_so_does_one_that_is_changed_back(shop: Any) -> None:
    for total in (1, 2, 1, 2):
        shop.put("a.csv", orders(x=total))
        assert shop.land_one().outcome == "accepted"
        assert latest(shop) == {"x": total}
        assert shop.land_one().outcome == "known"


def test_day_by_day_and_all_at_once_agree(shop: Any, tmp_path: Any) -> None:
    days = {"d2.csv": orders(x=2, y=2), "d10.csv": orders(x=10), "d1.csv": orders(x=1, z=1)}
    for name in ("d1.csv", "d2.csv", "d10.csv"):
        shop.put(name, days[name])
        shop.land()
    one_by_one = shop.rows("orders")
    (tmp_path / "other").mkdir()
    other = type(shop)(tmp_path / "other")
    other.keys = shop.keys
    for name, text in days.items():
        other.put(name, text)
    other.land()
    assert other.rows("orders") == one_by_one
    assert latest(other) == {"x": 10, "y": 2, "z": 1}


def test_another_mapping_takes_the_place_of_the_old_rows_without_changing_who_is_latest(shop: Any) -> None:
    shop.put("d1.csv", orders(x=1, gone=1))
    shop.put("d2.csv", orders(x=2))
    shop.land()
    (shop.drops / "d2.csv").unlink()
    changed = "[files.entities.orders]\nwhen = \"id <> 'gone'\"\n" + ENTITIES
    outcome = shop.land_one(shop.source(entities=changed))
    assert (outcome.outcome, outcome.not_applicable) == ("accepted", 1)
    assert latest(shop) == {"x": 2}
    assert [batch.outcome for batch in Manifest(shop.data).batches()].count("retired") == 1


def test_a_snapshot_retires_what_it_lacks(shop: Any) -> None:
    source = shop.source(SNAPSHOT, ENTITIES)
    shop.put("s1.csv", orders(x=1, y=1, z=1))
    assert shop.land_one(source).retired == 0
    shop.put("s2.csv", orders(x=2, z=1))
    outcome = shop.land(source)[1]
    assert (outcome.read, outcome.landed, outcome.retired) == (2, 2, 1)
    assert latest(shop) == {"x": 2, "z": 1}
    shop.put("s3.csv", orders(y=3, z=1))
    assert shop.land(source)[2].retired == 1
    assert latest(shop) == {"y": 3, "z": 1}


def test_snapshots_all_at_once_are_as_one_by_one(shop: Any) -> None:
    for name, content in (("s1", orders(x=1, y=1)), ("s2", orders(y=1)), ("s10", orders(y=2, w=1))):
        shop.put(f"{name}.csv", content)
    assert [outcome.retired for outcome in shop.land(shop.source(SNAPSHOT, ENTITIES))] == [0, 1, 0]
    assert latest(shop) == {"y": 2, "w": 1}


def test_a_snapshot_may_come_back_to_what_an_earlier_one_said(shop: Any) -> None:
    source = shop.source(SNAPSHOT, ENTITIES)
    for name, content in (("s1", orders(x=1, y=1)), ("s2", orders(x=1)), ("s3", orders(x=1, y=1))):
        shop.put(f"{name}.csv", content)
    shop.land(source)
    assert latest(shop) == {"x": 1, "y": 1}
    assert {outcome.outcome for outcome in shop.land(source)} == {"known"}
    # Moved into an archive that is read as well, an old snapshot is not news.
    (shop.drops / "s1.csv").rename(shop.drops / "s0.csv")
    assert {outcome.outcome for outcome in shop.land(source)} == {"known"}


def test_a_rejected_row_of_a_snapshot_is_not_gone(shop: Any) -> None:
    source = shop.source(SNAPSHOT, ENTITIES)
    shop.put("s1.csv", orders(x=1, y=1, z=1))
    shop.land(source)
    shop.put("s2.csv", orders(x=1, z=1) + "y,bad,1,,\n")
    outcome = shop.land(source)[1]
    assert (outcome.quarantined, outcome.retired) == (1, 0)
    assert latest(shop) == {"x": 1, "y": 1, "z": 1}


def test_a_snapshot_without_rows_is_held(shop: Any) -> None:
    source = shop.source(SNAPSHOT, ENTITIES)
    shop.put("s1.csv", orders(x=1))
    shop.land(source)
    shop.put("s2.csv", HEAD)
    outcome = shop.land(source)[1]
    assert outcome.outcome == "held"
    assert "would retire everything" in outcome.message
    assert latest(shop) == {"x": 1}
