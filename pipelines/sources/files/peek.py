"""A look at the first bytes of a text file, and at whether a compressed one is whole, before anything reads it."""

from __future__ import annotations

import csv
import json
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO, Final

from pipelines.domain.drops import IncompleteError, TextShape, UnreadableError

PEEK_BYTES: Final = 1 << 18
_RECORDS: Final = 200
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_SKIPPABLE: Final = range(0x184D2A50, 0x184D2A60)
_BOM: Final = "\ufeff"


def compression_of(path: Path) -> str:
    """gzip or zstd by suffix; empty where there is none."""
    return {".gz": "gzip", ".gzip": "gzip", ".zst": "zstd", ".zstd": "zstd"}.get(path.suffix.lower(), "")


def first_bytes(path: Path, compression: str) -> bytes:
    """The first part of the decoded content. Raises UnreadableError, and IncompleteError for a torn archive."""
    with path.open("rb") as file:
        if not compression:
            return file.read(PEEK_BYTES)
        magic = file.read(4)
        file.seek(0)
        if not magic:
            return b""
        if not magic.startswith(_GZIP if compression == "gzip" else _ZSTD):
            raise UnreadableError(f"is named as {compression} but is not; rename it or have it compressed again")
        try:
            if compression == "gzip":
                return zlib.decompressobj(31).decompress(file.read(PEEK_BYTES), PEEK_BYTES)
            require_whole_zstd(file)
            file.seek(0)
            return _zstd_head(file)
        except (zlib.error, OSError):
            raise UnreadableError(f"is damaged {compression} data; have it compressed again") from None


def require_whole_zstd(file: BinaryIO) -> None:
    """Walk the frames without decoding them: DuckDB takes a torn zstd file for a short one.

    Raises IncompleteError where the last frame has no end.
    """
    while head := file.read(4):
        if len(head) < 4:
            raise IncompleteError("ends in the middle of its zstd data")
        magic = struct.unpack("<I", head)[0]
        if magic in _SKIPPABLE:
            _skip(file, struct.unpack("<I", _exactly(file, 4))[0])
        elif head == _ZSTD:
            _skip_frame(file)
        else:
            raise UnreadableError("has something after its zstd data; have it compressed again")


def _skip_frame(file: BinaryIO) -> None:
    descriptor = _exactly(file, 1)[0]
    is_single_segment = bool(descriptor & 0x20)
    dictionary = (0, 1, 2, 4)[descriptor & 3]
    content = (1 if is_single_segment else 0, 2, 4, 8)[descriptor >> 6]
    _exactly(file, (0 if is_single_segment else 1) + dictionary + content)
    is_last = False
    while not is_last:
        block = int.from_bytes(_exactly(file, 3), "little")
        is_last = bool(block & 1)
        is_run_length = (block >> 1) & 3 == 1
        _skip(file, 1 if is_run_length else block >> 3)
    if descriptor & 4:
        _exactly(file, 4)


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise IncompleteError("ends in the middle of its zstd data")
    return data


def _skip(file: BinaryIO, count: int) -> None:
    if count:  # seeking beyond the end is no error: read the last byte
        file.seek(count - 1, 1)
        _exactly(file, 1)


def _zstd_head(file: BinaryIO) -> bytes:
    import pyarrow as pa  # type: ignore[import-untyped]  # only for zstd: 0.2 s that most refreshes need not pay

    with pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd") as stream:
        return bytes(stream.read(PEEK_BYTES))


def csv_header(path: Path, shape: TextShape, names: tuple[str, ...]) -> tuple[str, ...] | None:
    """Column names of a CSV file as its first line (or the settings) have them; None for a file without a byte.

    Raises UnreadableError for an encoding that is not the declared one, or a name that stands twice.
    """
    head = first_bytes(path, shape.compression)
    if not head:
        return None
    if not shape.header:
        return names
    text = _decoded(head, shape.encoding)
    lines = text.split("\n")[shape.skip_lines :]
    rows = csv.reader((line + "\n" for line in lines), delimiter=shape.delimiter, quotechar=shape.quote)
    found = [name.strip() for name in next(rows, [])]
    header = tuple(name or f"column_{number}" for number, name in enumerate(found, 1))
    lowered = [name.lower() for name in header]
    twice = next((name for name in header if lowered.count(name.lower()) > 1), None)
    if twice is not None:
        raise UnreadableError(f"has the column {twice!r} twice; have one renamed")
    return header


def json_keys(path: Path, shape: TextShape) -> tuple[str, ...]:
    """Keys of the first records of a JSONL file. Raises UnreadableError for what is not lines of JSON objects."""
    text = _decoded(first_bytes(path, shape.compression), "utf-8")
    if text.lstrip()[:1] == "[":
        raise UnreadableError("is one JSON array; one JSON object a line is needed (jq -c '.[]' makes that)")
    keys: dict[str, None] = {}
    for line in text.split("\n", _RECORDS)[:_RECORDS]:
        record = _json_object(line)
        if record is not None:
            keys.update(dict.fromkeys(record))
    if text.strip() and not keys and "\n" in text.strip():
        raise UnreadableError('does not look like one JSON object a line; say format = "csv" if it is not JSON')
    return tuple(keys)


def _json_object(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _decoded(head: bytes, encoding: str) -> str:
    """The text of the head: strict about its first line, lenient about the rest, which may be cut anywhere."""
    if encoding == "utf-16":
        return head[: len(head) // 2 * 2].decode("utf-16", "replace").removeprefix(_BOM)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UnreadableError('is UTF-16 text; say encoding = "utf-16" in its settings')
    if encoding == "utf-8":
        try:
            head.split(b"\n", 1)[0].decode("utf-8")
        except UnicodeDecodeError:
            raise UnreadableError(
                'is not UTF-8 text; say encoding = "latin-1" (or cp1252, utf-16) in its settings'
            ) from None
    return head.decode(encoding, "replace").removeprefix(_BOM)
