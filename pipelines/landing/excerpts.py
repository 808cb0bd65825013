"""The few records of a text file that did not land, as a small file of their own.

Parsing those again costs nothing; parsing the whole file again to find them costs as much as landing it. They may be
personal data, so the excerpt lives in memory and never on the disk.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipelines.domain.drops import TextShape
from pipelines.landing import lines


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A file with the head of the original and some of its records: number and byte offset of each, in order."""

    path: str
    numbers: Sequence[int]
    offsets: Sequence[int]


@contextmanager
def excerpt(
    file: Path, shape: TextShape, rows: Sequence[int], *, is_json: bool, broken: dict[int, int]
) -> Iterator[Excerpt]:
    """Copy the records of those numbers, taking every line for a record, which the caller has to check.

    Numbers beyond the end of the file are left out.
    """
    descriptor, path = _in_memory()
    try:
        numbers: list[int] = []
        offsets: list[int] = []
        with os.fdopen(descriptor, "wb", closefd=False) as out:
            head: bytes | None = None
            for number, offset, record in lines.locate(
                file, shape, rows, is_json=is_json, broken=broken, is_line_a_record=True
            ):
                if head is None:
                    head = b"" if is_json else _head(file, shape)
                    out.write(head)
                numbers.append(number)
                offsets.append(offset)
                out.write(record + (b"\r\n" if head.endswith(b"\r\n") else b"\n"))
        yield Excerpt(path, numbers, offsets)
    finally:
        os.close(descriptor)
        if not path.startswith("/proc/"):
            Path(path).unlink(missing_ok=True)


def _head(file: Path, shape: TextShape) -> bytes:
    with file.open("rb") as whole:
        return whole.read(lines.head_length(file, shape))


def _in_memory() -> tuple[int, str]:
    if hasattr(os, "memfd_create"):  # Linux
        descriptor = os.memfd_create("excerpt")
        return descriptor, f"/proc/self/fd/{descriptor}"
    return tempfile.mkstemp(prefix="wherehouse-")
