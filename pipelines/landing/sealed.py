"""Sealed files: lines of bytes, compressed and encrypted in frames, written whole or not at all.

The format only; which files there are is said in `vault`. A file is a header of 32 bytes (magic, key id, salt) and
frames of up to about 1 MiB of lines: length (4 bytes), then zlib data under AES-256-GCM. Every file has its own key
(HKDF of vault key and salt), so that a frame's number can be its nonce; the last frame is marked in the nonce and the
header and the caller's context are authenticated with each: frames cannot be altered, reordered, cut off or moved to
another file unnoticed.

A file that grows (`Appender`) has the same header and frames, each durable before the next; its end is where a frame is
not whole, as a killed writer leaves it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pipelines.domain.errors import SettingsError, StorageError
from pipelines.landing.keys import Keys

SUFFIX: Final = ".sealed"
FRAME_BYTES: Final = 1 << 20  # of lines, before compression

_MAGIC: Final = b"WHSEAL1\n"
_SALT_BYTES: Final = 16
_HEADER_BYTES: Final = len(_MAGIC) + 8 + _SALT_BYTES
_LENGTH: Final = struct.Struct(">I")
_MORE, _LAST, _GROWING = 0, 1, 2  # kinds of frame
_LEVEL: Final = 3  # zlib: a third of the default's time for a tenth more bytes


def write(path: Path, context: str, keys: Keys, lines: Iterable[bytes]) -> int:
    """Write lines (without line feeds in them) and return how many; without any line no file is written.

    `context` has to be given again on reading. An existing file is replaced. Memory: one frame, or the longest line.

    Raises StorageError when the folder refuses the write; then the path is as it was.
    """
    draft = path.with_name(f".{path.name}.tmp")
    with _refused(path, "written"):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                count = _write(file, context, keys, lines)
                file.flush()
                os.fsync(file.fileno())
            if count:
                draft.replace(path)
                _sync_folder(path.parent)
            return count
        finally:
            draft.unlink(missing_ok=True)


def read(path: Path, context: str, keys: Keys) -> Iterator[bytes]:
    """The lines of a file, one frame in memory at a time.

    Raises SettingsError when the file was written with another key, StorageError when it cannot be read, is damaged
    or was altered; lines of the frames before the damage have been yielded by then.
    """
    with _refused(path, "read"), path.open("rb") as file:
        header = _header(file, path, keys)
        cipher = _cipher(keys, header)
        bound = header + context.encode()
        for number, last, sealed in _frames(file, path):
            try:
                lines = zlib.decompress(cipher.decrypt(_nonce(number, kind=_LAST if last else _MORE), sealed, bound))
            except (InvalidTag, zlib.error):
                raise _damaged(path, number) from None
            yield from lines.split(b"\n")


class Appender:
    """A sealed file that grows by frames. One writer; a new file each time, never one that is there."""

    def __init__(self, path: Path, context: str, keys: Keys) -> None:
        """Create the file. Raises StorageError when the folder refuses it, or it exists."""
        self.path = path
        header = _new_header(keys)
        self._cipher = _cipher(keys, header)
        self._bound = header + context.encode()
        self._number = 0
        self.size = len(header)
        with _refused(path, "written"):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
            self._file.write(header)
            _sync_folder(path.parent)

    def append(self, frame: bytes) -> None:
        """Add a frame; it is on disk when this returns. Raises StorageError; the file takes nothing more then."""
        sealed = self._cipher.encrypt(_nonce(self._number, kind=_GROWING), frame, self._bound)
        with _refused(self.path, "written"):
            self._file.write(_LENGTH.pack(len(sealed)) + sealed)
            self._file.flush()
            os.fdatasync(self._file.fileno())
        self._number += 1
        self.size += _LENGTH.size + len(sealed)

    def close(self) -> None:
        """End the file as it is."""
        self._file.close()


def read_grown(path: Path, context: str, keys: Keys) -> Iterator[bytes]:
    """The frames of a file that `Appender` wrote; one that a killed writer left half written is not there.

    Raises SettingsError when the file was written with another key, StorageError when it was altered.
    """
    with _refused(path, "read"), path.open("rb") as file:
        try:
            header = _header(file, path, keys)
        except StorageError:
            if path.stat().st_size < _HEADER_BYTES:  # killed before anything was in it
                return
            raise
        cipher = _cipher(keys, header)
        bound = header + context.encode()
        number = 0
        while len(prefix := file.read(_LENGTH.size)) == _LENGTH.size:
            (length,) = _LENGTH.unpack(prefix)
            if len(sealed := file.read(length)) < length:
                return
            try:
                yield cipher.decrypt(_nonce(number, kind=_GROWING), sealed, bound)
            except InvalidTag:
                raise _damaged(path, number) from None
            number += 1


def remove(path: Path) -> None:
    """Remove a file, and its folder when nothing else is in it. Neither needs to exist."""
    path.unlink(missing_ok=True)
    if path.parent.is_dir() and not any(path.parent.iterdir()):
        path.parent.rmdir()


def remove_folder(folder: Path) -> None:
    """Remove a folder with all its files."""
    shutil.rmtree(folder)


def _write(file: BinaryIO, context: str, keys: Keys, lines: Iterable[bytes]) -> int:
    header = _new_header(keys)
    cipher = _cipher(keys, header)
    bound = header + context.encode()
    file.write(header)
    count = number = size = 0
    frame: list[bytes] = []

    def seal(*, last: bool) -> None:
        content = zlib.compress(b"\n".join(frame), _LEVEL)
        sealed = cipher.encrypt(_nonce(number, kind=_LAST if last else _MORE), content, bound)
        file.write(_LENGTH.pack(len(sealed)) + sealed)

    for line in lines:
        if size >= FRAME_BYTES:
            seal(last=False)
            number, size, frame = number + 1, 0, []
        frame.append(line)
        size += len(line)
        count += 1
    seal(last=True)
    return count


def _frames(file: BinaryIO, path: Path) -> Iterator[tuple[int, bool, bytes]]:
    size = path.stat().st_size
    number = 0
    while True:
        prefix = file.read(_LENGTH.size)
        length = _LENGTH.unpack(prefix)[0] if len(prefix) == _LENGTH.size else size
        if file.tell() + length > size:
            raise _damaged(path, number)
        last = file.tell() + length == size
        yield number, last, file.read(length)
        if last:
            return
        number += 1


def _header(file: BinaryIO, path: Path, keys: Keys) -> bytes:
    header = file.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        raise StorageError(f"{path}: is not a vault file or is damaged; restore it from your backup or delete it")
    key_id = header[len(_MAGIC) : -_SALT_BYTES]
    if key_id != keys.key_id.encode("ascii"):
        raise SettingsError(
            f"{path}: was written with key {key_id.decode('ascii', 'replace')}, "
            f"but the key file holds {keys.key_id}; restore the key file that belongs to this data folder"
        )
    return header


def _cipher(keys: Keys, header: bytes) -> AESGCM:
    salt = header[-_SALT_BYTES:]
    return AESGCM(HKDF(SHA256(), 32, salt=salt, info=b"wherehouse vault file").derive(keys.vault_key))


def _nonce(number: int, *, kind: int) -> bytes:
    return number.to_bytes(11, "big") + bytes([kind])


def _new_header(keys: Keys) -> bytes:
    return _MAGIC + keys.key_id.encode("ascii") + secrets.token_bytes(_SALT_BYTES)


@contextmanager
def _refused(path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{path}: the vault cannot be {what} ({error.strerror})") from None


def _damaged(path: Path, number: int) -> StorageError:
    return StorageError(f"{path}: is damaged or was altered (frame {number}); restore it from your backup or delete it")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
