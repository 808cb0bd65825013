"""Topics of the tickets of many files in one query: preparing the rules costs more than a day's tickets do.

A topic depends on the text alone, so what is kept is text (hashed) -> decision, while the files of a group are landed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import duckdb

from pipelines.domain.drops import DropPlan
from pipelines.domain.entities import ENTITIES
from pipelines.domain.errors import SourceError
from pipelines.landing import engine, topics
from pipelines.landing.rows import DECISIONS, Constants, Rows, text_key

_MOST_FILES: Final = 100
_MOST_BYTES: Final = 64 << 20


class Foresight:
    """Knows which files are still to come, and has the texts of some of them classified already."""

    def __init__(self) -> None:
        self._ahead: list[DropPlan] = []
        self._classified: frozenset[Path] = frozenset()

    def expect(self, plans: Iterable[DropPlan]) -> None:
        """These files will be taken, in this order."""
        self._ahead = [plan for plan in plans if _is_foreseeable(plan)]

    def covers(self, con: duckdb.DuckDBPyConnection, plan: DropPlan, is_new: Callable[[DropPlan], bool]) -> bool:
        """Whether the texts of a file are in the table of decisions, where they may be put now, with others'.

        False for a file that stands alone or whose group cannot be read: then its own query classifies.
        """
        if plan.drop.path in self._classified:
            return True
        place = next((number for number, one in enumerate(self._ahead) if one.drop.path == plan.drop.path), None)
        if place is None:
            return False
        self._ahead = self._ahead[place:]
        group = list(_group(self._ahead, is_new))
        self._ahead = self._ahead[1:]
        selects = {one.drop.path: select for one in group if (select := _texts(one))}
        if len(selects) < 2 or plan.drop.path not in selects:
            return False
        engine.share_subexpressions(con, False)
        try:
            con.execute(f"CREATE OR REPLACE TEMP TABLE {DECISIONS} AS {_query(list(selects.values()))}")
        except duckdb.Error:  # each file says for itself what is wrong with it
            self._ahead = []
            return False
        self._classified = frozenset(selects)
        return True


def _is_foreseeable(plan: DropPlan) -> bool:
    return not plan.lookup_paths and any(ENTITIES[target.entity].derived for target in plan.targets)


def _group(plans: Sequence[DropPlan], is_new: Callable[[DropPlan], bool]) -> Iterator[DropPlan]:
    size = 0
    for plan in plans[:_MOST_FILES]:
        size += plan.drop.size
        if size > _MOST_BYTES:
            return
        if is_new(plan):
            yield plan


def _texts(plan: DropPlan) -> str:
    """SELECT of the texts of a file; empty where they cannot be read like this."""
    try:
        reading = plan.read()
    except (SourceError, OSError):
        return ""
    if reading.shape.is_recoded:
        return ""
    entities = [one for one in reading.entities if ENTITIES[one.entity].derived]
    nobody = Constants("", "", 0)
    return " UNION ALL ".join(Rows(one, nobody).text_select(f"({reading.records_sql})") for one in entities)


def _query(selects: list[str]) -> str:
    texts = f"SELECT DISTINCT subject, body, tags FROM ({' UNION ALL '.join(selects)})"  # noqa: S608
    decided = topics.with_decision(texts, "subject", "body", "tags")
    key = text_key("subject", "body", "tags")
    return f"SELECT {key} AS text_key, {topics.DECISION} AS decision FROM ({decided})"  # noqa: S608
