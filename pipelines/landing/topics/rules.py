"""The topic of a ticket or review, by rules: compiles the phrase files beside this module to DuckDB SQL.

What lives here: how phrases become regular expressions and in which order they are asked. What does not: the phrases
(`en.toml`, `pt.toml`, `es.toml`, `de.toml`) and the rules' order, topic and confidence (`rules.toml`).
"""

from __future__ import annotations

import functools
import re
import threading
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final

import duckdb

from pipelines.domain.sql import quote_literal
from pipelines.landing.topics.words import weighed_sql

LANGUAGES: Final = ("en", "pt", "es", "de")  # of two languages that match a rule, the first one is its basis
STAGES: Final = ("problem", "request", "remark", "mark", "guess")
DECISION: Final = "_topic"  # column: `language:topic:rule:confidence`, never null
NO_TEXT: Final = "none:other:no_text"
NO_RULE: Final = "none:other:no_rule"
WORDS: Final = "any"  # in place of the language: no rule matched, the words decided
_UNSURE: Final = 0.3  # confidence that a text without any of the phrases is about none of the topics

# What up to two or five words in between stand for in a phrase: texts are folded to words and single spaces.
_GAPS: Final = {
    " ... ": " (?:[a-z0-9]+ ){0,5}",
    " .. ": " (?:[a-z0-9]+ ){0,2}",
    " ?.. ": " ?(?:[a-z0-9]+ ){0,2}",
}
_GAP: Final = re.compile("|".join(re.escape(gap) for gap in _GAPS))


@dataclass(frozen=True, slots=True)
class Topic:
    """A text's topic with confidence (0-1), basis (`language:topic:rule`) and the version of the rules."""

    topic: str
    confidence: float
    basis: str
    rules_version: int


@dataclass(frozen=True, slots=True)
class _Rule:
    name: str
    topic: str
    stage: str
    confidence: float
    patterns: dict[str, str]  # language -> regular expression


def rules_version() -> int:
    """The version that rules.toml states."""
    return int(_read("rules")["version"])


def with_decision(query: str, subject_sql: str, body_sql: str, tags_sql: str) -> str:
    """A query of all columns of `query` and DECISION, from three texts of its columns, each of which may be null.

    Preparing the patterns takes a tenth of a second a query, whatever the number of rows.
    """
    for step in _steps(subject_sql, body_sql, tags_sql, DECISION):
        columns = f"* REPLACE ({step} AS {DECISION})" if DECISION in step else f"*, {step} AS {DECISION}"
        query = f"SELECT {columns} FROM ({query})"  # noqa: S608  made of our own patterns and the caller's SQL
    silent = f"SELECT _place AS place, {DECISION}.text AS text FROM _ruled WHERE {DECISION}.rule = -1"  # noqa: S608
    # Materialised, as everything above would be computed once for each of the two that read it.
    return (
        f"WITH _ruled AS MATERIALIZED (SELECT *, row_number() OVER () AS _place FROM ({query})), "  # noqa: S608
        f"_words AS ({weighed_sql(silent)}) "
        f"SELECT _ruled.* EXCLUDE (_place) REPLACE ({_decision_sql(DECISION, '_words.weighed')} AS {DECISION}) "
        "FROM _ruled LEFT JOIN _words ON _words.place = _ruled._place ORDER BY _place"
    )


def split_sql(decision: str = DECISION) -> dict[str, str]:
    """SQL of the columns topic, topic_confidence (0-1), topic_basis and topic_rules_version from a decision."""
    return {
        "topic": f"split_part({decision}, ':', 2)",
        "topic_confidence": f"split_part({decision}, ':', 4)::DOUBLE",
        "topic_basis": f"regexp_replace({decision}, ':[^:]*$', '')",
        "topic_rules_version": f"{rules_version()}::INTEGER",
    }


def classify(subject: str | None, body: str | None, tags: str | None) -> Topic:
    """The topic of one text, by the same SQL."""
    return classify_all([(subject, body, tags)])[0]


def classify_all(texts: Sequence[tuple[str | None, str | None, str | None]]) -> list[Topic]:
    """The topics of many texts (subject, body, tags), in their order."""
    given = "SELECT unnest($1::STRUCT(subject VARCHAR, body VARCHAR, tags VARCHAR)[], recursive := true)"
    query = f"SELECT {', '.join(split_sql().values())} FROM ({with_decision(given, 'subject', 'body', 'tags')})"  # noqa: S608
    values = [dict(zip(("subject", "body", "tags"), text, strict=True)) for text in texts]
    return [Topic(*row) for row in _scratch().execute(query, [values]).fetchall()]


