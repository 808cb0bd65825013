"""The two secrets of a warehouse: the token key and the vault key. Created on first use, never in the repository.

Nothing else lives here: what tokens are is in `tokens`, what the vault holds is in `vault`. Losing the file loses the
vault's text and the link between old and new tokens; it is the one file to back up apart from the data.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pipelines.domain.errors import SettingsError, StorageError

KEY_BYTES: Final = 32
ENVIRONMENT: Final = "WHEREHOUSE_KEYS"
_FIELDS: Final = ("token_key", "vault_key")


@dataclass(frozen=True, slots=True)
class Keys:
    """Secrets of 32 bytes each. `key_id` is a fingerprint that may be shown, stored and compared."""

    token_key: bytes = field(repr=False)
    vault_key: bytes = field(repr=False)
    key_id: str


def load_or_create(path: Path, environ: Mapping[str, str] | None = None) -> Keys:
    """The keys of the warehouse: from the environment variable WHEREHOUSE_KEYS, else from `path`.

    A missing file is created with mode 0600 (a missing folder with 0700); of two processes that create it at once,
    both get the keys of the one that came first.

    Raises SettingsError when the file is readable by others or does not hold two keys, StorageError when it cannot
    be created.
    """
    given = (os.environ if environ is None else environ).get(ENVIRONMENT)
    if given:
        return _parse(given, f"environment variable {ENVIRONMENT}")
    if not path.exists():
        _create(path)
    return _load(path)


def generate() -> Keys:
    """New random keys, kept nowhere."""
    return _keys(secrets.token_bytes(KEY_BYTES), secrets.token_bytes(KEY_BYTES))


def dump(keys: Keys) -> str:
    """The keys as JSON, the form of the key file and of WHEREHOUSE_KEYS."""
    return json.dumps({"token_key": keys.token_key.hex(), "vault_key": keys.vault_key.hex()})


def _keys(token_key: bytes, vault_key: bytes) -> Keys:
    fingerprint = hashlib.blake2b(token_key + vault_key, digest_size=4, person=b"wherehouse-keys")
    return Keys(token_key, vault_key, fingerprint.hexdigest())


def _create(path: Path) -> None:
    # The content is complete before the name exists, and link() refuses to replace a name: a second process sees
    # either no file or a whole one, and never overwrites the first one's keys.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(dump(generate()) + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    except OSError as error:
        raise StorageError(
            f"{path}: the key file cannot be created ({error.strerror}); "
            f"make its folder writable, set privacy.key_file or set {ENVIRONMENT}"
        ) from None


def _load(path: Path) -> Keys:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise SettingsError(f"{path}: the key file can be read by others (mode {mode:04o}); run chmod 600 on it")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not a key file; restore it from your backup") from None
    except OSError as error:
        raise SettingsError(f"{path}: the key file cannot be read ({error.strerror})") from None
    return _parse(text, str(path))


def _parse(text: str, where: str) -> Keys:
    # No message may quote the content, not even a part of it.
    problem = SettingsError(
        f"{where}: needs a JSON object with token_key and vault_key, each {KEY_BYTES} bytes in hexadecimal; "
        "restore it from your backup"
    )
    try:
        values = json.loads(text)
    except ValueError:
        raise problem from None
    if not isinstance(values, dict):
        raise problem
    found = [_bytes(values.get(name)) for name in _FIELDS]
    if any(len(value) != KEY_BYTES for value in found) or found[0] == found[1]:
        raise problem
    return _keys(*found)


def _bytes(value: object) -> bytes:
    try:
        return bytes.fromhex(value) if isinstance(value, str) else b""
    except ValueError:
        return b""
