"""The search syntax of the Admin API's `query` argument: terms joined by AND."""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from simulator.doubles.answers import parse_time
from simulator.doubles.shelf import Ints, Mask

TERM: Final = re.compile(r"""(?P<field>\w+):(?P<op>>=|<=|>|<)?(?P<quote>['"]?)(?P<value>.*?)(?P=quote)(?=\s|$|\))""")
TIMES: Final = {"updated_at": "updated", "created_at": "created", "processed_at": "created"}


def where(text: str, columns: dict[str, Ints], names: list[str]) -> tuple[Mask, list[str]]:
    """Which records match, and the fields that were ignored (the vendor warns of them and answers)."""
    mask = np.ones(len(names), dtype=np.bool_)
    ignored = []
    for term in TERM.finditer(text):
        name, op, value = term["field"], term["op"] or "", term["value"]
        at = parse_time(value) if name in TIMES else None
        if name in TIMES and at is not None:
            mask &= _compared(columns[TIMES[name]], op, at)
        elif name == "name":
            mask &= np.array([own.lstrip("#") == value.lstrip("#") for own in names], dtype=np.bool_)
        elif name != "status":  # status:any says what a list of orders does anyway
            ignored.append(name)
    return mask, ignored


def _compared(column: Ints, op: str, at: int) -> Mask:
    second = column // 1_000_000 * 1_000_000
    match op:
        case ">=":
            return np.asarray(second >= at)
        case ">":
            return np.asarray(second > at)
        case "<=":
            return np.asarray(second <= at)
        case "<":
            return np.asarray(second < at)
        case _:
            return np.asarray(second == at)
