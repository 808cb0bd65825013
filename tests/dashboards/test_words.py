"""Words, definitions and calendar weeks."""

import re
import tomllib
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from dashboards import words
from dashboards.publication import Publication

SOURCE = Path(words.__file__).parent


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (words.percent(None), "too few"),
        (words.percent(1.0), "100.0%"),
        (words.interval(0.9104, 0.9481), "91.0 to 94.8%"),
        (words.interval(None, None), ""),
        (words.count(1, "parcel"), "1 parcel"),
        (words.count(1204, "parcel"), "1,204 parcels"),
        (words.count(0, "batch", "batches"), "0 batches"),
        (words.ago(timedelta(seconds=-5)), "just now"),
        (words.ago(timedelta(minutes=1)), "1 minute ago"),
        (words.ago(timedelta(hours=47)), "47 hours ago"),
        (words.ago(timedelta(days=9)), "9 days ago"),
        (words.period(date(2025, 12, 29), date(2026, 1, 4)), "29 Dec 2025 to 4 Jan 2026"),
        (words.plain("a\n[b](c) $x$ <i>"), "a \\[b\\]\\(c\\) \\$x\\$ \\<i\\>"),
    ],
)
def test_wording(said, expected):
    assert said == expected


ASKED = re.compile(r'(?:define\(|page\.\w+\("[^"]*", )["\']([a-z_0-9]+)["\']')


def test_every_definition_is_used_and_there_for_whoever_asks(published):
    of_pages = tomllib.loads((SOURCE / "definitions.toml").read_text(encoding="utf-8"))
    of_columns = {row[0] for row in published("select name from ops.dictionary where description <> ''")}
    code = "".join(file.read_text(encoding="utf-8") for file in SOURCE.rglob("*.py"))
    assert [name for name in of_pages if f'"{name}"' not in code and f"'{name}'" not in code] == []
    asked = set(ASKED.findall(code))
    assert len(asked) > 20
    assert asked - set(of_pages) - of_columns == set()


def test_an_older_file_has_no_dictionary(build, publish, visit):
    publish(build("older.duckdb", then="drop table ops.dictionary"))
    page = visit("overview")
    assert not page.exception
    assert page.metric[0].help


def publication(as_of: datetime, zone: str) -> Publication:
    return Publication("run", as_of, as_of, {"time_zone": zone})


@pytest.mark.parametrize(
    ("as_of", "zone", "monday"),
    [
        (datetime(2026, 11, 2, 4, 59), "America/New_York", date(2026, 10, 19)),  # still Sunday there
        (datetime(2026, 11, 2, 5, 0), "America/New_York", date(2026, 10, 26)),
        (datetime(2026, 11, 1, 15, 0), "Asia/Tokyo", date(2026, 10, 26)),
        (datetime(2026, 11, 4, 0, 0), "no such zone", date(2026, 10, 26)),
    ],
)
def test_last_complete_week(as_of, zone, monday):
    assert publication(as_of, zone).last_complete_week == monday


@pytest.mark.parametrize("value", ["", "many", "None"])
def test_thresholds_fall_back(value):
    shop = Publication("run", datetime(2026, 11, 3), datetime(2026, 11, 3), {"thresholds.suppress_under": value})
    assert (shop.suppress_under, shop.grey_under) == (30, 100)
