"""Parcels of orders: which there are, who carries them, their numbers, what carriers estimate, what a rate costs.

Kinds: first and second parcel of an order, a reshipment after a loss, an exchange. Return parcels are in
`simulator.returning`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from simulator.assignment import Assignment
from simulator.calendars import Calendars
from simulator.chance import Array, Chance, Flags, Ints, shuffle
from simulator.columns import Columns
from simulator.journeys import BAD_ADDRESS, DAMAGED, DELIVERED, HOUR, LOST, REFUSED, VOIDED, Journeys
from simulator.network import Network
from simulator.ordering import LINES, Ordering
from simulator.settings import DAY

FIRST, SECOND, RESHIPMENT, EXCHANGE = range(4)
KINDS: Final = ("first", "second", "reshipment", "exchange")
RECYCLED_AFTER: Final = 40  # days
CONTENT_DAMAGED: Final = 2.0  # parcels delivered with broken contents, for each that is not delivered for damage
RESHIPPED: Final = {LOST: 0.85, DAMAGED: 0.95, REFUSED: 0.1, BAD_ADDRESS: 0.6}
NEVER: Final = 2**40  # UTC seconds


class Shipping:
    """Makes parcels and sends them on their journeys."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        chance: Chance,
        calendars: Calendars,
        network: Network,
        assignment: Assignment,
        ordering: Ordering,
        journeys: Journeys,
    ) -> None:
        self.settings, self.chance, self.calendars, self.network = settings, chance, calendars, network
        self.assignment, self.ordering, self.journeys = assignment, ordering, journeys

    def outbound(self, orders: Columns) -> Columns:
        """First, second and replacing parcels of `orders`, travelled. `order` is the row of the order."""
        chance = self.chance
        label_only = (orders.ending == 1) & chance.happens(
            orders.key, "label before cancelling", self.settings["merchant"]["cancelled_after_label_share"]
        )
        shipped = (orders.ending == 0) | label_only
        first = self._new(orders, np.flatnonzero(shipped), 0, FIRST)
        second = self._new(orders, np.flatnonzero((orders.ending == 0) & orders.split), 1, SECOND)
        other = self.chance.happens(second.key, "other warehouse", 0.5)
        moved = chance.choose(second.key, "second warehouse", self.network.house_share[second.destination])
        second.set(warehouse=np.where(other, moved, second.warehouse))
        second.set(base=self.ordering.base_day(second.known, second.warehouse))
        parcels = Columns({name: np.concatenate([first.data[name], second.data[name]]) for name in first.data})
        self._send(parcels)
        voided = label_only[parcels.order]
        parcels.set(
            end=np.where(voided, VOIDED, parcels.end),
            delivered_at=np.where(voided, 0, parcels.delivered_at),
            misdelivered=parcels.misdelivered & ~voided,
            label_at=np.where(voided, np.minimum(parcels.label_at, parcels.voided_at - 300), parcels.label_at),
        )
        return parcels

    def _new(self, orders: Columns, rows: Array, place: int, kind: int) -> Columns:
        names = ("service", "warehouse", "destination", "base", "promised", "day", "repeat", "number")
        return Columns(
            {name: orders.data[name][rows] for name in names}
            | {
                "key": orders.key[rows] * np.uint64(LINES) + np.uint64(place),
                "order": rows,
                "kind": np.full(len(rows), kind),
                "known": orders.placed[rows],
                "voided_at": orders.cancelled_at[rows],
                "replaces": np.full(len(rows), -1),
            }
        )

    def _send(self, parcels: Columns) -> None:
        parcels.set(carrier=self.assignment.carrier(self.chance, parcels.key, parcels.warehouse, parcels.destination))
        self.journeys.travel(parcels)

    def replacements(self, parcels: Columns) -> Columns:
        """Reshipments for the lost, damaged and returned ones of `parcels` (already scanned: `ended_at` is known)."""
        chance = self.chance
        share = np.zeros(6)
        for end, again in RESHIPPED.items():
            share[end] = again
        rows = np.flatnonzero(chance.happens(parcels.key, "reshipped", share[parcels.end]))
        wait = np.where(parcels.end[rows] == LOST, 9 + 6 * chance.uniform(parcels.key[rows], "found lost"), 1.2)
        return self._follow(parcels, rows, parcels.ended_at[rows] + (wait * DAY).astype(np.int64), 2, RESHIPMENT)

    def exchanges(self, parcels: Columns, rows: Array, since: Array) -> Columns:
        """Parcels that bring what was exchanged, for the parcels of `rows`."""
        return self._follow(parcels, rows, since, 4, EXCHANGE)

    def _follow(self, parcels: Columns, rows: Array, since: Array, step: int, kind: int) -> Columns:
        names = ("service", "warehouse", "destination", "promised", "day", "repeat", "number", "order")
        new = Columns(
            {name: parcels.data[name][rows] for name in names}
            | {
                "key": parcels.key[rows] + np.uint64(step),
                "kind": np.full(len(rows), kind),
                "known": since,
                "voided_at": np.zeros(len(rows), dtype=np.int64),
                "replaces": rows,
                "base": self.ordering.base_day(since, parcels.warehouse[rows]),
            }
        )
        self._send(new)
        return new

    def content_damaged(self, parcels: Columns) -> Flags:
        """Delivered, but broken inside: no scan says so."""
        rate = CONTENT_DAMAGED * np.array([carrier["damaged"] for carrier in self.network.carriers])
        hit = self.chance.happens(parcels.key, "content", rate[parcels.carrier])
        return np.asarray((parcels.end == DELIVERED) & hit)

    def promise_end(self, parcels: Columns) -> Ints:
        """UTC second at which the promised day ends at the destination."""
        zone = self.network.destination_zone[parcels.destination]
        return self.calendars.to_utc(parcels.promised + 1, np.zeros(len(parcels), dtype=np.int64), zone)

    def commitments(self, parcels: Columns) -> Ints:
        """The day the carrier owes, counted from the hand-over in its nominal operating days; 0 for economy."""
        zone = self.network.zone[parcels.warehouse, parcels.destination]
        standard = self.network.standard[parcels.service, zone]
        day = self.calendars.nominal.advance(parcels.handover, standard, parcels.carrier, parcels.destination)
        return np.where(parcels.service == 2, 0, day).astype(np.int64)

    def estimates(self, parcels: Columns) -> Columns:
        """The carrier's own estimates: first (at acceptance) and updated, days, with the moments they were made.

        The first knows no lane's peculiarity; the update sees the progress so far, poorly.
        """
        rules, chance, net = self.settings["estimates"], self.chance, self.network
        zone = net.zone[parcels.warehouse, parcels.destination]
        usual = np.log(net.median[parcels.service, zone]) + net.speed[parcels.carrier]
        first = np.exp(usual + 0.12 + rules["first_noise"] * chance.normal(parcels.key, "estimate"))
        seen = parcels.needs * np.exp(rules["update_noise"] * chance.normal(parcels.key, "second estimate"))
        when = np.minimum(parcels.needs * (0.45 + 0.2 * chance.uniform(parcels.key, "estimate at")), parcels.needs)
        second = rules["update_weight"] * first + (1 - rules["update_weight"]) * seen
        held = np.where(parcels.missort_at < when, parcels.missort_days, 0)
        place = (parcels.carrier, parcels.destination)
        nominal = self.calendars.nominal
        updated = np.maximum(np.ceil(second).astype(np.int64), np.floor(when).astype(np.int64) + 1) + held
        return Columns(
            {
                "first": nominal.advance(parcels.handover, np.maximum(np.ceil(first).astype(np.int64), 1), *place),
                "first_at": parcels.accepted_at + 1200,
                "second": nominal.advance(parcels.handover, updated, *place),
                "second_at": self.journeys.moment(parcels, when) + 1800,
            }
        )

    def weight(self, parcels: Columns, lines: Columns, grams: Array) -> Ints:
        """Grams of each parcel: lines of odd place go with the second parcel of a split order."""
        total = np.zeros((int(parcels.order.max(initial=0)) + 1, 2), dtype=np.int64)
        inside = lines.order < len(total)
        np.add.at(
            total,
            (lines.order[inside], lines.place[inside] % 2),
            (grams[lines.sku] * lines.quantity)[inside],
        )
        both = total[parcels.order]
        alone = both.sum(axis=1)
        second = parcels.kind == SECOND
        return np.asarray(np.maximum(np.where(second, both[:, 1], alone), 120) + 90, dtype=np.int64)

    def cost(self, parcels: Columns) -> Ints:
        """Rated freight in cents."""
        net = self.network
        zone = net.zone[parcels.warehouse, parcels.destination]
        price = np.array([carrier["price"] for carrier in net.carriers])[parcels.carrier]
        heavy = 0.85 + parcels.grams / 4000.0
        return np.asarray(np.round(100 * net.rate[parcels.service, zone] * price * heavy), dtype=np.int64)


