"""Which carrier gets which lane: the merchant gives hard lanes to the carrier it trusts most.

That is what confounds the raw league table of carriers, on purpose.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from simulator.calendars import WorkingDays, weekday
from simulator.chance import Array, Chance, Ints, Reals
from simulator.network import Network
from simulator.transit import Transit

MONDAY: Final = 18_631  # a Monday far from any holiday that matters; the weeks used here have none


class Assignment:
    """`hardness[warehouse, destination]` and its third, `carrier_share[warehouse, destination, carrier]`."""

    def __init__(self, network: Network, transit: Transit) -> None:
        self.hardness = self._hardness(network, transit)
        order = np.argsort(np.argsort(self.hardness, axis=None, kind="stable"), kind="stable")
        thirds = order.reshape(self.hardness.shape) * 3 // self.hardness.size
        self.tercile: Ints = thirds.astype(np.int64)
        shares = np.array([carrier["shares"] for carrier in network.carriers])
        self.carrier_share: Reals = np.moveaxis(shares[:, self.tercile], 0, -1)

    @staticmethod
    def _hardness(network: Network, transit: Transit) -> Reals:
        """Chance to miss the promise with an average carrier in ordinary weeks, over all services and weekdays."""
        rules = network.settings
        days = np.arange(MONDAY, MONDAY + 140)
        business = WorkingDays(MONDAY, weekday(days) < 5)
        carrier = WorkingDays(MONDAY, weekday(days) < 6)
        pmf = transit.handling(np.array([rules["handover"]["geometric"]]))[0]
        extra = transit.extra.mean(axis=0)[network.abroad.astype(np.int64)]  # [destination, days]
        missed = np.zeros(network.zone.shape)
        for service, share in enumerate(service["share"] for service in network.services):
            centre = np.log(network.median[service][network.zone]) + network.difficulty
            scale = np.full(centre.shape, network.service_scatter[service])
            allowed = rules["merchant"]["handling_working_days"] + network.standard[service][network.zone]
            for base in range(MONDAY, MONDAY + 7):
                first = business.first(np.array(base))
                promised = business.advance(np.full(allowed.shape, base), allowed)
                for handling, chance in enumerate(pmf):
                    left = business.advance(first, np.array(handling))
                    within = carrier.between(np.full(allowed.shape, left), np.maximum(promised, left))
                    missed += share / 7 * chance * (1 - transit.within(within, centre, scale, extra[None, :, :]))
        return missed

    def carrier(self, chance: Chance, keys: Array, warehouse: Array, destination: Array) -> Ints:
        """Who carries each parcel."""
        return chance.choose(keys, "carrier", self.carrier_share[warehouse, destination])
