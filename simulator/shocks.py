"""What the parcels of a week or of a depot's day share: added to the log of transit, or to the hand-over's delay."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import numpy as np

from simulator.calendars import Calendars, week
from simulator.chance import Array, Chance, Flags, Reals
from simulator.network import Network
from simulator.settings import EPOCH, Request


class Shocks:
    """`drift[carrier, warehouse, day]`, `lane_week[carrier, warehouse, destination, week]`, `collapse[carrier, day]`.

    Keyed by absolute day and week: a longer world has the same shocks on the days both have.
    """

    def __init__(
        self, request: Request, settings: Mapping[str, Any], chance: Chance, calendars: Calendars, network: Network
    ) -> None:
        quiet = "quiet" in request.scenarios
        level = settings["shocks"]
        days = calendars.days
        weeks = np.unique(week(days))
        self.base = calendars.base
        self.first_week = int(weeks[0])
        self.week_of = (week(days) - self.first_week).astype(np.int64)
        carriers, houses, places = len(network.carriers), len(network.nodes), len(network.regions)
        on = 0.0 if quiet else 1.0

        def noise(purpose: str, units: Array, spread: float) -> Reals:
            return on * spread * chance.normal(units, purpose)

        who = np.arange(carriers)
        self.carrier_week = noise("week", weeks[None, :] * 64 + who[:, None], level["week_carrier"])
        lane = who[:, None, None] * 10_000 + np.arange(houses)[:, None] * 1_000 + np.arange(places)
        self.lane_week = noise("lane week", weeks * 1_000_000 + lane[..., None], level["week_lane"])
        depot = (days[None, None, :] * 64 + who[:, None, None]) * 64 + np.arange(houses)[:, None]
        bad = chance.happens(depot, "bad day", on * level["bad_depot_day_share"])
        self.peak = self._peak(calendars, settings["peak"]) & (not quiet)
        sensitivity = np.array([carrier["peak"] for carrier in network.carriers])
        self.collapse = self._collapse(request, settings, calendars, network)
        self.drift = (
            self.carrier_week[:, None, self.week_of]
            + noise("depot day", depot, level["depot_day"])
            + bad * level["bad_depot_day"]
            + settings["peak"]["slowdown"] * sensitivity[:, None, None] * self.peak
            + self.collapse[:, None, :]
        )
        house_week = weeks[None, :] * 64 + np.arange(houses)[:, None]
        spread = noise("hand-over", house_week, settings["handover"]["week_spread"])
        again = np.clip(settings["handover"]["geometric"] * np.exp(spread), 0.02, 0.75)
        self.handling_again: Reals = again[:, self.week_of]  # [warehouse, day]

    def _peak(self, calendars: Calendars, peak: Mapping[str, Any]) -> Flags:
        dates = [EPOCH + timedelta(days=int(day)) for day in calendars.days]
        return np.array(
            [date(d.year, *peak["start"]) <= d <= date(d.year, *peak["end"]) for d in dates], dtype=np.bool_
        )

    def _collapse(self, request: Request, settings: Mapping[str, Any], calendars: Calendars, network: Network) -> Reals:
        plan = settings["scenarios"]["capacity_collapse"]
        slowed = np.zeros((len(network.carriers), len(calendars.days)))
        if "capacity_collapse" in request.scenarios:
            since = request.start + plan["start_day"]
            hit = (calendars.days >= since) & (calendars.days < since + plan["days"])
            names = [carrier["name"] for carrier in network.carriers]
            slowed[names.index(plan["carrier"])] = plan["slowdown"] * hit
        return slowed

    def transit(self, carrier: Array, warehouse: Array, destination: Array, day: Array) -> Reals:
        """Sum of all shocks on a parcel that the carrier takes over on `day`."""
        at = day - self.base
        lane = self.lane_week[carrier, warehouse, destination, self.week_of[at]]
        return np.asarray(self.drift[carrier, warehouse, at] + lane)
