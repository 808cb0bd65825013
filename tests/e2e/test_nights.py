"""Night after night: what was added up over nights equals what is built at once, and a changed map reaches history."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

import duckdb

from tests.e2e.comparing import differences
from tests.e2e.fixtures import LittleShop
from tests.e2e.runs import current, rows

WEEKS_LATER = "2026-03-02T03:30:00Z"  # all weeks of the shop's life are closed by then
UNMAPPED = "select sum(rows) from ops.unmapped_codes"
COUNTS = (
    "entered",
    "due",
    "on_time",
    "delivered",
    "open",
    "ended_otherwise",
    "overdue",
    "exceptions",
    "lost",
    "damaged",
)


def test_nights_equal_one_build(little_shop: LittleShop, tmp_path: Path) -> None:
    """Three nights of new and changed rows, added one after the other, against --full over the same batches."""
    afresh = little_shop.copy_to(tmp_path)
    afresh.refresh(full=True).expect()
    assert differences(current(little_shop.data_dir), current(afresh.data_dir)) == {}


def test_a_code_added_to_the_map_reaches_history(little_shop: LittleShop, tmp_path: Path) -> None:
    """Scans of weeks long closed get the new meaning; every count that changes there stands in ops.restatements."""
    shop = little_shop.copy_to(tmp_path)
    shop.refresh(as_of=WEEKS_LATER).expect()
    before = current(shop.data_dir)
    unknown = rows(
        shop.data_dir, "select count(*) from marts.fct_scans where status_code = '??' and milestone = 'unknown'"
    )[0][0]
    assert unknown > 10
    assert rows(shop.data_dir, f"{UNMAPPED} where status_code = '??'") == [(unknown,)]
    assert rows(shop.data_dir, "select count(*) from ops.restatements where reason = 'mapping changed'") == [(0,)]

    status_map = shop.world.folder / "status_map.csv"
    status_map.write_text(status_map.read_text() + "??,delivered,,\n")
    shop.refresh(as_of=WEEKS_LATER).expect()

    assert rows(shop.data_dir, "select distinct milestone from marts.fct_scans where status_code = '??'") == [
        ("delivered",)
    ]
    assert rows(shop.data_dir, f"{UNMAPPED} where status_code = '??'") == [(None,)]
    assert rows(shop.data_dir, f"{UNMAPPED} where status_code = 'WX'")[0][0] > 0  # mapped for another carrier only
    told = rows(
        shop.data_dir,
        "select week, column_name, key_json, old_value, new_value from ops.restatements "
        "where reason = 'mapping changed' and table_name = 'carrier_scorecard'",
    )
    by_week: dict[tuple[str, str], int] = defaultdict(int)
    for week, column, key, old, new in told:
        assert old != new
        assert {"carrier", "service", "lane"} <= json.loads(key).keys()
        if column in COUNTS:
            by_week[week, column] += (new or 0) - (old or 0)
    assert {key: value for key, value in by_week.items() if value} == _changes(before, current(shop.data_dir))
    assert by_week


def _changes(before: Path, after: Path) -> dict[tuple[str, str], int]:
    """(week, count) -> by how much it changed, from the two published files themselves."""
    found: dict[tuple[str, str], int] = defaultdict(int)
    for path, sign in ((before, -1), (after, 1)):
        with duckdb.connect(str(path), read_only=True) as connection:
            for column in COUNTS:
                query = f"select cast(week as varchar), sum({column}) from marts.carrier_scorecard group by all"
                for week, count in connection.execute(query).fetchall():
                    found[week, column] += sign * int(count)
    return {key: value for key, value in found.items() if value}
