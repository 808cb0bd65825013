"""The table and the picture that the benchmark leaves, and the machine they were made on."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import Cost


def write(folder: Path, costs: Mapping[str, Sequence[Cost]], *, rounds: int, same: bool) -> None:
    """Write RESULTS.md and results.svg into `folder`."""
    lines = [
        "# What a refresh costs",
        "",
        "Made by `python -m benchmarks`; CPU seconds of the whole process, medians of "
        f"{rounds} rounds that took turns, everything on. Ratio: within a round, to the limit on these files; of a "
        "full refresh, to the limit plus writing landing.",
        "",
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}, "
        f"DuckDB {version('duckdb')}, dbt {version('dbt-core')}. "
        f"Nights and full build: {'the same rows in every mart' if same else 'DIFFERENT'}.",
        "",
        "| what | CPU s | wall s | MiB | ratio |",
        "|---|--:|--:|--:|--:|",
    ]
    for name, measured in costs.items():
        cpu, wall, mib = (statistics.median(getattr(one, unit) for one in measured) for unit in ("cpu", "wall", "mib"))
        ratio = _ratio(name, costs)
        lines.append(f"| {name} | {cpu:.1f} | {wall:.1f} | {mib:.0f} | {f'{ratio:.2f}' if ratio else ''} |")
    (folder / "RESULTS.md").write_text("\n".join(lines) + "\n")
    (folder / "results.svg").write_text(_picture(costs))


def _picture(costs: Mapping[str, Sequence[Cost]]) -> str:
    """Bars of the median CPU seconds, a tick for each round."""
    longest = max(one.cpu for measured in costs.values() for one in measured)
    height, scale = 26 * len(costs) + 40, 480 / longest
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 820 {height}" width="820" height="{height}" role="img">',
        "<style>text{font:12px system-ui,sans-serif;fill:#1f2937}</style>",
        f'<rect width="820" height="{height}" fill="#fff"/>',
        '<text x="8" y="20">CPU seconds, medians; a tick a round</text>',
    ]
    for number, (name, measured) in enumerate(costs.items()):
        y, median = 34 + 26 * number, statistics.median(one.cpu for one in measured)
        parts.append(f'<text x="8" y="{y + 14}">{name}</text>')
        parts.append(f'<rect x="270" y="{y}" width="{median * scale:.1f}" height="18" fill="#7aa5d2"/>')
        parts += [
            f'<path d="M{270 + one.cpu * scale:.1f} {y - 2}v22" stroke="#12395f" stroke-width="2"/>' for one in measured
        ]
        parts.append(f'<text x="{276 + max(one.cpu for one in measured) * scale:.1f}" y="{y + 14}">{median:.1f}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _ratio(name: str, costs: Mapping[str, Sequence[Cost]]) -> float | None:
    size, form, *what = name.split()
    limit = [one.cpu for one in costs.get(f"{size} {form} limit", ())]
    if what == ["full", "refresh"]:
        limit = [one + written.cpu for one, written in zip(limit, costs[f"{size} writing landing"], strict=True)]
    elif what[:1] != ["peer"]:
        return None
    return statistics.median(own.cpu / base for own, base in zip(costs[name], limit, strict=True))
