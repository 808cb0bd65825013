"""The phrase bank: what customers write, by language, topic and situation, and how a message is put together."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

from pipelines.domain.milestones import TOPICS
from simulator.people import LANGUAGES

FOLDER: Final = Path(__file__).with_name("phrases")
PARTS: Final = {"open": ("open",), "kept": ("kept",), "both": ("open", "kept")}
SITUATIONS: Final = {
    "wismo": ("not_shipped", "moving", "late", "stalled", "exception"),
    "delivery_problem": ("not_received", "damaged", "wrong_place", "lost"),
    "return_refund": ("start_return", "exchange", "quality", "refund_status"),
    "order_change": ("cancel", "address", "items", "timing"),
    "product": ("sizing", "use", "stock", "material"),
    "other": ("thanks", "discount", "account", "invoice", "business"),
}
# Situations by number, as contacts are computed with.
NUMBERED: Final = tuple((topic, situation) for topic in TOPICS for situation in SITUATIONS[topic])
MENTIONS: Final = {
    "en": ("My order number is {order}.", "Order {order}", "(order {order})"),
    "pt": ("O número do pedido é {order}.", "Pedido {order}"),
    "es": ("Mi número de pedido es {order}.", "Pedido {order}"),
    "de": ("Meine Bestellnummer ist {order}.", "Bestellung {order}"),
}


@cache
def _file(part: str, language: str) -> dict[str, dict[str, list[str]]]:
    return tomllib.loads((FOLDER / part / f"{language}.toml").read_text(encoding="utf-8"))


@cache
def frames() -> dict[str, dict[str, list[str]]]:
    """Greetings and signatures by language."""
    return tomllib.loads((FOLDER / "frames.toml").read_text(encoding="utf-8"))


@cache
def phrases(parts: str, language: str, topic: str, situation: str) -> tuple[str, ...]:
    """Phrases of a situation in the named part of the bank ('open', 'kept' or 'both')."""
    return tuple(text for part in PARTS[parts] for text in _file(part, language)[topic][situation])


@cache
def subjects(parts: str, language: str, topic: str) -> tuple[str, ...]:
    """Subject lines of a topic, or of none with 'neutral'."""
    return tuple(text for part in PARTS[parts] for text in _file(part, language)["subject"][topic])


def number(topic: str, situation: str) -> int:
    """Place of a situation in NUMBERED."""
    return NUMBERED.index((topic, situation))


def _pick(options: tuple[str, ...] | list[str], u: float) -> str:
    return options[int(u * len(options))]


def write(parts: str, ticket: dict[str, Any]) -> tuple[str, str]:
    """Subject and body of one ticket. `ticket` has the draws (u0..u5 in [0, 1)) and what the slots are filled with."""
    language = LANGUAGES[ticket["language"]]
    topic, situation = NUMBERED[ticket["situation"]]
    phrase = _pick(phrases(parts, language, topic, situation), ticket["u0"])
    if not ticket["tracking"] and "{tracking}" in phrase:
        phrase = phrase.replace("{tracking}", "{order}")
    u = ticket["u1"]
    neutral = u < 0.3
    subject = _pick(subjects(parts, language, "neutral" if neutral else topic), u / 0.3 if neutral else (u - 0.3) / 0.7)
    frame = frames()[language]
    lines = [_pick(frame["greeting"], ticket["u2"]), phrase]
    if ticket["mentions"] and "{order}" not in phrase:
        lines.append(_pick(MENTIONS[language], ticket["u3"]))
    lines.append(_pick(frame["closing"], ticket["u4"]))
    body = ("\n" if ticket["u5"] < 0.5 else " ").join(line for line in lines if line)
    return subject.format_map(ticket), body.format_map(ticket)
