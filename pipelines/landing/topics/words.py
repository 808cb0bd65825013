"""Where no rule says what a ticket is about: its words, weighed.

What lives here: how weights (`words.csv`, hundredths, one column a topic) are learned from `sentences.toml`, by softmax
regression on which words occur, and the SQL that weighs a text. `python -m pipelines.landing.topics.words` learns anew.
"""

from __future__ import annotations

import csv
import functools
import re
import tomllib
import unicodedata
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np

from pipelines.domain.milestones import TOPICS
from pipelines.domain.sql import quote_literal

LEAST: Final = 0.4  # share of all topics that the likeliest one has to have, else nothing is said
# Words alone say that a delivery is missed or has failed only where something ordered, or its way, is named.
_ABOUT_DELIVERY: Final = ("wismo", "delivery_problem")
_DELIVERY: Final = (
    r"\b(orders?|parcels?|packages?|shipments?|shipp?[a-z]*|deliver[a-z]*|couriers?|carriers?|drivers?|track[a-z]*|box|boxes|"
    r"arriv[a-z]*|pedidos?|paquetes?|envio[a-z]*|entreg[a-z]*|repartidor|encomendas?|pacotes?|rastre[a-z]*|chegou|lleg[a-z]*|"
    r"paket[a-z]*|bestell[a-z]*|liefer[a-z]*|zustell[a-z]*|sendung[a-z]*|versand[a-z]*|bote[n]?)\b"
)
_BIAS: Final = "(bias)"  # the row of what each topic starts with
_WEIGHTS: Final = Path(__file__).with_name("words.csv")
_PENALTY: Final = 1.0
_STEPS: Final = 2_000
_LIGHT: Final = 8  # a word that moves no topic by more than this (hundredths) is left out


def weighed_sql(texts: str) -> str:
    """A query of `place` and `weighed` from one of `place` and `text` (folded).

    `weighed` is `topic:share` of the likeliest topic; null where none reaches LEAST, and where that is `other`.
    """
    bias = _bias()
    sums = ", ".join(f"{start} + sum(w{number}) AS s{number}" for number, start in enumerate(bias))
    scores = ", ".join(f"s{number}" for number in range(len(TOPICS)))
    kinds = ", ".join(f"'w{number}': 'INTEGER'" for number in range(len(TOPICS)))
    form = f"auto_detect = false, header = true, columns = {{'word': 'VARCHAR', {kinds}}}"
    learned = f"read_csv({quote_literal(str(_WEIGHTS))}, {form})"
    # S608: made of our own weights and the caller's SQL
    words = (
        "SELECT DISTINCT place, is_named, unnest(string_split_regex(regexp_replace(text, '[0-9]+', '9', 'g'), '[^a-z0-9]+'))"  # noqa: S608, E501
        f" AS word FROM (SELECT *, regexp_matches(text, {quote_literal(_DELIVERY)}) AS is_named FROM ({texts}))"
    )
    summed = f"SELECT place, is_named, {sums} FROM ({words}) JOIN {learned} USING (word) GROUP BY ALL"  # noqa: S608
    scored = (
        f"SELECT place, is_named, unnest([{_literals(TOPICS)}]) AS topic, unnest([{scores}]) AS score FROM ({summed})"  # noqa: S608
    )
    best = (
        "SELECT place, is_named, max_by(topic, score) AS topic, "  # noqa: S608
        f"exp(max(score) / 100.0) / sum(exp(score / 100.0)) AS share FROM ({scored}) GROUP BY ALL"
    )
    is_said = f"share >= {LEAST} AND topic <> 'other' AND (is_named OR topic NOT IN ({_literals(_ABOUT_DELIVERY)}))"
    return f"SELECT place, CASE WHEN {is_said} THEN topic || ':' || round(share, 2) END AS weighed FROM ({best})"  # noqa: S608


def _literals(values: Iterable[str]) -> str:
    return ", ".join(map(quote_literal, values))


@functools.cache
def _bias() -> tuple[int, ...]:
    with _WEIGHTS.open(encoding="utf-8", newline="") as lines:
        return next(tuple(map(int, numbers)) for word, *numbers in csv.reader(lines) if word == _BIAS)


def _words(sentence: str) -> set[str]:
    """As the SQL cuts a folded text; what stands in braces is none of a topic's words."""
    plain = unicodedata.normalize("NFD", re.sub(r"\{[a-z]+\}", " ", sentence).lower().replace("ß", "ss"))
    plain = re.sub(r"['\u2019\u0300-\u036f]", "", plain)
    return set(re.sub(r"[0-9]+", "9", re.sub(r"[^a-z0-9]+", " ", plain)).split())


def learn() -> list[tuple[str, list[int]]]:
    """The weights of all words, the bias first."""
    data = tomllib.loads(resources.files(__package__).joinpath("sentences.toml").read_text(encoding="utf-8"))
    pairs = [(_words(one), topic) for by_topic in data.values() for topic, some in by_topic.items() for one in some]
    words = sorted(set().union(*(found for found, _ in pairs)))
    place = {word: number for number, word in enumerate(words)}
    seen = np.zeros((len(pairs), len(words) + 1))
    seen[:, -1] = 1
    for row, (found, _) in enumerate(pairs):
        seen[row, [place[word] for word in found]] = 1
    true = np.array([[topic == one for one in TOPICS] for _, topic in pairs], dtype=float)
    weights = _descend(seen, true)
    hundredths = np.round(100 * weights).astype(int).tolist()
    heavy = [(word, hundredths[place[word]]) for word in words if max(map(abs, hundredths[place[word]])) > _LIGHT]
    return [(_BIAS, hundredths[-1]), *heavy]


def _descend(seen: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Softmax regression by accelerated gradient descent; the last column of `seen` is free of the penalty."""
    weights = ahead = np.zeros((seen.shape[1], true.shape[1]))
    rate = 1 / (np.linalg.norm(seen, 2) ** 2 / 2 + _PENALTY)
    penalty = np.full((seen.shape[1], 1), _PENALTY)
    penalty[-1] = 0
    for step in range(_STEPS):
        scores = seen @ ahead
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        moved = ahead - rate * (seen.T @ (shares - true) + penalty * ahead)
        ahead = moved + step / (step + 3) * (moved - weights)
        weights = moved
    return weights


if __name__ == "__main__":
    with _WEIGHTS.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(["word", *TOPICS])
        rows.writerows([word, *numbers] for word, numbers in learn())
