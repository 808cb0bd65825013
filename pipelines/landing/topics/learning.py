"""How the weights of words (`words.csv`) are learned from `sentences.toml`: softmax regression on which words occur.

`python -m pipelines.landing.topics.learning` learns anew. Landing never imports this.
"""

from __future__ import annotations

import csv
import re
import tomllib
import unicodedata
from importlib import resources
from typing import Final

import numpy as np
from scipy.optimize import minimize  # type: ignore[import-untyped]

from pipelines.domain.milestones import TOPICS
from pipelines.landing.topics.words import BIAS, WEIGHTS

_PENALTY: Final = 1.0
_LIGHT: Final = 8  # a word that moves no topic by more than this (hundredths) is left out


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
    weights = _fitted(seen, true)
    hundredths = np.round(100 * weights).astype(int).tolist()
    heavy = [(word, hundredths[place[word]]) for word in words if max(map(abs, hundredths[place[word]])) > _LIGHT]
    return [(BIAS, hundredths[-1]), *heavy]


def _words(sentence: str) -> set[str]:
    """As the SQL cuts a folded text; what stands in braces is none of a topic's words."""
    plain = unicodedata.normalize("NFD", re.sub(r"\{[a-z]+\}", " ", sentence).lower().replace("ß", "ss"))
    plain = re.sub(r"['\u2019\u0300-\u036f]", "", plain)
    return set(re.sub(r"[0-9]+", "9", re.sub(r"[^a-z0-9]+", " ", plain)).split())


def _fitted(seen: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Softmax regression with a ridge penalty, of which the last column of `seen` is free."""
    penalty = np.full((seen.shape[1], 1), _PENALTY)
    penalty[-1] = 0

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(len(penalty), -1)
        scores = seen @ weights
        scores -= scores.max(axis=1, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
        slope = seen.T @ (np.exp(logs) - true) + penalty * weights
        return float((penalty * weights**2).sum() / 2 - (true * logs).sum()), slope.ravel()

    exactly = {"ftol": 0, "gtol": 1e-8, "maxcor": 30}
    start = np.zeros(len(penalty) * true.shape[1])
    return np.asarray(minimize(loss, start, jac=True, method="L-BFGS-B", options=exactly).x.reshape(len(penalty), -1))


if __name__ == "__main__":
    with WEIGHTS.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out, lineterminator="\n")
        rows.writerow(["word", *TOPICS])
        rows.writerows([word, *numbers] for word, numbers in learn())