def _steps(subject: str, body: str, tags: str, name: str) -> list[str]:
    """Expressions to be layered as subqueries, each reading the one before as `name`; the last has the rule.

    Layers, because every pattern reads the folded text: an expression in their place would be computed for each of
    them, and a lambda would prepare all patterns anew for every 2,048 rows.
    """
    limit = int(_read("rules")["body_characters"])
    heading, marks = (_folded_sql(f"coalesce(({text})::VARCHAR, '')") for text in (subject, tags))
    rest = _folded_sql(f"coalesce(left(({body})::VARCHAR, {limit}), '')")
    neutral = quote_literal(_bounded(_any_of(_neutral())))
    plain = {
        part: f"regexp_replace({text}, {neutral}, ' . ', 'g')" for part, text in (("head", heading), ("rest", rest))
    }
    is_silent = f"NOT regexp_matches({name}.head || {name}.rest, '[a-z0-9]')"
    return [
        f"{{'head': {plain['head']}, 'rest': {plain['rest']}, 'marks': {marks}}}",
        f"CASE WHEN {is_silent} THEN {{'head': {name}.marks, 'whole': {name}.marks, 'marks': {name}.marks}} "
        f"ELSE {{'head': {name}.head, 'whole': {name}.head || ' . ' || {name}.rest, 'marks': {name}.marks}} END",
        _rule_sql(name),
    ]


def _rule_sql(name: str) -> str:
    """The place of the first rule that matches, and the text it was found in."""
    head, whole, marks = f"{name}.head", f"{name}.whole", f"{name}.marks"
    asked = (
        *(("problem", whole), ("request", head), ("request", whole), ("remark", whole)),
        *(("mark", marks), ("mark", head), ("guess", whole)),
    )
    branches = " ".join(
        f"WHEN {_matches(text, _any_of(rule.patterns.values()))} THEN {{'rule': {number}, 'text': {text}}}"
        for stage, text in asked
        for number, rule in enumerate(_rules())
        if rule.stage == stage
    )
    return (
        f"CASE WHEN NOT regexp_matches({whole}, '[a-z0-9]') THEN {{'rule': -2, 'text': ''}} {branches} "
        f"ELSE {{'rule': -1, 'text': {whole}}} END"
    )


def _decision_sql(name: str, weighed: str) -> str:
    """The decision, once the rule is known: in whose phrases was it found?"""
    branches = []
    for number, rule in enumerate(_rules()):
        ends = {language: f"'{language}:{rule.topic}:{rule.name}:{rule.confidence}'" for language in rule.patterns}
        *others, last = rule.patterns
        tests = {language: _matches(f"{name}.text", rule.patterns[language]) for language in others}
        which = " ".join(f"WHEN {test} THEN {ends[language]}" for language, test in tests.items())
        branches.append(f"WHEN {number} THEN " + (f"CASE {which} ELSE {ends[last]} END" if which else ends[last]))
    topic, share = (f"split_part({weighed}, ':', {part})" for part in (1, 2))
    words = f"coalesce('{WORDS}:' || {topic} || ':words:' || {share}, '{NO_RULE}:{_UNSURE}')"
    return f"CASE {name}.rule WHEN -2 THEN '{NO_TEXT}:0.0' WHEN -1 THEN {words} {' '.join(branches)} END"


def _folded_sql(text: str) -> str:
    # apostrophes go, so that "haven't" and its typographic form are one word
    letters = f"lower(strip_accents({text}))"
    for old, new in (("'", ""), ("\u2019", ""), ("\u2018", ""), ("`", ""), ("\u00b4", ""), ("\u00df", "ss")):
        letters = f"replace({letters}, {quote_literal(old)}, '{new}')"
    return f"regexp_replace({letters}, '[^a-z0-9.!?]+', ' ', 'g')"


def _matches(text: str, pattern: str) -> str:
    return f"regexp_matches({text}, {quote_literal(_bounded(pattern))})"


def _bounded(pattern: str) -> str:
    return rf"\b(?:{pattern})\b"


def _any_of(patterns: Iterable[str]) -> str:
    return "|".join(patterns)


@functools.cache
def _rules() -> tuple[_Rule, ...]:
    phrases = {language: _compiled(language) for language in LANGUAGES}
    return tuple(
        _Rule(
            name=rule["name"],
            topic=rule["topic"],
            stage=rule["stage"],
            confidence=float(rule["confidence"]),
            patterns={
                language: _any_of(found[rule["name"]]) for language, found in phrases.items() if rule["name"] in found
            },
        )
        for rule in _read("rules")["rules"]
    )


def _neutral() -> list[str]:
    return [phrase for language in LANGUAGES for phrase in _compiled(language)["neutral"]]


@functools.cache
def _compiled(language: str) -> dict[str, list[str]]:
    """Rule name -> regular expressions of one language; `neutral` beside them."""
    data = _read(language)
    lists = {**data["phrases"], "neutral": data["neutral"]["phrases"]}
    return {name: [_expression(phrase, data["words"]) for phrase in phrases] for name, phrases in lists.items()}


def _expression(phrase: str, words: dict[str, str]) -> str:
    text = re.sub(r"\{([a-z]+)\}", lambda match: words[match.group(1)], phrase)
    text = _GAP.sub(lambda match: _GAPS[match.group()], text)
    return re.sub(r"\((?!\?)", "(?:", text)  # groups that capture cost time


@functools.cache
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8"))


class _Local(threading.local):
    connection: duckdb.DuckDBPyConnection | None = None


_LOCAL: Final = _Local()


def _scratch() -> duckdb.DuckDBPyConnection:
    if _LOCAL.connection is None:
        _LOCAL.connection = duckdb.connect(
            config={"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False}
        )
    return _LOCAL.connection
