"""The best that could be said of parcels on the way: what the true parameters make of the scans received so far.

For each parcel, many continuations from its last received scan: how long the linehaul needs is drawn given where the
parcel was last seen, everything else as the world draws it, and what does not agree with the scans received by then is
put aside. Causes that lie ahead (storms, mishaps, nobody home) are drawn or left out, never looked up.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Final

import numpy as np

from simulator.calendars import WorkingDays
from simulator.chance import Array, Chance, Flags, Ints, Reals
from simulator.codes import Event
from simulator.columns import Columns, stack
from simulator.journeys import DELIVERED, LEFT_AT, VOIDED, Journeys
from simulator.records import View
from simulator.scans import HUB_JITTER, Reporting
from simulator.settings import DAY
from simulator.stream import blocks
from simulator.transit import LONGEST_DAYS
from simulator.world import World

CONTINUATIONS: Final = 200
_DRAWS: Final = 600  # continuations drawn of each parcel; those that agree with its scans are kept
_NEEDS: Final = 240  # points of the grid on which the days needed are drawn
_COUNTED: Final = (
    (Event.MISSORTED,),
    (Event.CUSTOMS,),
    (Event.CLEARED,),
    (Event.AT_DESTINATION,),
    (Event.OUT,),
    (Event.NOT_HOME,),
    (Event.PICKUP,),
    (Event.DELIVERED, Event.PICKED_UP),
    (Event.REFUSED, Event.BAD_ADDRESS, Event.RETURNING, Event.RETURNED, Event.LOST, Event.DAMAGED, Event.VOIDED),
)
_HUB, _MISSORTED, _CUSTOMS, _CLEARED, _ARRIVED, _OUT = range(6)
_DONE: Final = slice(8, 10)  # delivered, ended otherwise


class Oracle:
    """Forecasts for the parcels of a world that are open a number of hours before their promise ends."""

    def __init__(self, world: World, hours_before: float, since: int, until: int) -> None:
        """Parcels whose moment lies on the days `since` to `until` - 1."""
        self.world = world
        parcels, scans = self._everything()
        moment = parcels.promise_end - int(hours_before * 3600)
        seen = _signature(scans, moment, len(parcels))
        is_open = (parcels.delivered_at <= 0) | (parcels.delivered_at > moment)
        accepted = np.zeros(len(parcels), dtype=np.bool_)
        physical = (scans.event != Event.LABEL) & (scans.known <= moment[scans.parcel])
        accepted[scans.parcel[physical]] = True
        due = (moment >= since * DAY) & (moment < until * DAY)
        chosen = due & is_open & accepted & (parcels.end != VOIDED) & (seen[:, _DONE].sum(axis=1) == 0)
        self.rows = np.flatnonzero(chosen)
        self.parcels = parcels.take(self.rows)
        self.moment, self.seen = moment[self.rows], seen[self.rows]
        self.last_hub_at = _last_hub(scans, moment, len(parcels))[self.rows]

    def _everything(self) -> tuple[Columns, Columns]:
        parts, scans, before = [], [], 0
        request = self.world.request
        for first, last in blocks(self.world, request.start, request.end):
            for happened in self.world.happenings(first, last):
                tracking = View(self.world, happened).tracking.to_numpy().astype(str)
                parts.append(Columns({**happened.parcels.data, "tracking": tracking}))
                scans.append(happened.scans.take(np.arange(len(happened.scans))))
                scans[-1].set(parcel=scans[-1].parcel + before)
                before += len(happened.parcels)
        return stack(parts), stack(scans)

    def forecasts(self) -> tuple[Reals, Reals, Ints]:
        """Per parcel: the median day of delivery, the chance of missing the promise, and how many continuations agreed.

        The median is that of the continuations that deliver at all.
        """
        size = len(self.rows)
        middle, missed, agreed = np.zeros(size), np.zeros(size), np.zeros(size, dtype=np.int64)
        for day in np.unique(self.moment // DAY):
            rows = np.flatnonzero(self.moment // DAY == day)
            for place, days, delivered in self._continued(rows, int(day)):
                late = ~delivered | (days > self.parcels.promised[rows[place]])
                middle[rows[place]] = np.median(days[delivered]) if delivered.any() else days.max(initial=0)
                missed[rows[place]] = late.mean()
                agreed[rows[place]] = len(days)
        return middle, missed, agreed

    def _continued(self, rows: Ints, day: int) -> Iterator[tuple[int, Ints, Flags]]:
        """Of each parcel: on which days its continuations end, and which of them in delivery."""
        world = self.world
        calendars = copy.copy(world.calendars)
        ahead = world.calendars.days >= day
        calendars.carriers = WorkingDays(
            calendars.base, world.calendars.nominal.works & ~(world.calendars.storm & ~ahead)[None]
        )
        chance = Chance(world.request.seed + 7_919)
        journeys = Journeys(world.settings, chance, calendars, world.network, world.shocks, world.transit)
        reporting = Reporting(world.settings, chance, calendars, world.network, journeys)
        source = np.repeat(rows, _DRAWS)
        drawn = self.parcels.take(source)
        nth = np.tile(np.arange(_DRAWS), len(rows)).astype(np.uint64)
        drawn.data.pop("cut", None)
        drawn.set(key=drawn.key * np.uint64(2**20) + nth)
        needs = self._needs(chance, drawn, source, calendars.carriers)
        drawn.set(needs=needs, linehaul=np.ceil(needs).astype(np.int64))
        journeys._mishaps(drawn)
        self._keep_what_happened(drawn, source)
        journeys._end(drawn)
        scans = reporting.scans(drawn)
        found = _signature(scans, self.moment[source], len(drawn))
        agrees = (found == self.seen[source]).all(axis=1)
        loosely = (found[:, _OUT:] == self.seen[source][:, _OUT:]).all(axis=1)
        for place in range(len(rows)):
            own = slice(place * _DRAWS, (place + 1) * _DRAWS)
            fits = next((one[own] for one in (agrees, loosely) if one[own].any()), np.ones(_DRAWS, dtype=np.bool_))
            kept = np.flatnonzero(fits)
            kept = kept[np.arange(max(CONTINUATIONS, len(kept))) % len(kept)] + place * _DRAWS
            yield place, drawn.stop_day[kept], drawn.end[kept] == DELIVERED

    def _needs(self, chance: Chance, drawn: Columns, source: Ints, working: WorkingDays) -> Reals:
        """Days of linehaul: by the parameters and the last place it was seen at; as they were once it is over."""
        seen, net = self.seen[source], self.world.network
        hubs = net.hubs[drawn.service, net.zone[drawn.warehouse, drawn.destination]]
        hub = seen[:, _HUB]
        at = self.last_hub_at[source]
        zone = net.destination_zone[drawn.destination]
        local = at + self.world.calendars.offset(zone, at // DAY) - LEFT_AT
        day = np.maximum(local // DAY, drawn.handover)
        position = working.between(drawn.handover, day, drawn.carrier, drawn.destination) + (local % DAY) / DAY
        known = np.where(seen[:, _MISSORTED] > 0, drawn.missort_days, 0)
        known = known + np.where(seen[:, _CLEARED] > 0, drawn.customs_days, 0)
        position = np.maximum(position - known, 0.05)
        steps = np.linspace(0, 1, _NEEDS + 2)[1:-1]
        grid = np.log(steps / (1 - steps))  # even chances of the logistic
        first = np.arange(0, len(source), _DRAWS)
        values = drawn.centre[first, None] + drawn.scale[first, None] * grid
        expected = np.log(position * (hubs + 1) / np.maximum(hub, 1))[first, None]
        weight = np.where((hub > 0)[first, None], np.exp(-0.5 * ((expected - values) / HUB_JITTER) ** 2) + 1e-12, 1.0)
        share = np.cumsum(weight, axis=1) / weight.sum(axis=1, keepdims=True)
        u = chance.uniform(drawn.key, "needs").reshape(-1, _DRAWS)
        place = np.stack([np.searchsorted(row, draws) for row, draws in zip(share, u, strict=True)])
        needs = np.exp(np.take_along_axis(values, np.minimum(place, _NEEDS - 1), 1)).reshape(-1)
        there = (seen[:, _ARRIVED] > 0) | (seen[:, _OUT] > 0)
        return np.where(there, drawn.needs, np.clip(needs, 0.05, LONGEST_DAYS))

    def _keep_what_happened(self, drawn: Columns, source: Ints) -> None:
        """Mishaps that scans have told of are facts; how long an open one takes is drawn as the world draws it."""
        seen = self.seen[source]
        truth = self.parcels.take(source)
        there = (seen[:, _ARRIVED] > 0) | (seen[:, _OUT] > 0)
        for name, told, chances in (
            ("missort", seen[:, _MISSORTED] > 0, self.world.transit.missort),
            ("customs", seen[:, _CUSTOMS] > 0, self.world.transit.customs),
        ):
            again = 1 + self.world.chance.choose(drawn.key, f"oracle {name}", chances)
            days = np.where(told, np.where(there, truth.data[f"{name}_days"], again), drawn.data[f"{name}_days"])
            days = np.where(there, truth.data[f"{name}_days"], days)
            drawn.set(**{f"{name}_days": days.astype(np.int64)})
            at = np.where(told | there, truth.data[f"{name}_at"], drawn.data[f"{name}_at"])
            drawn.set(**{f"{name}_at": at})


def _signature(scans: Columns, moment: Array, parcels: int) -> Ints:
    """What has been received of each parcel by its moment: the last hub, and scans of each kind that counts."""
    heard = scans.known <= moment[scans.parcel]
    hub = np.zeros(parcels, dtype=np.int64)
    arrived = heard & (scans.event == Event.ARRIVED)
    np.maximum.at(hub, scans.parcel[arrived], scans.nth[arrived])
    counts = [np.bincount(scans.parcel[heard & np.isin(scans.event, events)], minlength=parcels) for events in _COUNTED]
    return np.stack([hub, *counts], axis=1).astype(np.int64)


def _last_hub(scans: Columns, moment: Array, parcels: int) -> Ints:
    """When the last hub that was heard of saw each parcel, by the carrier's clock."""
    rows = np.flatnonzero((scans.known <= moment[scans.parcel]) & (scans.event == Event.ARRIVED))
    rows = rows[np.argsort(scans.parcel[rows] * 64 + scans.nth[rows], kind="stable")]
    at = np.full(parcels, DAY, dtype=np.int64)
    at[scans.parcel[rows]] = scans.occurred[rows]
    return at
