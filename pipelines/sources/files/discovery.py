"""Which files there are: globs, one file, or a folder. Opens none of them."""

from __future__ import annotations

import glob
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pipelines.domain.drops import Drop
from pipelines.domain.errors import SourceError

_COMPRESSED: Final = (".gz", ".gzip", ".zst", ".zstd")
_UNFINISHED: Final = (".part", ".tmp")
_FORMATS: Final = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}


@dataclass(frozen=True, slots=True)
class Discovered:
    """Files of one pattern in natural order (day 2 before day 10), and remarks worth showing."""

    drops: tuple[Drop, ...]
    notes: tuple[str, ...] = ()


def format_of(path: Path) -> str | None:
    """csv, jsonl or parquet by suffix, whatever compression follows it; None for an unknown suffix."""
    name = path.name.lower()
    for suffix in _COMPRESSED:
        name = name.removesuffix(suffix)
    return _FORMATS.get(Path(name).suffix)


def discover(pattern: str, base: Path, setting: str, format_: str | None = None) -> Discovered:
    """Find the files of one pattern (relative to `base`). Hidden files and .part / .tmp are not there yet.

    A pattern with wildcards may match nothing; that is a note. Raises SourceError, naming the setting, for a file or
    folder that is named outright and is not there.
    """
    path = base / Path(pattern).expanduser()
    if not glob.has_magic(str(path)):
        if not path.exists():
            raise SourceError(f"setting '{setting}.path': {path} is not there; correct the path or put the file there")
        found = [path]
    else:
        found = [Path(name) for name in glob.glob(str(path), recursive=True)]  # noqa: PTH207  pathlib's skips links
    files: dict[Path, None] = {}
    for one in found:
        if one.is_dir():
            if not _covers_its_children(path):
                files.update(dict.fromkeys(child for child in one.rglob("*") if child.is_file()))
        else:
            files[one] = None
    usable, unknown = [], 0
    for file in files:
        if _is_unfinished(file, path):
            continue
        if format_ is None and format_of(file) is None:
            unknown += 1
        else:
            usable.append(file)
    return _discovered(usable, unknown, setting, path)


def natural(path: Path) -> list[tuple[int, int, str]]:
    """Sort key that counts as people do: runs of digits are numbers."""
    parts = re.split(r"([0-9]+)", str(path))
    return [(1, int(part), part) if part.isdigit() else (0, 0, part) for part in parts]


def _covers_its_children(pattern: Path) -> bool:
    return "**" in pattern.parts


def _is_unfinished(file: Path, pattern: Path) -> bool:
    hidden = any(part.startswith(".") for part in file.parts[len(_fixed_parts(pattern)) :])
    return hidden or file.name.lower().endswith(_UNFINISHED)


def _fixed_parts(pattern: Path) -> tuple[str, ...]:
    fixed = []
    for part in pattern.parts:
        if glob.has_magic(part):
            break
        fixed.append(part)
    return tuple(fixed)


def _discovered(files: list[Path], unknown: int, setting: str, pattern: Path) -> Discovered:
    drops = []
    for file in sorted(files, key=natural):
        try:
            status = file.stat()
        except FileNotFoundError:  # moved away between listing and looking
            continue
        drops.append(Drop(file, status.st_size, status.st_mtime_ns))
    notes = []
    if unknown:
        notes.append(f"{setting}: {unknown} files under {pattern} have no known suffix; say format = ... to read them")
    if not drops:
        notes.append(f"{setting}: nothing matches {pattern} yet")
    return Discovered(tuple(drops), tuple(notes))
