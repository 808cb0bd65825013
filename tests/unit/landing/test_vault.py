"""The vault: nothing in clear on disk, whole or absent, unreadable once touched, and forgetful on request."""

from __future__ import annotations

import random
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.domain.errors import SettingsError, StorageError
from pipelines.landing import keys, sealed, tokens
from pipelines.landing.vault import RejectedLine, Vault, VaultRecord

KEYS = keys.Keys(bytes(range(32)), bytes(range(32, 64)), "test0000")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def make(tmp_path: Path, at: datetime = NOON, with_keys: keys.Keys = KEYS) -> Vault:
    return Vault(tmp_path, with_keys, clock=lambda: at)


def record(number: int, text: str = "where is my order", customer: str | None = None) -> VaultRecord:
    return VaultRecord(f"T{number}", customer or f"token{number}", {"body": f"{text} {number}\nsecond line é🙂"})


def files(tmp_path: Path) -> list[Path]:
    return sorted(path for path in (tmp_path / "vault").rglob("*") if path.is_file())


def test_records_and_lines_come_back_as_they_were(tmp_path: Path) -> None:
    vault = make(tmp_path)
    given = [record(1), VaultRecord("T2", None, {"subject": "a", "body": "b\r\n\x00c"})]
    lines = [RejectedLine("in.csv", 17, 'x;"y'), RejectedLine("in.csv", None, "z\nz")]
    assert vault.store_records("desk", "tickets", "b1", given) == 2
    assert vault.store_lines("desk", "b1", lines) == 2
    assert list(vault.read_records("desk", "tickets")) == [("b1", one) for one in given]
    assert list(vault.read_lines("desk")) == [("b1", one) for one in lines]
    assert list(vault.read_records("desk", "returns")) == []


def test_nothing_is_in_clear_and_nobody_else_may_read(tmp_path: Path) -> None:
    make(tmp_path).store_records("desk", "tickets", "b1", [record(1, "ada@example.com")])
    make(tmp_path).store_lines("desk", "b1", [RejectedLine("in.csv", 0, "ada@example.com")])
    for path in files(tmp_path):
        assert b"ada" not in path.read_bytes() and b"example" not in path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "vault").stat().st_mode) == 0o700


def test_many_frames_in_bounded_pieces(tmp_path: Path) -> None:
    noise = random.Random(1)
    given = [record(number, noise.randbytes(2000).hex()) for number in range(1500)]
    vault = make(tmp_path)
    vault.store_records("desk", "tickets", "b1", iter(given))
    assert [one for _, one in vault.read_records("desk", "tickets")] == given
    assert files(tmp_path)[0].stat().st_size > 2 * sealed.FRAME_BYTES


def test_text_is_compressed(tmp_path: Path) -> None:
    make(tmp_path).store_records("desk", "tickets", "b1", (record(1) for _ in range(20_000)))
    assert files(tmp_path)[0].stat().st_size < 100_000


def test_equal_text_gives_different_files(tmp_path: Path) -> None:
    for batch in ("b1", "b2"):
        make(tmp_path).store_records("desk", "tickets", batch, [record(1)])
    one, other = (path.read_bytes() for path in files(tmp_path))
    assert one[32:] != other[32:]


def test_a_batch_stored_again_is_replaced_and_keeps_its_day(tmp_path: Path) -> None:
    make(tmp_path).store_records("desk", "tickets", "b1", [record(1), record(2)])
    make(tmp_path, NOON + timedelta(days=3)).store_records("desk", "tickets", "b1", [record(2)])
    assert [one.record_key for _, one in make(tmp_path).read_records("desk", "tickets")] == ["T2"]
    assert [path.parent.name for path in files(tmp_path)] == ["day=2026-01-31"]
    make(tmp_path).store_records("desk", "tickets", "b1", [])
    assert files(tmp_path) == []


def test_records_without_text_are_left_out(tmp_path: Path) -> None:
    assert make(tmp_path).store_records("desk", "tickets", "b1", [VaultRecord("T1", None, {"body": "  "})]) == 0
    assert files(tmp_path) == []


def test_interrupted_write_leaves_what_was_there(tmp_path: Path) -> None:
    vault = make(tmp_path)
    vault.store_records("desk", "tickets", "b1", [record(1)])

    def broken() -> Iterator[VaultRecord]:
        yield record(2)
        raise RuntimeError("source went away")

    with pytest.raises(RuntimeError):
        vault.store_records("desk", "tickets", "b1", broken())
    assert [one.record_key for _, one in vault.read_records("desk", "tickets")] == ["T1"]
    assert len(files(tmp_path)) == 1


def test_full_disk_is_one_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sealed.os, "fsync", full)
    with pytest.raises(StorageError, match=r"vault cannot be written .No space left"):
        make(tmp_path).store_records("desk", "tickets", "b1", [record(1)])
    assert files(tmp_path) == []


