"""How long parcels take, as distributions: the draws of the world and the probabilities of the truth share this.

A parcel handed over on day A needs X operating days, log X logistic; it is out for delivery on the ceil(X)-th
operating day after A, later by what befalls it: missorted, held by customs, falsely or truly not delivered at first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from simulator.chance import Array, Reals
from simulator.network import Network

LONGEST_DAYS: Final = 45  # operating days a linehaul takes at most
EXTRA_DAYS: Final = 12  # operating days that mishaps may add, one more than the greatest counted
HANDLING_DAYS: Final = 6  # working days until ready, one more than the greatest

# What follows a first real attempt that fails: (further operating days, share): next day; two failures; pickup point.
PICKUP_EXTRA: Final = (1, 2, 3)


def recipient_days(settings: Mapping[str, Any]) -> Reals:
    """Chances of 0, 1, 2, ... operating days added because nobody was there."""
    rules = settings["recipient"]
    missed, pickup = rules["not_home"], rules["pickup"]
    chances = np.zeros(4)
    chances[0] = 1 - missed
    chances[1] += missed * (1 - pickup) * (1 - rules["second_failure"])
    chances[2] += missed * (1 - pickup) * rules["second_failure"]
    for days in PICKUP_EXTRA:
        chances[days] += missed * pickup / len(PICKUP_EXTRA)
    return chances


def _with_chance(chance: float, days: list[float]) -> Reals:
    return np.array([1 - chance, *(chance * np.array(days) / sum(days))])


class Transit:
    """Distributions by carrier, service and lane. Probabilities are exact sums, not simulated."""

    def __init__(self, network: Network) -> None:
        settings = network.settings
        self.network = network
        self.recipient = recipient_days(settings)
        self.missort = np.array(settings["missort"]["days"]) / sum(settings["missort"]["days"])
        self.customs = np.array(settings["customs"]["days"]) / sum(settings["customs"]["days"])
        carriers = len(network.carriers)
        self.extra = np.zeros((carriers, 2, EXTRA_DAYS))  # [carrier, across a border, days]
        self.extra_attempt = np.zeros((carriers, 2, EXTRA_DAYS))  # the same until the first real attempt
        for row, carrier in enumerate(network.carriers):
            carrier_days = np.convolve(
                _with_chance(carrier["missort"], settings["missort"]["days"]),
                [1 - carrier["false_attempt"], carrier["false_attempt"]],
            )
            for abroad, held in enumerate((0.0, settings["customs"]["held"])):
                mishaps = np.convolve(carrier_days, _with_chance(held, settings["customs"]["days"]))
                self.extra_attempt[row, abroad] = self._padded(mishaps)
                self.extra[row, abroad] = self._padded(np.convolve(mishaps, self.recipient))
        recipient = settings["recipient"]
        ends = np.array([carrier["lost"] + carrier["damaged"] for carrier in network.carriers])
        self.delivered = 1 - ends - recipient["refused"] - recipient["bad_address"]  # [carrier]
        late = np.array(settings["handover"]["late_days"])
        self.late_days = late / late.sum()

    def _padded(self, chances: Reals) -> Reals:
        kept = np.zeros(EXTRA_DAYS)
        kept[: min(len(chances), EXTRA_DAYS)] = chances[:EXTRA_DAYS]
        return kept

    def centre(self, carrier: Array, service: Array, warehouse: Array, destination: Array) -> Reals:
        """Log of the median operating days, without shocks."""
        net = self.network
        zone = net.zone[warehouse, destination]
        return np.asarray(
            np.log(net.median[service, zone]) + net.speed[carrier] + net.difficulty[warehouse, destination]
        )

    def scale(self, carrier: Array, service: Array) -> Reals:
        """Scale of the logistic."""
        return np.asarray(self.network.service_scatter[service] * self.network.scatter[carrier])

    def within(self, days: Array, centre: Array, scale: Array, extra: Reals) -> Reals:
        """Chance that linehaul and mishaps take at most `days` operating days; `extra` has a row for each parcel."""
        days = np.asarray(days)
        logs = np.log(np.maximum(np.arange(max(int(days.max(initial=0)), 0) + 1), 1))
        logs[LONGEST_DAYS:] = np.inf  # surely over by then
        logs[0] = -np.inf  # surely not
        total = np.zeros(np.broadcast(days, centre).shape)
        for added in np.flatnonzero(extra.any(axis=tuple(range(extra.ndim - 1)))):
            unreached = np.exp((centre - logs[np.maximum(days - added, 0)]) / scale)
            total += extra[..., added] * (1 / (1 + unreached))
        return total

    def handling(self, again: Array) -> Reals:
        """Chances of 0, 1, 2, ... working days from the order's base day to the hand-over, a row for each parcel.

        `again` is the chance of each further working day before a parcel is ready.
        """
        q = np.asarray(again)[..., None]
        ready = (1 - q) * q ** np.arange(HANDLING_DAYS)
        ready[..., -1] = np.asarray(again) ** (HANDLING_DAYS - 1)
        total = np.zeros((*ready.shape[:-1], HANDLING_DAYS + len(self.late_days) - 1))
        for late, share in enumerate(self.late_days):
            total[..., late : late + HANDLING_DAYS] += share * ready
        return total