def tracking_numbers(keys: Array, carriers: Array, names: list[str], recycled: Array) -> pl.Series:
    """Numbers in each carrier's form. `recycled` is not negative where a number of FedEx comes from a small pool."""
    pooled = recycled >= 0
    digits = np.where(pooled, recycled + 10**10, shuffle(keys, 44).astype(np.int64) + 10**14)  # behind a 1
    first = {"FedEx": "6", "UPS": "1Z4F70", "USPS": "94001112", "DHLExpress": "JD01", "OnTrac": "C"}
    begins = pl.Series([*(first[name] for name in names), "79"], dtype=pl.String)
    middle = pl.Series(["03" if name == "UPS" else "" for name in names], dtype=pl.String)
    frame = pl.DataFrame(
        {
            "first": begins.gather(np.where(pooled, len(names), carriers)),
            "digits": pl.Series(digits).cast(pl.String),
            "middle": middle.gather(carriers),
        }
    )
    rest = pl.col("digits")
    return frame.select(
        pl.concat_str("first", rest.str.slice(1, 2), "middle", rest.str.slice(3)).alias("tracking_number")
    ).to_series()


def recycling(chance: Chance, parcels: Columns, share: float) -> Ints:
    """Place in the pool of numbers used again after 40 days; -1 for all others."""
    slot = (parcels.day % RECYCLED_AFTER) * 2**21 + parcels.number
    eligible = (parcels.kind == FIRST) & (parcels.repeat == 0)
    return np.where(eligible & chance.happens(slot, "recycled", share), slot, -1).astype(np.int64)


def delivered_late(parcels: Columns) -> Flags:
    """Not delivered by the end of the promised day (never delivered included)."""
    return np.asarray((parcels.end != DELIVERED) | (parcels.stop_day > parcels.promised))


def waking(calendars: Calendars, moment: Array, zone: Array) -> Ints:
    """The moment, moved out of the night at the destination."""
    local = moment + calendars.offset(zone, moment // DAY)
    return np.where(local % DAY < 7 * HOUR, moment + 7 * HOUR, moment).astype(np.int64)
