"""The yardstick's drops, made once and kept: all days, and the same without the last day."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

TABLES = ("orders", "order_items", "scans", "returns", "tickets")


def make(tools: Path, folder: Path, rows: str, formats: Sequence[str], *, pii: bool) -> Path:
    """Folder of the drops, made by the yardstick's generator unless it is there already."""
    out = folder / (f"{rows}-pii" if pii else rows)
    done = out / ("made-" + "-".join(formats))
    if not done.exists():
        more = [one for one in formats if one != "parquet"]
        command = [sys.executable, str(tools / "gen.py"), "--rows", rows, "--out", str(out)]
        command += ["--formats", ",".join(more)] if more else []
        command += ["--pii"] if pii else []
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        done.touch()
    return out


def days(data: Path) -> list[str]:
    """Arrival days, oldest first."""
    return sorted(path.name for path in (data / "scans").glob("dt=*"))


def link(data: Path, into: Path, upto: str) -> None:
    """Links in `into` to every table's days up to and including `upto`; those already there stay."""
    for table in TABLES:
        (into / table).mkdir(parents=True, exist_ok=True)
        for day in sorted((data / table).glob("dt=*")):
            target = into / table / day.name
            if day.name <= upto and not target.exists():
                target.symlink_to(day.resolve(), target_is_directory=True)
