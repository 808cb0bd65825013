"""Why a parcel is late, in truth: what would have brought it in time had it not happened. Probabilities of on time.

Part of the truth only; nothing of it reaches what connectors see.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from simulator.calendars import Calendars
from simulator.chance import Array, Reals
from simulator.columns import Columns
from simulator.journeys import DELIVERED, ENDS, VOIDED
from simulator.network import SERVICES, Network
from simulator.parcels import FIRST, SECOND
from simulator.shocks import Shocks
from simulator.transit import Transit

# In the order in which one is named before another that saves as many days.
CAUSES: Final = ("missort", "false_attempt", "weather", "customs", "recipient", "handover", "linehaul", "promise")
FAULT: Final = {
    "missort": "carrier", "false_attempt": "carrier", "weather": "weather", "customs": "customs",
    "recipient": "recipient", "handover": "merchant", "linehaul": "carrier", "promise": "merchant",
    "lost": "carrier", "damaged": "carrier", "refused": "recipient", "bad_address": "recipient", "voided": "merchant",
}  # fmt: skip


class Blame:
    """Counterfactuals and exact probabilities."""

    def __init__(self, network: Network, calendars: Calendars, transit: Transit, shocks: Shocks, allowed: int) -> None:
        self.network, self.calendars, self.transit, self.shocks = network, calendars, transit, shocks
        self.allowed = allowed

    def causes(self, parcels: Columns) -> dict[str, Array]:
        """Days that each cause cost, the main cause ('' when on time), and whose fault it is.

        A cause's days are how much earlier the parcel would have come without it and with everything else as it was.
        """
        calendars, net = self.calendars, self.network
        place = (parcels.carrier, parcels.destination)
        parts = {
            "missort": parcels.missort_days,
            "false_attempt": parcels.false_attempt,
            "customs": parcels.customs_days,
            "recipient": parcels.recipient_days,
        }
        total = parcels.linehaul + sum(parts.values())
        arrival = calendars.carriers.advance(parcels.handover, total, *place)
        zone = net.zone[parcels.warehouse, parcels.destination]
        standard = net.standard[parcels.service, zone]
        allowed = calendars.business.advance(parcels.base, np.full(len(parcels), self.allowed))
        left = np.minimum(parcels.handover, allowed)
        without = {
            name: calendars.carriers.advance(parcels.handover, total - days, *place) for name, days in parts.items()
        }
        without["weather"] = calendars.nominal.advance(parcels.handover, total, *place)
        without["handover"] = calendars.carriers.advance(left, total, *place)
        prompt = total - parcels.linehaul + np.minimum(parcels.linehaul, standard)
        without["linehaul"] = calendars.carriers.advance(parcels.handover, prompt, *place)
        saved = {name: np.maximum(arrival - day, 0) for name, day in without.items()}
        saved["promise"] = np.zeros(len(parcels), dtype=np.int64)
        table = np.stack([saved[name] for name in CAUSES])
        late_by = arrival - parcels.promised
        enough = (table >= late_by[None, :]) & (table > 0)
        best = np.where(enough.any(axis=0), np.where(enough, table + 1000, 0).argmax(axis=0), table.argmax(axis=0))
        best = np.where(table.max(axis=0) > 0, best, CAUSES.index("promise"))
        delivered = parcels.end == DELIVERED
        late = (~delivered | (late_by > 0)) & (parcels.end != VOIDED)
        named = np.array(["", *CAUSES, *ENDS], dtype=object)
        cause = np.where(late, np.where(delivered, 1 + best, 1 + len(CAUSES) + parcels.end), 0)
        fault = np.array([FAULT.get(name, "") for name in named], dtype=object)
        return {
            "late_by_days": np.where(delivered, late_by, 0),
            "is_late": late,
            **{f"days_{name}": saved[name] for name in CAUSES if name != "promise"},
            "cause": named[cause],
            "fault": fault[cause],
        }

    def chances(self, parcels: Columns, committed: Array) -> dict[str, Reals]:
        """Chances of on time given the actual hand-over and its week's shocks.

        `p_promise_at_handover`: delivered by the promised day; `p_commitment_at_handover`: by the committed day;
        `p_attempt_at_handover`: first real attempt by the committed day (0 where there is no commitment).
        """
        place = (parcels.carrier, parcels.destination)
        abroad = self.network.abroad[parcels.destination].astype(np.int64)
        delivered = self.transit.delivered[parcels.carrier]

        def within(until: Array, extra: Reals) -> Reals:
            days = self.calendars.carriers.between(parcels.handover, np.maximum(until, parcels.handover), *place)
            return self.transit.within(days, parcels.centre, parcels.scale, extra)

        extra, attempt = (
            self.transit.extra[parcels.carrier, abroad],
            self.transit.extra_attempt[parcels.carrier, abroad],
        )
        owed = committed > 0
        ends = np.array([carrier["lost"] + carrier["damaged"] for carrier in self.network.carriers])[parcels.carrier]
        return {
            "p_promise_at_handover": within(parcels.promised, extra) * delivered,
            "p_commitment_at_handover": np.where(owed, within(committed, extra) * delivered, 0.0),
            "p_attempt_at_handover": np.where(owed, within(committed, attempt) * (1 - ends), 0.0),
        }

    def at_order(self, parcels: Columns) -> tuple[Reals, pl.DataFrame]:
        """Chance of each parcel at the moment of the order, and what every carrier would have achieved in its place.

        The second answer has one row per day of order, lane, service and carrier: parcels, and the sums of their
        chances had that carrier taken them all (promise and commitment clocks). Only first and second parcels count.
        """
        own = np.zeros(len(parcels))
        counted = np.flatnonzero(np.isin(parcels.kind, (FIRST, SECOND)) & (parcels.end != VOIDED))
        some = parcels.take(counted)
        if not len(some):
            return own, pl.DataFrame()
        sizes = (len(self.network.nodes), len(self.network.regions), len(SERVICES), 4096, 128)
        offsets = (some.base - self.calendars.base, some.promised - some.base)
        packed = np.ravel_multi_index((some.warehouse, some.destination, some.service, *offsets), sizes)
        cells, inverse = np.unique(packed, return_inverse=True)
        house, place, service, base, allowed = np.unravel_index(cells, sizes)
        base = base + self.calendars.base
        promise, commitment = self._cells(house, place, service, base, base + allowed)
        own[counted] = promise[inverse, some.carrier]
        carriers = len(self.network.carriers)
        frame = pl.DataFrame(
            {
                "day": np.repeat(some.day, carriers),
                "warehouse": np.repeat(some.warehouse, carriers),
                "destination": np.repeat(some.destination, carriers),
                "service": np.repeat(some.service, carriers),
                "carrier": np.tile(np.arange(carriers), len(some)),
                "promise": promise[inverse].ravel(),
                "commitment": commitment[inverse].ravel(),
            }
        )
        keys = ["day", "warehouse", "destination", "service", "carrier"]
        sums = frame.group_by(keys).agg(
            pl.len().alias("parcels"),
            pl.col("promise").sum().round(9).alias("sum_p_promise"),
            pl.col("commitment").sum().round(9).alias("sum_p_commitment"),
        )
        return own, sums.sort(keys)

    def _cells(self, house: Array, place: Array, service: Array, base: Array, promised: Array) -> tuple[Reals, Reals]:
        """[cell, carrier]: chances over all hand-overs that may follow."""
        calendars, transit, net = self.calendars, self.transit, self.network
        carriers = np.arange(len(net.carriers))[None, :]
        house, place, service = house[:, None], place[:, None], service[:, None]
        pmf = transit.handling(self.shocks.handling_again[house[:, 0], base - calendars.base])
        first = calendars.warehouses.first(base, house[:, 0])
        abroad = net.abroad[place[:, 0]].astype(np.int64)
        extra = np.moveaxis(transit.extra[:, abroad], 0, 1)
        scale = transit.scale(carriers, service)
        still = transit.centre(carriers, service, house, place)
        standard = np.broadcast_to(net.standard[service, net.zone[house, place]], scale.shape)
        promise, commitment = np.zeros(scale.shape), np.zeros(scale.shape)
        promised = np.broadcast_to(promised[:, None], scale.shape)
        everyone, where = np.broadcast_to(carriers, scale.shape), np.broadcast_to(place, scale.shape)
        for step in range(pmf.shape[1]):
            left = calendars.warehouses.advance(first, np.full(len(first), step), house[:, 0])
            left = np.broadcast_to(left[:, None], scale.shape)
            centre = still + self.shocks.transit(carriers, house, place, left)
            days = calendars.carriers.between(left, np.maximum(promised, left), everyone, where)
            promise += pmf[:, step, None] * transit.within(days, centre, scale, extra)
            owed = calendars.nominal.advance(left, standard, everyone, where)
            days = calendars.carriers.between(left, owed, everyone, where)
            commitment += pmf[:, step, None] * transit.within(days, centre, scale, extra)
        return promise * transit.delivered, commitment * transit.delivered