def damage(content: bytes) -> list[bytes]:
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    salt = content[:20] + bytes([content[20] ^ 1]) + content[21:]
    return [flipped, salt, content[:-1], content[:32], content[:10], b"", content + b"x", b"x" + content]


@pytest.mark.parametrize("which", range(8))
def test_damage_is_noticed(tmp_path: Path, which: int) -> None:
    vault = make(tmp_path)
    vault.store_records("desk", "tickets", "b1", [record(1)])
    (path,) = files(tmp_path)
    path.write_bytes(damage(path.read_bytes())[which])
    with pytest.raises(StorageError, match=r"b1\.sealed: .*restore it from your backup or delete it"):
        list(vault.read_records("desk", "tickets"))


def test_frames_cannot_be_cut_off_or_swapped(tmp_path: Path) -> None:
    path, lines = tmp_path / "x.sealed", [bytes([65 + number]) * sealed.FRAME_BYTES for number in range(3)]
    sealed.write(path, "a/b/c", KEYS, lines)
    content = path.read_bytes()
    frames, rest = [], content[32:]
    while rest:
        end = 4 + int.from_bytes(rest[:4], "big")
        frames.append(rest[:end])
        rest = rest[end:]
    assert len(frames) == 3
    for kept in (frames[:2], [frames[1], frames[0], frames[2]], [frames[0], frames[2]], frames + frames[2:]):
        path.write_bytes(content[:32] + b"".join(kept))
        with pytest.raises(StorageError, match="altered"):
            list(sealed.read(path, "a/b/c", KEYS))


def test_a_file_moved_to_another_batch_is_noticed(tmp_path: Path) -> None:
    vault = make(tmp_path)
    vault.store_records("desk", "tickets", "b1", [record(1)])
    (path,) = files(tmp_path)
    path.rename(path.with_name("b2.sealed"))
    with pytest.raises(StorageError, match="altered"):
        list(vault.read_records("desk", "tickets"))


def test_another_key_is_named(tmp_path: Path) -> None:
    make(tmp_path).store_records("desk", "tickets", "b1", [record(1)])
    other = keys.generate()
    with pytest.raises(SettingsError, match=f"key test0000, .* holds {other.key_id}"):
        list(make(tmp_path, with_keys=other).read_records("desk", "tickets"))


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "a b"])
def test_names_cannot_leave_the_vault(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="vault path"):
        make(tmp_path).store_records(name, "tickets", "b1", [record(1)])
    with pytest.raises(ValueError, match="vault path"):
        make(tmp_path).store_records("desk", "tickets", name, [record(1)])


def test_days_expire_once_they_are_wholly_past(tmp_path: Path) -> None:
    for age in range(4):
        make(tmp_path, NOON - timedelta(days=age)).store_records("desk", "tickets", f"b{age}", [record(age)])
    vault = make(tmp_path)
    assert vault.expire(NOON - timedelta(days=1)) == 2
    assert [batch for batch, _ in vault.read_records("desk", "tickets")] == ["b1", "b0"]
    assert vault.expire(NOON - timedelta(days=1)) == 0


def test_erasing_takes_the_persons_records_and_whatever_names_them(tmp_path: Path) -> None:
    vault = make(tmp_path)
    person = tokens.token("Ada@Example.com", "email", KEYS)
    phone = tokens.token("+1 415 555 0100", "phone", KEYS)
    customer = tokens.token("C-77", "customer", KEYS)
    assert person and phone and customer
    vault.store_records("desk", "tickets", "b1", [record(1, customer=person), record(2)])
    vault.store_records("desk", "tickets", "b2", [record(3), record(4, "write to <ADA@example.com>.")])
    vault.store_records("desk", "returns", "b3", [record(5, "call +1 (415) 555-0100 please")])
    vault.store_records("desk", "returns", "b4", [record(6, "bada@example.com")])
    vault.store_lines("desk", "b5", [RejectedLine("x", 0, "O1;C-77;?"), RejectedLine("x", 9, "O2;C-78;?")])
    untouched = {path: path.stat().st_mtime_ns for path in files(tmp_path) if path.stem == "b4"}

    erased = vault.erase({person, phone, customer})

    assert (erased.records, erased.lines, erased.files) == (3, 1, 4)
    left = [one.record_key for entity in ("tickets", "returns") for _, one in vault.read_records("desk", entity)]
    assert left == ["T2", "T3", "T6"]
    assert [line.line for _, line in vault.read_lines("desk")] == ["O2;C-78;?"]
    assert {path: path.stat().st_mtime_ns for path in untouched} == untouched
    assert vault.erase({person, phone, customer}).files == 0
