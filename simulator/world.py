"""The world: everything that follows from the orders of some days, as columns. Tables are made in `simulator.records`.

A block is computed from its days alone, so any cut of a period into blocks gives the same rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.assignment import Assignment
from simulator.blame import Blame
from simulator.calendars import Calendars
from simulator.catalogue import Catalogue
from simulator.chance import Array, Chance, Ints
from simulator.columns import Columns, stack
from simulator.contacts import Contacts
from simulator.journeys import BAD_ADDRESS, DELIVERED, LOST, REFUSED, VOIDED, Journeys
from simulator.network import Network
from simulator.ordering import Ordering
from simulator.parcels import FIRST, NEVER, SECOND, Shipping, delivered_late
from simulator.people import People
from simulator.returning import EXCHANGE as EXCHANGED
from simulator.returning import Returning
from simulator.scans import Reporting
from simulator.settings import DAY, Request, world_settings
from simulator.shocks import Shocks
from simulator.transit import Transit


@dataclass(frozen=True, slots=True)
class Happenings:
    """What followed from some orders. Rows refer to one another by place: `parcels.order`, `scans.parcel`, ..."""

    orders: Columns
    lines: Columns
    parcels: Columns
    scans: Columns
    returned: Columns  # lines that came back
    returns: Columns
    contacts: Columns


class World:
    """One merchant. Building it draws nothing but what all days share."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.settings = settings = world_settings()
        self.chance = chance = Chance(request.seed)
        quiet = "quiet" in request.scenarios
        self.calendars = Calendars(settings, chance, request.start, request.end, quiet)
        self.network = Network(settings, chance, self.calendars.zones)
        self.shocks = Shocks(request, settings, chance, self.calendars, self.network)
        self.transit = Transit(self.network)
        self.assignment = Assignment(self.network, self.transit)
        self.catalogue = Catalogue(request, settings, chance)
        population = max(int(settings["merchant"]["customers_per_daily_order"] * request.orders_per_day), 50)
        self.people = People(settings, chance, self.network, population)
        self.ordering = Ordering(
            settings, chance, self.calendars, self.network, self.shocks, self.catalogue, self.people,
            request.orders_per_day, request.start,
        )  # fmt: skip
        self.journeys = Journeys(settings, chance, self.calendars, self.network, self.shocks, self.transit)
        self.shipping = Shipping(
            settings, chance, self.calendars, self.network, self.assignment, self.ordering, self.journeys
        )
        self.reporting = Reporting(settings, chance, self.calendars, self.network, self.journeys)
        self.returning = Returning(settings, chance, self.catalogue, self._habits("returns"))
        self.contacts = Contacts(settings, chance, self.calendars, self.network)
        allowed = settings["merchant"]["handling_working_days"]
        self.blame = Blame(self.network, self.calendars, self.transit, self.shocks, allowed)

    def happenings(self, first: int, last: int) -> list[Happenings]:
        """What the orders of the days first to last - 1 caused: of fresh orders, and of the repeats they led to."""
        fresh = self._follow(self.ordering.fresh(first, last))
        parents, placed = self._repeating(fresh)
        return [fresh, self._follow(self.ordering.repeats(parents, placed))]

    def _habits(self, kind: str) -> Array:
        """Factor of each destination: 1, but where the scenario says that remote places differ."""
        plan = self.settings["scenarios"]["regional_habits"]
        differs = "regional_habits" in self.request.scenarios
        remote = np.array([row[6] >= plan["remoteness"] for row in self.settings["destinations"]["rows"]])
        return np.where(remote & differs, plan[kind], 1.0)

    def _follow(self, orders: Columns) -> Happenings:
        lines = self.ordering.lines(orders)
        sent = self.shipping.outbound(orders)
        scans = [self.reporting.scans(sent)]
        again = self.shipping.replacements(sent)
        scans.append(self.reporting.scans(again))
        line_parcel = self._line_parcels(lines, sent)
        self._complete(sent)
        returned = self.returning.lines(orders, lines, sent, line_parcel)
        returned.set(delivered_at=sent.delivered_at[returned.parcel])
        returns = self.returning.returns(orders, returned)
        swapped = np.flatnonzero((returns.outcome == EXCHANGED) & (returns.settled_at < NEVER))
        exchanges = self.shipping.exchanges(sent, returns.parcel[swapped], returns.settled_at[swapped])
        scans.append(self.reporting.scans(exchanges))
        for more in (again, exchanges):
            self._complete(more)
        parcels = stack([sent, again, exchanges])
        for part, offset in ((scans[1], len(sent)), (scans[2], len(sent) + len(again))):
            part.set(parcel=part.parcel + offset)
        seen = stack(scans)
        parcels.set(delay_notice=self._delay_notices(parcels))
        contacts = self.contacts.of(orders, parcels, seen, returns, parcels.delay_notice)
        return Happenings(orders, lines, parcels, seen, returned, returns, contacts)

    def _complete(self, parcels: Columns) -> None:
        parcels.set(
            promise_end=self.shipping.promise_end(parcels),
            content_damaged=self.shipping.content_damaged(parcels),
            # From here on nobody asks where it is: it is known not to come.
            gone_at=np.where(
                parcels.end == LOST,
                parcels.cut + 16 * DAY,
                np.where(parcels.end == DELIVERED, NEVER, np.where(parcels.end == VOIDED, 0, parcels.ended_at)),
            ),
            late=delivered_late(parcels),
        )

    @staticmethod
    def _line_parcels(lines: Columns, sent: Columns) -> Ints:
        """The parcel each line went with; -1 for none."""
        orders = int(max(lines.order.max(initial=0), sent.order.max(initial=0))) + 1
        table = np.full((orders, 2), -1)
        table[sent.order[sent.kind == FIRST], 0] = np.flatnonzero(sent.kind == FIRST)
        table[sent.order[sent.kind == SECOND], 1] = np.flatnonzero(sent.kind == SECOND)
        own = table[lines.order, lines.place % 2]
        return np.asarray(np.where(own >= 0, own, table[lines.order, 0]))

    def _delay_notices(self, parcels: Columns) -> Ints:
        """When the merchant's tool told the customer of a delay; NEVER for most."""
        chance = self.chance
        at = (
            parcels.promise_end
            - 8 * 3600
            + (28 * 3600 * chance.uniform(parcels.key, "delay notice at")).astype(np.int64)
        )
        over = np.where(parcels.delivered_at > 0, parcels.delivered_at, np.minimum(parcels.gone_at, NEVER))
        told = chance.happens(parcels.key, "delay notice", self.settings["notices"]["delay_share"])
        eligible = np.isin(parcels.kind, (FIRST, SECOND)) & parcels.late & (at < over) & (parcels.end != VOIDED)
        return np.where(eligible & told, np.maximum(at, parcels.known + DAY), NEVER).astype(np.int64)

    def _repeating(self, fresh: Happenings) -> tuple[Columns, Ints]:
        """Orders whose customers order again, and when."""
        orders, parcels, rules = fresh.orders, fresh.parcels, self.settings["repeat"]
        own = np.flatnonzero((parcels.kind == FIRST) & (parcels.end != VOIDED))
        late = np.zeros(len(orders), dtype=np.bool_)
        bad = np.zeros(len(orders), dtype=np.bool_)
        since = np.zeros(len(orders), dtype=np.int64)
        late[parcels.order[own]] = parcels.late[own]
        unpleasant = parcels.misdelivered | parcels.content_damaged | np.isin(parcels.end, (LOST, REFUSED, BAD_ADDRESS))
        bad[parcels.order[own]] = (unpleasant | (parcels.end == 2))[own]
        since[parcels.order[own]] = parcels.ended_at[own]
        chance = rules["chance"] * np.exp(rules["late"] * late + rules["bad"] * bad)
        chance = chance * self._habits("repeat")[orders.destination]
        again = (since > 0) & self.chance.happens(orders.key, "orders again", chance)
        gap = 5 + 70 * self.chance.uniform(orders.key, "orders again at") ** 1.3
        placed = since + (gap * DAY).astype(np.int64)
        rows = np.flatnonzero(again)
        return orders.take(rows), placed[rows]
