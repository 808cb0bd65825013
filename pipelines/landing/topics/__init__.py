"""What a customer writes about, decided while the text is at hand: by rules, else by its words. Both are data."""

from pipelines.landing.topics.rules import (
    DECISION,
    Topic,
    classify,
    classify_all,
    rules_version,
    split_sql,
    with_decision,
)

__all__ = [
    "DECISION",
    "Topic",
    "classify",
    "classify_all",
    "rules_version",
    "split_sql",
    "with_decision",
]
