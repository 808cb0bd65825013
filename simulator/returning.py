"""Returns: which units come back and why, what the customer says, and how the return goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from simulator.catalogue import CAUSES, Catalogue
from simulator.chance import Array, Chance, Ints
from simulator.columns import Columns
from simulator.journeys import DELIVERED
from simulator.ordering import LINES
from simulator.settings import DAY

# In the order in which one cause hides another.
RETURN_CAUSES: Final = ("damaged", "wrong_item", "bracketing", *CAUSES, "late")
SAID: Final = {
    "damaged": (("damaged-in-transit", 0.75), ("DEFECTIVE", 0.25)),
    "wrong_item": (("WRONG_ITEM", 1.0),),
    "bracketing": (("SIZE_TOO_LARGE", 0.35), ("SIZE_TOO_SMALL", 0.35), ("UNWANTED", 0.3)),
    "quality": (("DEFECTIVE", 0.85), ("NOT_AS_DESCRIBED", 0.15)),
    "fit": (("SIZE_TOO_SMALL", 0.42), ("too-tight", 0.08), ("SIZE_TOO_LARGE", 0.5)),
    "not_as_described": (("NOT_AS_DESCRIBED", 0.65), ("COLOR", 0.35)),
    "changed_mind": (("UNWANTED", 0.55), ("STYLE", 0.3), ("OTHER", 0.1), ("UNKNOWN", 0.05)),
    "late": (("arrived-late", 0.45), ("UNWANTED", 0.4), ("OTHER", 0.15)),
}
CODES: Final = tuple(sorted({code for options in SAID.values() for code, _ in options}))
OUTCOMES: Final = ("refund", "exchange", "store_credit", "rejected", "expired")
REJECTED, EXPIRED, EXCHANGE, REFUND = 3, 4, 1, 0
LABEL_LIFE: Final = 28  # days
NEVER: Final = 2**40


class Returning:
    """Draws returns of delivered lines."""

    def __init__(self, settings: Mapping[str, Any], chance: Chance, catalogue: Catalogue, habit: Array) -> None:
        """`habit` is how much more of everything the customers of a destination send back."""
        self.rules, self.habit = settings["returns"], habit
        self.window = settings["merchant"]["return_window_days"]
        self.chance, self.catalogue = chance, catalogue

    def lines(self, orders: Columns, lines: Columns, parcels: Columns, line_parcel: Array) -> Columns:
        """Returned lines: line (row), cause, code said, units. `line_parcel` is each line's parcel, or -1."""
        chance, goods, rules = self.chance, self.catalogue, self.rules
        here = np.flatnonzero(line_parcel >= 0)
        here = here[parcels.end[line_parcel[here]] == DELIVERED]
        parcel = line_parcel[here]
        keys, sku, order = lines.key[here], lines.sku[here], lines.order[here]
        factor = np.where(orders.serial[order], rules["serial_factor"], 1.0) * self.habit[orders.destination[order]]
        units = lines.quantity[here]
        own = np.minimum(goods.rate[sku] * (factor * units)[:, None], 0.85)
        late = parcels.stop_day[parcel] > parcels.promised[parcel]
        usual = 1 - np.prod(1 - own, axis=1)
        extra = np.where(late, np.minimum((rules["late_factor"] - 1) * usual / np.maximum(1 - usual, 0.1), 0.9), 0.0)
        chances = np.column_stack(
            [
                np.where(parcels.content_damaged[parcel], rules["damaged_rate"], 0.0),
                np.full(len(here), rules["wrong_item"]),
                np.where(lines.place[here] >= 6, 0.92, 0.0),
                own,
                extra,
            ]
        )
        cause = np.full(len(here), -1)
        for place in reversed(range(len(RETURN_CAUSES))):
            hit = chance.happens(keys, f"returned {RETURN_CAUSES[place]}", chances[:, place])
            cause = np.where(hit, place, cause)
        kept = cause >= 0
        some = Columns(
            {
                "line": here[kept],
                "key": keys[kept],
                "order": order[kept],
                "parcel": parcel[kept],
                "cause": cause[kept],
                "late": late[kept],
                "chance": 1 - np.prod(1 - chances[kept], axis=1),
                "sku": sku[kept],
                "units": np.where(chance.happens(keys[kept], "one unit", 0.5), 1, units[kept]),
                "amount": lines.price[here][kept],
            }
        )
        some.set(code=self._said(some), amount=some.amount * some.units)
        return some

    def _said(self, some: Columns) -> Ints:
        """Index into CODES of the reason the customer ticks."""
        chance = self.chance
        weights = np.zeros((len(RETURN_CAUSES), len(CODES)))
        for row, cause in enumerate(RETURN_CAUSES):
            for code, share in SAID[cause]:
                weights[row, CODES.index(code)] = share
        own = weights[some.cause]
        fits = some.cause == RETURN_CAUSES.index("fit")
        small = self.catalogue.direction[some.sku]
        own[fits] = 0.0
        own[fits, CODES.index("SIZE_TOO_SMALL")] = 0.84 * small[fits]
        own[fits, CODES.index("too-tight")] = 0.16 * small[fits]
        own[fits, CODES.index("SIZE_TOO_LARGE")] = 1 - small[fits]
        said = chance.choose(some.key, "reason", own)
        wrong = chance.choose(some.key, "misstated reason", weights.sum(axis=0))
        return np.where(chance.happens(some.key, "misstated", self.rules["misstated"]), wrong, said).astype(np.int64)

    def returns(self, orders: Columns, some: Columns) -> Columns:
        """One return per order with returned lines: its moments (NEVER where it does not come to that) and amounts."""
        chance, rules = self.chance, self.rules
        order, start = np.unique(some.order, return_index=True)
        position = np.searchsorted(order, some.order)
        key = orders.key[order] * np.uint64(LINES) + np.uint64(7)
        value = np.bincount(position, weights=some.amount, minlength=len(order)).astype(np.int64)
        some.set(ret=position)
        delivered = np.zeros(len(order), dtype=np.int64)
        np.maximum.at(delivered, position, some.delivered_at)

        def days(purpose: str, median: float, spread: float) -> Ints:
            return (DAY * median * np.exp(spread * chance.normal(key, purpose))).astype(np.int64)

        hasty = np.isin(some.cause[start], (0, 1))
        lag = np.where(hasty, days("request", 5.5, 0.8) // 4, days("request", 5.5, 0.8))
        requested = delivered + np.clip(lag, 2 * 3600, self.window * DAY)
        review = chance.happens(key, "reviewed", 0.15)
        approved = requested + np.where(review, 4 * 3600 + chance.below(key, "review", 26 * 3600), 300)
        outcome = chance.choose(key, "outcome", list(rules["outcomes"].values()))
        unsent = chance.happens(key, "never sent", rules["never_sent"]) & (outcome != REJECTED)
        outcome = np.where(unsent, EXPIRED, outcome)
        odd = (outcome == REFUND) & chance.happens(key, "without return", rules["refunded_without_return"])
        sent = approved + np.minimum(days("send", 2.0, 0.8), 25 * DAY)
        stays = (outcome == REJECTED) | unsent | odd
        travel = ((2 + 6 * chance.uniform(key, "way back")) * DAY).astype(np.int64)
        settled = sent + travel + np.minimum(days("settle", 2.5, 0.7), 40 * DAY)
        stuck = chance.happens(key, "never refunded", rules["never_refunded"])
        settled = np.where(stuck | stays, NEVER, settled)
        settled = np.where(odd, approved + DAY, settled)
        too_much = chance.happens(key, "too much", rules["refunded_too_much"])
        refund = np.where(outcome == REFUND, np.where(too_much, value * 6 // 5, value), 0)
        kept_value = np.where(np.isin(outcome, (EXCHANGE, 2)), value, 0)
        return Columns(
            {
                "key": key,
                "order": order,
                "parcel": some.parcel[start],
                "first_cause": some.cause[start],
                "requested_at": requested,
                "approved_at": np.where(outcome == REJECTED, NEVER, approved),
                "reviewed_at": approved,
                "sent_at": np.where(stays, NEVER, sent),
                "received_at": np.where(stays, NEVER, sent + travel),
                "settled_at": settled,
                "expired_at": np.where(unsent, approved + LABEL_LIFE * DAY, NEVER),
                "outcome": outcome,
                "value": value,
                "refund": refund,
                "retained": kept_value,
                "stuck": stuck,
                "without_return": odd,
                "too_much": too_much & (outcome == REFUND),
            }
        )
