from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.domain.deliveries import Delivery
from pipelines.domain.errors import LockedError, SettingsError, StorageError
from pipelines.landing import keys as keys_of
from pipelines.landing.spool import REMEMBERED_SECONDS, Spool, key_of

KEYS = keys_of.generate()


def delivery(number: int) -> Delivery:
    at = datetime(2026, 3, 1, 12, 0, 0, number, tzinfo=UTC)
    return Delivery(
        "tracking", "tracker.updated", f"evt_{number}", at, f'{{"to": "jane{number}@example.com"}}'.encode()
    )


def test_what_is_kept_comes_back_in_order(tmp_path: Path) -> None:
    with Spool(tmp_path, KEYS) as spool:
        spool.append([delivery(1), delivery(2)])
        spool.append([delivery(3)])
        assert spool.waiting() == []  # still appended to
        spool.rotate()
        spool.append([delivery(4)])
        (segment,) = spool.waiting()
        assert spool.read(segment) == [delivery(1), delivery(2), delivery(3)]


def test_nothing_is_readable_without_the_key(tmp_path: Path) -> None:
    with Spool(tmp_path, KEYS) as spool:
        spool.append([delivery(7)])
    raw = b"".join(path.read_bytes() for path in (tmp_path / "spool").iterdir())
    assert b"jane" not in raw and b"evt_" not in raw
    with Spool(tmp_path, keys_of.generate()) as spool, pytest.raises(SettingsError, match="key"):
        spool.read(spool.waiting()[0])


def test_a_half_written_frame_is_not_there_and_those_before_are(tmp_path: Path) -> None:
    with Spool(tmp_path, KEYS) as spool:
        spool.append([delivery(1)])
        size = next((tmp_path / "spool").glob("*.sealed")).stat().st_size
        spool.append([delivery(2)])
    (segment,) = (tmp_path / "spool").glob("*.sealed")
    whole = segment.read_bytes()
    for end in (size, size + 2, size + 5, len(whole) - 1):
        segment.write_bytes(whole[:end])
        with Spool(tmp_path, KEYS) as spool:
            assert spool.read(segment) == [delivery(1)]
    segment.write_bytes(whole[:10])
    with Spool(tmp_path, KEYS) as spool:
        assert spool.read(segment) == []


def test_an_altered_frame_is_an_error(tmp_path: Path) -> None:
    with Spool(tmp_path, KEYS) as spool:
        spool.append([delivery(1)])
    (segment,) = (tmp_path / "spool").glob("*.sealed")
    raw = bytearray(segment.read_bytes())
    raw[-1] ^= 1
    segment.write_bytes(raw)
    with Spool(tmp_path, KEYS) as spool, pytest.raises(StorageError, match="altered"):
        spool.read(segment)


def test_known_are_those_that_wait_and_those_that_landed_lately(tmp_path: Path) -> None:
    with Spool(tmp_path, KEYS) as spool:
        spool.append([delivery(1)])
        spool.rotate()
        spool.append([delivery(2)])
        spool.rotate()
        first, _ = spool.waiting()
        spool.forget(first, spool.read(first))
        assert len(spool.waiting()) == 1
    with Spool(tmp_path, KEYS) as spool:
        assert spool.known() == {key_of("tracking", "evt_1"), key_of("tracking", "evt_2")}
        old = time.time() - REMEMBERED_SECONDS - 60
        os.utime(next((tmp_path / "spool").glob("*.ids")), (old, old))
        assert spool.known() == {key_of("tracking", "evt_2")}


def test_one_receiver_at_a_time(tmp_path: Path) -> None:
    with Spool(tmp_path, KEYS), pytest.raises(LockedError, match="listen"):
        Spool(tmp_path, KEYS)
    Spool(tmp_path, KEYS).close()
