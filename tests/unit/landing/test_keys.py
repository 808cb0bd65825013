"""The key file: created once, private, and refused with one clear line when it is not what it should be."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from pipelines.domain.errors import SettingsError, StorageError
from pipelines.landing import keys


def test_created_on_first_use_with_private_modes(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "keys.json"
    created = keys.load_or_create(path, {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert [entry.name for entry in path.parent.iterdir()] == ["keys.json"]
    assert len(created.token_key) == len(created.vault_key) == 32
    assert created.token_key != created.vault_key
    assert keys.load_or_create(path, {}) == created


def test_modes_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        keys.load_or_create(tmp_path / "s" / "keys.json", {})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "s" / "keys.json").stat().st_mode) == 0o600


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "keys.json"
    with ProcessPoolExecutor(4, mp_context=get_context("fork")) as pool:
        found = list(pool.map(_key_id, [path] * 16))
    assert len(set(found)) == 1


def _key_id(path: Path) -> str:
    return keys.load_or_create(path, {}).key_id


def test_environment_goes_first_and_creates_nothing(tmp_path: Path) -> None:
    given = keys.generate()
    path = tmp_path / "keys.json"
    assert keys.load_or_create(path, {keys.ENVIRONMENT: keys.dump(given)}) == given
    assert not path.exists()


def test_key_id_tells_keys_apart_and_shows_nothing_of_them() -> None:
    first, second = keys.generate(), keys.generate()
    assert first.key_id != second.key_id
    assert len(first.key_id) == 8
    assert first.key_id not in first.token_key.hex() + first.vault_key.hex()
    assert first.token_key.hex() not in repr(first) and repr(first.token_key) not in repr(first)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys.json"
    keys.load_or_create(path, {})
    path.chmod(mode)
    with pytest.raises(SettingsError, match=r"keys\.json: .*chmod 600"):
        keys.load_or_create(path, {})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not json",
        b"[]",
        b"\xff\xfe",
        json.dumps({"token_key": "ab" * 32}).encode(),
        json.dumps({"token_key": "ab" * 32, "vault_key": "cd" * 31}).encode(),
        json.dumps({"token_key": "ab" * 32, "vault_key": "ab" * 32}).encode(),
        json.dumps({"token_key": "zz" * 32, "vault_key": "cd" * 32}).encode(),
        json.dumps({"token_key": 5, "vault_key": "cd" * 32}).encode(),
    ],
)
def test_malformed_file_is_one_line_without_its_content(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SettingsError, match=r"keys\.json: .*restore it from your backup") as caught:
        keys.load_or_create(path, {})
    assert "\n" not in str(caught.value)
    assert "abab" not in str(caught.value) and "cdcd" not in str(caught.value)
    assert path.read_bytes() == content


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="key file cannot be created"):
        keys.load_or_create(tmp_path / "file" / "keys.json", {})
