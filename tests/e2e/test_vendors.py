"""Six vendors' doubles over HTTP, in trouble: what is published is what the simulator's own records say.

One world and one refresh. tests/prove has the large one, night after night, with every fault.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from pathlib import Path

from simulator.doubles.book import make_book
from simulator.doubles.faults import Faults
from simulator.doubles.server import serving
from simulator.settings import Request
from tests.e2e import runs
from tests.e2e.vendor_checks import SECRETS, VENDORS, pull, refresh, require_told

REQUEST = Request(seed=23, days=30, orders_per_day=18)
TROUBLE = {
    "rate_limited": {"at": [2], "retry_after": 0.1},
    "rate_limited_bare": {"at": [5]},
    "server_error": {"at": [7], "burst": 2},
    "reset": {"at": [1, 10]},
    "truncated": {"at": [3, 12]},
    "html": {"at": [14]},
    "token_in_error": {"at": [16]},
    "duplicates": {"every": 4, "records": 3},
    "shift": {"every": 6, "records": 2},
}


def test_what_vendors_in_trouble_tell_is_what_is_published(tmp_path: Path) -> None:
    """Pulled in trouble, pulled again later while one refuses its key, built while it refuses it still."""
    book = make_book(REQUEST)
    shop, end = tmp_path / "data", book.until.astimezone(UTC)
    with serving(book, faults=Faults(dict.fromkeys(VENDORS, TROUBLE))) as served:
        said = pull(served, shop, end - timedelta(days=10)).expect(0, 3).text
        served.faults.replace({"easypost": {"expired_key": {"after": 2}}})
        said += pull(served, shop, end).expect(3).text
        served.faults.replace({})
        pull(served, shop, end).expect(0, 3)
        served.faults.replace({"easypost": {"expired_key": {"after": 0}}})
        run = refresh(served, shop, end)
        assert run.code == 3, run.text
        said += run.text
        assert said.count("EasyPost refused the key in EASYPOST_API_KEY (401)") >= 2
        assert "Traceback" not in said and not any(secret in said for secret in SECRETS.values())
        require_told(book, shop, end)
        served.faults.replace({})
        again = pull(served, shop, end).out.splitlines()
        assert len(again) >= len(VENDORS) and all(" 0 rows landed" in line for line in again if "pulled" in line), again
    raw = b"".join(path.read_bytes() for path in (shop / "landing").rglob("*.parquet"))
    assert not any(email.encode() in raw for email in book["tickets"]["email"].unique())
    assert not any(name.encode() in raw for name in book["orders"]["person_name"].unique())
    topics = dict(runs.rows(shop, "select topic, count(*) from marts.fct_tickets group by topic"))
    assert len(topics) > 3 and topics["wismo"] > 5
    known = runs.rows(shop, "select avg((milestone <> 'unknown')::int) from marts.fct_scans")[0][0]
    assert known > 0.99, runs.rows(shop, "select status_code from ops.unmapped_codes")
