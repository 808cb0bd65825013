"""Where no rule says what a ticket is about: its words, weighed by `words.csv` (hundredths, one column a topic).

What lives here: the SQL that weighs a text. How the weights are learned is in `learning.py`.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Final

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
BIAS: Final = "(bias)"  # the row of what each topic starts with
WEIGHTS: Final = Path(__file__).with_name("words.csv")


def weighed_sql(texts: str) -> str:
    """A query of `place` and `weighed` from one of `place` and `text` (folded).

    `weighed` is `topic:share` of the likeliest topic; null where none reaches LEAST, and where that is `other`.
    """
    bias = _bias()
    sums = ", ".join(f"{start} + sum(w{number}) AS s{number}" for number, start in enumerate(bias))
    scores = ", ".join(f"s{number}" for number in range(len(TOPICS)))
    kinds = ", ".join(f"'w{number}': 'INTEGER'" for number in range(len(TOPICS)))
    form = f"auto_detect = false, header = true, columns = {{'word': 'VARCHAR', {kinds}}}"
    learned = f"read_csv({quote_literal(str(WEIGHTS))}, {form})"
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
    with WEIGHTS.open(encoding="utf-8", newline="") as lines:
        return next(tuple(map(int, numbers)) for word, *numbers in csv.reader(lines) if word == BIAS)
