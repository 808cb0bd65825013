"""Who writes, in the end: the contacts there is a reason for, without those that a notice spared, with those repeated.

What a notice in time would have spared is left out, as it does not happen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from simulator.calendars import Calendars
from simulator.chance import Array, Chance, Ints
from simulator.columns import Columns
from simulator.network import Network
from simulator.parcels import NEVER
from simulator.phrases import NUMBERED, number
from simulator.reasons import TRIGGERS, Reasons
from simulator.settings import DAY


class Contacts:
    """Draws the contacts of a block."""

    def __init__(self, settings: Mapping[str, Any], chance: Chance, calendars: Calendars, network: Network) -> None:
        self.rules, self.notices = settings["contacts"], settings["notices"]
        self.chance = chance
        self.reasons = Reasons(settings, chance, calendars, network)

    def of(self, orders: Columns, parcels: Columns, scans: Columns, returns: Columns, delay_notice: Array) -> Columns:
        """All contacts of a block, by time within an order. `delay_notice` is each parcel's notice moment or NEVER."""
        contacts = self._spared(self.reasons.all(orders, parcels, scans, returns), delay_notice)
        again = self._again(orders, parcels, contacts)
        contacts = Columns({name: np.concatenate([contacts.data[name], again.data[name]]) for name in contacts.data})
        order = np.lexsort((contacts.trigger, contacts.at, contacts.order))
        contacts = contacts.take(order)
        contacts.set(key=orders.key[contacts.order] * np.uint64(1024) + self._place(contacts).astype(np.uint64))
        return contacts

    @staticmethod
    def _place(contacts: Columns) -> Ints:
        """Number of a contact within its order."""
        first = np.searchsorted(contacts.order, contacts.order, side="left")
        return np.asarray(np.arange(len(contacts)) - first)

    def _spared(self, contacts: Columns, delay_notice: Array) -> Columns:
        """Without the contacts that a delay notice in time made unnecessary."""
        told = np.where(contacts.parcel >= 0, delay_notice[np.maximum(contacts.parcel, 0)], NEVER)
        about = np.isin(contacts.trigger, [TRIGGERS.index(name) for name in ("stalled", "exception", "past_promise")])
        ids = contacts.at * 64 + contacts.trigger
        calm = about & (told < contacts.at) & self.chance.happens(ids, "spared", self.notices["deflects"])
        return contacts.take(~calm)

    def _again(self, orders: Columns, parcels: Columns, contacts: Columns) -> Columns:
        """Second contacts of those who asked where their parcel is and still have not got it."""
        wismo = [place for place, (topic, _) in enumerate(NUMBERED) if topic == "wismo"]
        rows = np.flatnonzero(np.isin(contacts.situation, wismo) & (contacts.parcel >= 0))
        asked = contacts.take(rows)
        ids = parcels.key[asked.parcel] * np.uint64(32) + asked.trigger.astype(np.uint64)
        lean = orders.inclination[asked.order]
        at = asked.at + ((1 + 2.5 * self.chance.uniform(ids, "again at")) * DAY).astype(np.int64)
        done = parcels.delivered_at[asked.parcel]
        open_still = (at < np.where(done > 0, done, NEVER)) & (at < parcels.gone_at[asked.parcel])
        insists = open_still & self.chance.happens(ids, "again", self.rules["again"] * lean)
        late = at > parcels.promise_end[asked.parcel]
        asked.set(
            at=at,
            situation=np.where(late, number("wismo", "late"), asked.situation),
            trigger=np.full(len(asked), TRIGGERS.index("again")),
        )
        return asked.take(insists)
