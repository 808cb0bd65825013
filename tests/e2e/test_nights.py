"""Night after night: what was added up over nights equals what is built at once, and a changed map reaches history."""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from pathlib import Path

import duckdb
import pytest

from tests.e2e.comparing import differences
from tests.e2e.fixtures import LittleShop
from tests.e2e.runs import current, rows

WEEKS_LATER = "2026-03-02T03:30:00Z"  # all weeks of the shop's life are closed by then
A_NIGHT_ON = "2026-03-03T03:30:00Z"
MARK = 1_000_000
PARCELS = "select shipment_id, tracking_number, order_id, week from marts.fct_shipments"
UNSETTLED = "select shipment_id from marts.fct_shipments where not is_settled"  # shipped, says the shop, weeks from now
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


@pytest.fixture(scope="module")
def settled_shop(little_shop: LittleShop, tmp_path_factory: pytest.TempPathFactory) -> LittleShop:
    """The shop weeks later, when nothing moves by itself. Copy it before changing anything."""
    shop = little_shop.copy_to(tmp_path_factory.mktemp("settled_shop"))
    shop.refresh(as_of=WEEKS_LATER).expect()
    return shop


def test_nights_equal_one_build(little_shop: LittleShop, tmp_path: Path) -> None:
    """Three nights of new and changed rows, added one after the other, against --full over the same batches."""
    afresh = little_shop.copy_to(tmp_path)
    afresh.refresh(full=True).expect()
    assert differences(current(little_shop.data_dir), current(afresh.data_dir)) == {}


def test_a_night_touches_only_its_parcels_and_their_weeks(settled_shop: LittleShop, tmp_path: Path) -> None:
    """Every parcel and week is marked before a night: what the night does not speak of keeps the mark."""
    shop = settled_shop.copy_to(tmp_path)
    with duckdb.connect() as connection:
        connection.execute(f"attach '{shop.data_dir / 'marts.duckdb'}' as file")
        connection.execute("use file")
        before = {row[0]: row for row in connection.execute(PARCELS).fetchall()}
        moving = {row[0] for row in connection.execute(UNSETTLED).fetchall()}
        scans = dict(connection.execute("select scan_id, shipment_id from marts.fct_scans").fetchall())
        connection.execute(f"update marts.fct_shipments set scan_count = scan_count + {MARK}")
        connection.execute(f"update marts.carrier_scorecard set entered = entered + {MARK}, open = open + {MARK}")
    shop.world.next_night()
    shop.refresh(as_of=A_NIGHT_ON).expect()

    after = {row[0]: row for row in rows(shop.data_dir, PARCELS)}
    fresh = {
        row[0] for row in rows(shop.data_dir, f"select shipment_id from marts.fct_shipments where scan_count < {MARK}")
    }
    told = shop.world.folder / "drops" / "night-3"
    numbers, orders, moved = _spoken_of(told)
    news = (
        moving
        | {
            parcel
            for parcel, number, order, _ in [*before.values(), *after.values()]
            if number in numbers or order in orders
        }
        | {scans[scan] for scan in moved if scan in scans}
    )
    assert fresh == news & after.keys()
    assert len(moving) < 10
    assert 0 < len(fresh) < 0.6 * len(after)
    weeks = {row[0] for row in rows(shop.data_dir, f"select week from marts.carrier_scorecard where entered < {MARK}")}
    held = {found[parcel][3] for found in (before, after) for parcel in news if parcel in found}
    assert weeks == held & {row[3] for row in after.values()} - {None}


def _spoken_of(night: Path) -> tuple[set[str], set[str], set[str]]:
    """Tracking numbers, orders and scans of one night's files."""

    def column(name: str, table: str) -> set[str]:
        with (night / f"{table}.csv").open(newline="") as file:
            return {row[name] for row in csv.DictReader(file) if row[name]}

    numbers = set().union(*(column("tracking_number", table) for table in ("scans", "shipments", "charges")))
    return numbers, column("order_id", "orders"), column("scan_id", "scans")


def test_a_code_added_to_the_map_reaches_history(settled_shop: LittleShop, tmp_path: Path) -> None:
    """Scans of weeks long closed get the new meaning; every count that changes there stands in ops.restatements."""
    shop = settled_shop.copy_to(tmp_path)
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
