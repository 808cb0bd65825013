"""The data dictionary page says what the dbt project says."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipelines.warehouse.dictionary import page

REPOSITORY = Path(__file__).resolve().parents[3]
PROJECT = REPOSITORY / "dbt_project"


def test_the_committed_page_is_what_the_project_says() -> None:
    committed = (REPOSITORY / "docs" / "data-dictionary.md").read_text()
    assert committed == page(PROJECT), "run: wherehouse dictionary > docs/data-dictionary.md"


def test_every_published_column_has_a_block_of_its_own() -> None:
    """A description that is not a block would be said twice, and differently."""
    for path in (PROJECT / "models" / "marts").rglob("*.yml"):
        for model in yaml.safe_load(path.read_text()).get("models") or ():
            for column in model["columns"]:
                assert column["description"] == f"{{{{ doc('{column['name']}') }}}}", (model["name"], column["name"])


@pytest.mark.parametrize("word", ["rate", "share"])
def test_every_rate_says_over_what(word: str) -> None:
    """Formula with a denominator, or what it is a bound of."""
    text = page(PROJECT)
    rows = [line for line in text.splitlines() if line.startswith("| ") and f"_{word}" in line.split("|")[1]]
    assert rows
    for row in rows:
        meaning = row.split("|")[3]
        assert any(sign in meaning for sign in ("/", "ound", "minus", "mix", "Posterior", "share", "Share")), row
