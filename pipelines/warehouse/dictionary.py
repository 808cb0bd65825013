"""The data dictionary as one page: every published table with its grain, every column with formula, denominator, clock.

Made from the dbt project alone: the models' yml files and docs/columns.md. `wherehouse dictionary` prints it;
docs/data-dictionary.md is that page, and a test keeps the two equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

_BLOCK: Final = re.compile(r"{% docs (\w+) %}\n(.*?)\n{% enddocs %}", re.DOTALL)
_DOC: Final = re.compile(r"\{\{ doc\('(\w+)'\) \}\}")
_HEAD: Final = """# Data dictionary

Every published table and column, made by `wherehouse dictionary > docs/data-dictionary.md` from `dbt_project`.
A rate stands beside its counts; its clock (promise, commitment, estimate) is in its name or its description. Times are
UTC, dates of promises and commitments are local to the destination.
"""


def page(project: Path) -> str:
    """The page. Raises KeyError for a column whose block is missing."""
    blocks = dict(_BLOCK.findall((project / "docs" / "columns.md").read_text(encoding="utf-8")))
    models = sorted(_models(project), key=lambda model: str(model["name"]))
    lines = [_HEAD, *(f"- [{model['name']}](#{model['name']})" for model in models)]
    for model in models:
        lines += ["", f"## {model['name']}", "", " ".join(model["description"].split()), ""]
        lines += ["| column | type | meaning |", "|---|---|---|"]
        lines += [_row(column, blocks) for column in model.get("columns", ())]
    return "\n".join(lines) + "\n"


def _models(project: Path) -> Iterator[dict[str, Any]]:
    import yaml  # type: ignore[import-untyped]

    for folder in ("marts", "outlook"):
        for path in sorted((project / "models" / folder).rglob("*.yml")):
            yield from yaml.safe_load(path.read_text(encoding="utf-8")).get("models") or ()


def _row(column: dict[str, Any], blocks: dict[str, str]) -> str:
    text = _DOC.sub(lambda found: blocks[found.group(1)], str(column.get("description", "")))
    meaning = " ".join(text.split()).replace("|", "\\|")
    return f"| {column['name']} | {column.get('data_type', '')} | {meaning} |"
