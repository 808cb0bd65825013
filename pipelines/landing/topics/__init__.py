"""What a customer writes about, decided by rules while the text is at hand. Patterns are data, one file a language."""

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
