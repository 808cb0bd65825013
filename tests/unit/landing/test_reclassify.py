"""Topics decided anew from the vault: in the same places, only where there is a text, and once."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pipelines.domain.entities import ENTITIES
from pipelines.landing import Manifest, compact, topics
from pipelines.landing.erasure import erase_customer
from pipelines.landing.manifest import Batch
from pipelines.landing.reclassify import Reclassified, reclassify

TICKETS = """
[files.entities.tickets.columns]
ticket_id = "id"
created_at = "at"
email = "mail"
subject = "subject"
tags = "tags"
"""
COLUMNS = "ticket_id, topic, topic_rules_version, _seq, _row"


@pytest.fixture
def source(shop: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Nine files of tickets, landed when rules knew nothing."""
    for day in range(1, 9):
        shop.put(
            f"t{day}.csv", f"id,at,mail,subject,tags\n{day},2024-05-0{day},p{day}@example.com,Where is my order?,\n"
        )
    shop.put(
        "t9.csv", "id,at,mail,subject,tags\n9a,2024-05-09,p9@example.com,,refund\n9b,2024-05-09,,Cancel my order,\n"
    )
    source = shop.source(entities=TICKETS)
    with monkeypatch.context() as old:
        old.setattr(
            topics,
            "with_decision",
            lambda query, *_: f"SELECT *, 'none:other:no_rule:0.3' AS {topics.DECISION} FROM ({query})",
        )
        shop.land(source)
    assert {row[1] for row in shop.rows("tickets", COLUMNS)} == {"other"}
    return source


def _anew(shop: Any, **chosen: str) -> list[Reclassified]:
    def entity_of(batch: Batch) -> Any:
        return ENTITIES[batch.entity]

    return reclassify(shop.data, shop.keys, entity_of, **chosen)


@pytest.mark.parametrize("is_compacted", [False, True])
def test_topics_change_where_there_is_a_text(shop: Any, source: Any, is_compacted: bool) -> None:
    erase_customer(shop.data, shop.keys, email="p3@example.com")
    if is_compacted:
        assert compact(shop.data, Manifest(shop.data), date(2999, 1, 1))
    before = shop.rows("tickets", COLUMNS)
    assert _anew(shop, source="nobody") == []
    assert _anew(shop) == [Reclassified("exports", tickets=10, with_text=8, changed=8)]
    after = shop.rows("tickets", COLUMNS)
    assert [row[2:] for row in after] == [row[2:] for row in before]
    kept = {"3": "other", "9a": "other", "9b": "order_change"}  # 9a has no text in the vault, tags alone are none
    assert {row[0]: row[1] for row in after} == {str(day): "wismo" for day in range(1, 9)} | kept
    files = sorted((shop.data / "landing").rglob("*.parquet"))
    assert _anew(shop)[0].changed == 0
    assert sorted((shop.data / "landing").rglob("*.parquet")) == files
    shop.land(source)
    assert shop.rows("tickets", COLUMNS) == after
