"""What truly happens to each parcel, from the warehouse to its end. How it is reported is in `simulator.scans`.

Positions along a journey are operating days since the hand-over, as in `simulator.transit`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from simulator.calendars import Calendars
from simulator.chance import Array, Chance, Flags, Ints, Reals
from simulator.columns import Columns
from simulator.network import Network
from simulator.settings import DAY
from simulator.shocks import Shocks
from simulator.transit import HANDLING_DAYS, LONGEST_DAYS, PICKUP_EXTRA, Transit

HOUR: Final = 3600
DELIVERED, LOST, DAMAGED, REFUSED, BAD_ADDRESS, VOIDED = range(6)
ENDS: Final = ("delivered", "lost", "damaged", "refused", "bad_address", "voided")
HOME, ONCE, TWICE, PICKUP = range(4)  # what the recipient made of the first real attempt
LEFT_AT: Final = 19 * HOUR  # local second of the day at which position 0 lies


class Journeys:
    """Draws journeys for parcels with: key, carrier, service, warehouse, destination, base (local day)."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        chance: Chance,
        calendars: Calendars,
        network: Network,
        shocks: Shocks,
        transit: Transit,
    ) -> None:
        self.settings = settings
        self.chance, self.calendars, self.network = chance, calendars, network
        self.shocks, self.transit = shocks, transit

    def travel(self, parcels: Columns) -> None:
        """Add everything about the journeys to `parcels`."""
        self._hand_over(parcels)
        self._linehaul(parcels)
        self._mishaps(parcels)
        self._end(parcels)

    def _hand_over(self, parcels: Columns) -> None:
        chance, calendars = self.chance, self.calendars
        zone = self.network.warehouse_zone[parcels.warehouse]
        first = calendars.warehouses.first(parcels.base, parcels.warehouse)
        again = self.shocks.handling_again[parcels.warehouse, parcels.base - calendars.base]
        u = np.maximum(chance.uniform(parcels.key, "handling"), 1e-12)
        handling = np.minimum((np.log(u) / np.log(again)).astype(np.int64), HANDLING_DAYS - 1)
        delay = chance.choose(parcels.key, "late hand-over", self.settings["handover"]["late_days"])
        ready_day = calendars.warehouses.advance(first, handling, parcels.warehouse)
        day = calendars.warehouses.advance(ready_day, delay, parcels.warehouse)
        ready = (9 + 7 * chance.uniform(parcels.key, "ready")) * HOUR
        ready_at = calendars.to_utc(ready_day, ready.astype(np.int64), zone)
        ready_at = np.maximum(ready_at, parcels.known + 1800)
        taken = (16.5 + 3 * chance.uniform(parcels.key, "taken")) * HOUR
        accepted_at = calendars.to_utc(day, taken.astype(np.int64), zone)
        parcels.set(
            handling_days=handling,
            handover_delay_days=delay,
            handling_again=again,
            ready_at=ready_at,
            label_at=ready_at + 120 + chance.below(parcels.key, "label", 1500),
            handover=day,
            accepted_at=np.maximum(accepted_at, ready_at + 2400),
        )

    def _linehaul(self, parcels: Columns) -> None:
        where = (parcels.carrier, parcels.warehouse, parcels.destination)
        shock = self.shocks.transit(*where, parcels.handover)
        centre = self.transit.centre(parcels.carrier, parcels.service, parcels.warehouse, parcels.destination) + shock
        scale = self.transit.scale(parcels.carrier, parcels.service)
        needs = np.exp(centre + scale * self.chance.logit(parcels.key, "linehaul"))
        needs = np.clip(needs, 0.05, LONGEST_DAYS)
        parcels.set(shock=shock, centre=centre, scale=scale, needs=needs, linehaul=np.ceil(needs).astype(np.int64))

    def _mishaps(self, parcels: Columns) -> None:
        chance, settings, net = self.chance, self.settings, self.network
        key = parcels.key

        def days(purpose: str, happens: Flags, shares: Reals) -> Ints:
            return np.where(happens, 1 + chance.choose(key, f"{purpose} days", shares), 0).astype(np.int64)

        carriers = net.carriers

        def rate(name: str) -> Reals:
            return np.array([carrier[name] for carrier in carriers])[parcels.carrier]

        missort = days("missort", chance.happens(key, "missort", rate("missort")), self.transit.missort)
        held = net.abroad[parcels.destination] & chance.happens(key, "customs", settings["customs"]["held"])
        customs = days("customs", held, self.transit.customs)
        rules = settings["recipient"]
        u = chance.uniform(key, "recipient") / rules["not_home"]
        second = rules["pickup"] + (1 - rules["pickup"]) * rules["second_failure"]
        kind = np.where(u >= 1, HOME, np.where(u < rules["pickup"], PICKUP, np.where(u < second, TWICE, ONCE)))
        waited = np.array(PICKUP_EXTRA)[chance.below(key, "pickup days", len(PICKUP_EXTRA))]
        parcels.set(
            missort_days=missort,
            customs_days=customs,
            false_attempt=chance.happens(key, "false attempt", rate("false_attempt")).astype(np.int64),
            recipient=kind,
            recipient_days=np.where(kind == PICKUP, waited, kind).astype(np.int64),
            missort_at=parcels.needs * (0.25 + 0.5 * chance.uniform(key, "missort at")),
            customs_at=parcels.needs * (0.55 + 0.2 * chance.uniform(key, "customs at")),
        )

    def _end(self, parcels: Columns) -> None:
        chance, calendars, net = self.chance, self.calendars, self.network
        key, where = parcels.key, (parcels.carrier, parcels.destination)
        zone = net.destination_zone[parcels.destination]
        carriers, rules = net.carriers, self.settings["recipient"]
        lost = np.array([carrier["lost"] for carrier in carriers])[parcels.carrier]
        damaged = np.array([carrier["damaged"] for carrier in carriers])[parcels.carrier]
        edges = np.cumsum(np.stack([lost, damaged, lost * 0 + rules["refused"], lost * 0 + rules["bad_address"]]), 0)
        u = chance.uniform(key, "end")
        end = np.where(u >= edges[3], DELIVERED, 1 + (u[None, :] >= edges).sum(axis=0))
        attempt_day = calendars.carriers.advance(
            parcels.handover, parcels.linehaul + parcels.missort_days + parcels.customs_days, *where
        )
        real_day = calendars.carriers.advance(attempt_day, parcels.false_attempt, *where)
        stop_day = calendars.carriers.advance(real_day, parcels.recipient_days, *where)
        out = ((6.5 + 2.5 * chance.uniform(key, "out")) * HOUR).astype(np.int64)
        express = parcels.service == 1
        reach = np.where(express, 4.5, 10.0) * chance.uniform(key, "round")
        at_door = out + (0.6 * HOUR + reach * HOUR).astype(np.int64)
        parcels.set(
            end=end,
            first_out_day=attempt_day,
            real_attempt_day=real_day,
            stop_day=stop_day,
            out_second=out,
            door_second=at_door,
            stopped_at=calendars.to_utc(stop_day, at_door, zone),
            attempted_at=calendars.to_utc(real_day, at_door, zone),
            ends_at_share=0.15 + 0.8 * chance.uniform(key, "end share"),
            misdelivered=(end == DELIVERED) & chance.happens(key, "misdelivered", rules["misdelivered"]),
            back_days=4 + chance.below(key, "back", 8),
        )
        parcels.set(delivered_at=np.where(end == DELIVERED, parcels.stopped_at, 0))

    def moment(self, parcels: Columns, position: Array) -> Ints:
        """UTC seconds at which a parcel is at a position of its linehaul, mishaps before it included.

        Never later than two hours before it goes out for delivery.
        """
        shifted = position + np.where(position > parcels.missort_at, parcels.missort_days, 0)
        shifted = shifted + np.where(position > parcels.customs_at, parcels.customs_days, 0)
        whole = np.floor(shifted).astype(np.int64)
        day = self.calendars.carriers.advance(parcels.handover, whole, parcels.carrier, parcels.destination)
        second = LEFT_AT + ((shifted - whole) * DAY).astype(np.int64)
        zone = self.network.destination_zone[parcels.destination]
        latest = self.calendars.to_utc(parcels.first_out_day, parcels.out_second - 2 * HOUR, zone)
        return np.asarray(np.minimum(self.calendars.to_utc(day, second, zone), latest), dtype=np.int64)
