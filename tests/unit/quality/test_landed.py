"""What landed: clean batches pass; a raw address where a token should be, a missing key or a silly time do not."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from pipelines.domain.entities import ENTITIES
from pipelines.quality import landed
from pipelines.quality.landed import Arrival, check_landed, volumes

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
TOKEN = "0123456789abcdef" * 2


def _batch(folder: Path, name: str, rows: list[dict[str, object]]) -> Path:
    """A landed Parquet file of orders with the given values, others null."""
    path = folder / f"{name}.parquet"
    columns = ENTITIES["orders"].columns
    selects = []
    for row in rows:
        values = {"_deleted": False, **row}
        literals = (
            f'cast({"null" if values.get(column) is None else repr(values[column])} as {kind}) as "{column}"'
            for column, kind in columns.items()
        )
        selects.append("select " + ", ".join(literals))
    duckdb.connect().execute(f"copy ({' union all '.join(selects)}) to '{path}' (format parquet)")
    return path


def _order(number: int, **more: object) -> dict[str, object]:
    order = {
        "order_id": f"o{number}",
        "ordered_at": "2026-02-01 10:00:00",
        "customer_token": TOKEN,
        "order_amount": 12.5,
        "destination_postal_prefix": "902",
    }
    return order | more


def _failed(path: Path) -> dict[str, landed.Finding]:
    found = check_landed(ENTITIES["orders"], [Arrival(path, 10, is_new=True)], as_of=AS_OF)
    assert found
    return {one.name: one for one in found if not one.passed}


def test_a_clean_batch_passes(tmp_path: Path):
    assert _failed(_batch(tmp_path, "clean", [_order(number) for number in range(20)])) == {}


@pytest.mark.parametrize(
    ("column", "value", "check", "is_blocking"),
    [
        ("customer_token", "jane@example.com", "customer_token is a token", True),
        ("order_id", None, "order_id not null", True),
        ("order_number", "call jane@example.com", "order_number holds no e-mail address", True),
        ("destination_postal_prefix", "90210-1234", "destination_postal_prefix is a region prefix", True),
        ("ordered_at", "1997-01-01 00:00:00", "ordered_at from 2000-01-01 to 2028-03-02", False),
        ("order_amount", 9_999_999, "order_amount from -1000000 to 1000000", False),
    ],
)
def test_a_bad_batch_fails(tmp_path: Path, column: str, value: object, check: str, is_blocking: bool):
    rows = [_order(number) for number in range(20)]
    rows[3][column] = value

    failed = _failed(_batch(tmp_path, "bad", rows))

    assert list(failed) == [check]
    assert failed[check].is_blocking is is_blocking
    assert failed[check].failures == 1
    assert not any("jane" in example for example in failed[check].examples)


def test_nothing_new_imports_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "great_expectations", None)
    path = tmp_path / "not_there.parquet"

    assert check_landed(ENTITIES["orders"], [Arrival(path, 10, is_new=False)], as_of=AS_OF) == ()


def test_deleted_rows_are_not_looked_at(tmp_path: Path):
    rows = [_order(1), {"order_id": "o2", "_deleted": True}]

    assert _failed(_batch(tmp_path, "snapshot", rows)) == {}


def test_volume_is_held_against_the_arrivals_before(tmp_path: Path):
    path = _batch(tmp_path, "small", [_order(1)])
    usual = [Arrival(None, read, is_new=False) for read in (1000, 1100, 900, 1050)]

    found = check_landed(ENTITIES["orders"], [*usual, Arrival(path, 50, is_new=True)], as_of=AS_OF)
    volume = next(one for one in found if one.name.startswith("volume"))

    assert (volume.passed, volume.is_blocking) == (False, False)
    assert volumes([*usual, Arrival(path, 1025, is_new=True)]) == [1.0]
    assert volumes([*usual[:2], Arrival(path, 50, is_new=True)]) == []  # too few to say what is usual
    assert volumes([*usual, Arrival(path, 50, is_new=True, series="other file")]) == []


def test_the_sample_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(landed, "MOST_ROWS", 10)
    files = [_batch(tmp_path, f"b{index}", [_order(number) for number in range(20)]) for index in range(5)]

    assert len(landed._sample(ENTITIES["orders"], files)) == 10
    assert landed._spread([Path(str(number)) for number in range(100)])[-1] == Path("99")
    assert len(landed._spread([Path(str(number)) for number in range(100)])) == landed.MOST_FILES
