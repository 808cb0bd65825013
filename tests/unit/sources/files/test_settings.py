"""Settings of file sources: what is wrong is named by file and key."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from pipelines.domain.errors import SettingsError
from pipelines.sources.files import FileSource

GOOD = """
type = "files"
[[files]]
path = "orders.csv"
[files.entities.orders.columns]
order_id = "id"
ordered_at = { column = "at", format = "%d/%m/%Y" }
"""


def source(text: str) -> FileSource:
    return FileSource.from_settings("exports", tomllib.loads(text), Path("/etc/shop/wherehouse.toml"))


def error(text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        source(text)
    return str(caught.value)


def test_good_settings_pass() -> None:
    assert source(GOOD).settings.time_zone == "UTC"


COLUMNS = "sources.exports.files[0].entities.orders.columns"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('order_id = "id"', 'order_id = "id"\norderd_at = "x"', (f"{COLUMNS}.orderd_at", "no such field")),
        ("entities.orders", "entities.ordres", ("sources.exports.files[0].entities.ordres", "no such entity")),
        ('order_id = "id"\n', "", (COLUMNS, "cannot do without order_id")),
        ('"%d/%m/%Y" }', '"%d/%m/%Y", unit = "kg" }', (f"{COLUMNS}.ordered_at", "'kg'", "s, ms")),
        ('order_id = "id"', 'order_id = { column = "id", format = "%d" }', (f"{COLUMNS}.order_id", "format")),
        ('order_id = "id"', 'order_id = { column = "id", value = "x" }', (f"{COLUMNS}.order_id", "column and value")),
        ('order_id = "id"', "order_id = {}", (f"{COLUMNS}.order_id", "has none")),
        ('order_id = "id"', "order_id = 7", (f"{COLUMNS}.order_id",)),
        ('path = "orders.csv"', 'path = "orders.csv"\ncolour = 1', ("files[0].colour", "unknown setting")),
        ('path = "orders.csv"', 'path = "o.csv"\nencoding = "klingon"', ("files[0].encoding", "latin-1, cp1252")),
        ('path = "orders.csv"', 'path = "o.csv"\nmode = "replace"', ("files[0].mode", "snapshot")),
        ('path = "orders.csv"', 'path = "o.csv"\nheader = false', ("files[0]", "names")),
        ('type = "files"', 'type = "files"\ntime_zone = "Mars"', ("sources.exports.time_zone", "'Mars'")),
        ('order_id = "id"', 'order_id = { sql = "lower(id" }', (f"{COLUMNS}.order_id", "not an SQL expression")),
        ('order_id = "id"', 'order_id = { sql = "id, 1" }', (f"{COLUMNS}.order_id", "not one SQL expression")),
        ("[files.entities.orders.columns]", '[files.entities.orders]\nkey = ["sku"]\n[files.entities.orders.columns]',
         ("entities.orders.key", "'sku'")),
        ("[files.entities.orders.columns]", '[files.entities.orders]\nwhen = "a ="\n[files.entities.orders.columns]',
         ("entities.orders.when", "not an SQL expression")),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(old: str, new: str, words: tuple[str, ...]) -> None:
    assert old in GOOD
    message = error(GOOD.replace(old, new))
    assert message.startswith("/etc/shop/wherehouse.toml: ")
    for word in words:
        assert word in message


def test_mappings_of_one_entity_are_told_apart() -> None:
    two = GOOD.replace("[files.entities.orders.columns]", "[[files.entities.orders]]\n[files.entities.orders.columns]")
    two += '[[files.entities.orders]]\n[files.entities.orders.columns]\norder_id = "id2"\nordered_at = "at"\n'
    assert [target.label for target in _targets(source(two))] == ["1", "2"]
    message = error(two.replace('ordered_at = "at"', 'orderd = "at"'))
    assert "sources.exports.files[0].entities.orders[1].columns.orderd" in message


def test_where_files_lie_does_not_change_the_mapping_how_they_are_read_does() -> None:
    ids = [_targets(source(text))[0].mapping_id for text in (
        GOOD,
        GOOD.replace("orders.csv", "moved/*.csv"),
        GOOD.replace('"id"', '"number"'),
        GOOD.replace('type = "files"', 'type = "files"\ntime_zone = "Europe/London"'),
        GOOD.replace('path = "orders.csv"', 'path = "orders.csv"\ndelimiter = ";"'),
    )]  # fmt: skip
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4


def _targets(one: FileSource) -> Any:
    from pipelines.domain.drops import Drop

    return one.plan(0, Drop(Path("/x/orders.csv"), 1, 1)).targets
