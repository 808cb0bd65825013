"""Finding records of a text file again by number: where they start, and what they look like as bytes.

Only for rejected rows, so it skips whole blocks of a file by counting line ends. DuckDB counts records; bytes are
counted here, by the same rules: blank lines are no records, a quoted line end does not end one.
"""

from __future__ import annotations

import gzip
import re
from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from pipelines.domain.drops import TextShape

_CHUNK: Final = 1 << 15
_BLANK: Final = (b"\n\n", b"\n\r\n", b"\n ", b"\n\t")  # a line that may be blank: to be looked at
_BOM: Final = b"\xef\xbb\xbf"
_LONGEST: Final = 1 << 26  # bytes of one record; beyond that a quote was never closed


@contextmanager
def open_bytes(path: Path, compression: str) -> Iterator[BinaryIO | gzip.GzipFile]:
    """The decoded bytes of a file, as a stream."""
    if compression == "gzip":
        with gzip.open(path, "rb") as file:
            yield file
    elif compression == "zstd":
        import pyarrow as pa  # type: ignore[import-untyped]  # only for zstd: it is slow to import

        with pa.input_stream(str(path), compression="zstd") as stream:
            yield stream
    else:
        with path.open("rb") as file:
            yield file


def locate(
    path: Path,
    shape: TextShape,
    rows: Collection[int],
    *,
    is_json: bool,
    broken: Mapping[int, int] | None = None,
    is_line_a_record: bool = False,
) -> Iterator[tuple[int, int, bytes]]:
    """(record number, byte offset, bytes of the record) of each wanted record, in order.

    With `is_line_a_record` no blank lines and no quoted line ends are looked for: fast, and to be checked by the
    caller. `broken` are lines of a CSV file that DuckDB could not split (byte offset -> length): no records to it.
    Offsets count decoded bytes from the start of the file.
    """
    wanted = sorted(rows)
    if not wanted:
        return
    walker = _Walker(shape, is_json, dict(broken or {}), is_line_a_record)
    with open_bytes(path, shape.compression) as file:
        yield from walker.walk(file, wanted)


def head_length(path: Path, shape: TextShape) -> int:
    """Bytes before the first record of a CSV file: byte order mark, skipped lines, header."""
    walker = _Walker(shape, False, {}, False)
    with open_bytes(path, shape.compression) as file:
        first = next(walker.walk(file, [1]), None)
    return first[1] if first else 0


class _Walker:
    def __init__(self, shape: TextShape, is_json: bool, broken: dict[int, int], is_line_a_record: bool) -> None:
        self._is_json = is_json
        self._is_line_a_record = is_line_a_record
        self._quote = shape.quote.encode()
        self._broken = broken
        self._broken_starts = sorted(broken)
        self._skip_lines = 0 if is_json else shape.skip_lines
        self._skip_records = 0 if is_json or not shape.header else 1
        delimiter, quote = re.escape(shape.delimiter.encode()), re.escape(self._quote)
        rest = rb"[^" + delimiter + rb"\n]*+"
        field = rb"(?:%b(?:[^%b]|%b%b)*+%b%b|(?!%b)%b)" % (quote, quote, quote, quote, quote, rest, quote, rest)
        self._record = re.compile(field + rb"(?:" + delimiter + field + rb")*+(?:\n|\Z)")

    def walk(self, file: BinaryIO | gzip.GzipFile, wanted: list[int]) -> Iterator[tuple[int, int, bytes]]:
        start, number, at = 0, 0, 0  # offset of the buffer, records before it, index into wanted
        buffer, is_end = file.read(_CHUNK), False
        if buffer.startswith(_BOM):
            start, buffer = 3, buffer[3:]
        while at < len(wanted) and not (is_end and not buffer):
            more = file.read(_CHUNK)
            buffer, is_end = buffer + more, not more
            is_plain = not (self._skip_lines or self._skip_records)
            cut = len(buffer) if is_end else buffer.rfind(b"\n") + 1
            count = self._countable(buffer, cut, start) if is_plain and cut else None
            if count is not None:
                if number + count >= wanted[at]:
                    parts = buffer[:cut].split(b"\n")
                    while at < len(wanted) and (place := wanted[at] - number - 1) < count:
                        offset = start + sum(map(len, parts[:place])) + place
                        yield wanted[at], offset, parts[place].rstrip(b"\r")
                        at += 1
                number, start, buffer = number + count, start + cut, buffer[cut:]
                continue
            position = 0
            while at < len(wanted):
                end = self._end(buffer, position, start, is_end)
                if end is None:
                    break
                if self._counts(buffer, position, end, start):
                    number += 1
                    if number == wanted[at]:
                        yield number, start + position, buffer[position:end].rstrip(b"\r\n")
                        at += 1
                position = end
            start, buffer = start + position, buffer[position:]

    def _countable(self, buffer: bytes, cut: int, start: int) -> int | None:
        """Number of records in a block where every line is one; None where that has to be looked at."""
        first = bisect_left(self._broken_starts, start)
        if first < len(self._broken_starts) and self._broken_starts[first] < start + cut:
            return None
        if not self._is_line_a_record:
            if not self._is_json and self._quote in buffer[:cut]:
                return None
            if buffer[:1].isspace() or any(one in buffer for one in _BLANK):
                return None
        return buffer.count(b"\n", 0, cut) + (cut == len(buffer) and not buffer.endswith(b"\n"))

    def _end(self, buffer: bytes, position: int, start: int, is_end: bool) -> int | None:
        """Where the line or record at a position ends, or None when more bytes are needed to tell."""
        if position >= len(buffer):
            return None
        if (length := self._broken.get(start + position)) is not None:
            end = position + length
            newline = buffer.find(b"\n", end)
            if newline < 0:
                return len(buffer) if is_end else None
            return newline + 1
        newline = buffer.find(b"\n", position) + 1 or (len(buffer) if is_end else 0)
        if self._is_json or self._skip_lines or not newline or self._quote not in buffer[position:newline]:
            return newline or None
        match = self._record.match(buffer, position)
        if match is None or (match.end() == len(buffer) and not buffer.endswith(b"\n") and not is_end):
            return newline if is_end or len(buffer) - position > _LONGEST else None
        return match.end()

    def _counts(self, buffer: bytes, position: int, end: int, start: int) -> bool:
        if self._skip_lines:
            self._skip_lines -= 1
            return False
        if not buffer[position:end].strip(b" \t\r\n" if self._is_json else b"\r\n"):
            return False
        if start + position in self._broken:
            return False
        if self._skip_records:
            self._skip_records -= 1
            return False
        return True
