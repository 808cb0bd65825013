"""Warehouses, destinations, lanes, carriers and services as arrays.

A lane is a warehouse and a destination region. How long a parcel takes is in `simulator.transit`, who carries it in
`simulator.assignment`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from simulator.chance import Array, Chance, Flags, Ints, Reals

SERVICES: Final = ("ground", "express", "economy")


def _distance_km(a: Array, b: Array) -> Reals:
    """Great-circle distances between rows of (latitude, longitude) in degrees."""
    (lat1, lon1), (lat2, lon2) = np.radians(a).T[:, :, None], np.radians(b).T[:, None, :]
    inner = np.sin((lat2 - lat1) / 2) ** 2 + np.cos(lat1) * np.cos(lat2) * np.sin((lon2 - lon1) / 2) ** 2
    return np.asarray(12742 * np.arcsin(np.sqrt(inner)))


class Network:
    """Static tables. Axes are named in this order wherever they occur: carrier, service, warehouse, destination."""

    def __init__(self, settings: Mapping[str, Any], chance: Chance, zones: list[str]) -> None:
        self.settings = settings
        rows = settings["destinations"]["rows"]
        houses = settings["warehouses"]
        self.carriers: list[Mapping[str, Any]] = settings["carriers"]
        self.services = [settings["services"][name] for name in SERVICES]
        self.regions = [row[0] for row in rows]
        self.countries = [row[1] for row in rows]
        self.zone_names = [row[2] for row in rows]
        self.postal = [row[7] for row in rows]
        self.cities = [row[8] for row in rows]
        self.destination_share = np.array([row[5] for row in rows], dtype=np.float64)
        self.abroad: Flags = np.array([row[1] != "US" for row in rows])
        self.destination_zone: Ints = np.array([zones.index(row[2]) for row in rows])
        self.nodes = [house["node"] for house in houses]
        self.node_regions = [house["region"] for house in houses]
        self.warehouse_zone: Ints = np.array([zones.index(house["zone"]) for house in houses])
        self.distance = _distance_km(
            np.array([house["at"] for house in houses], dtype=np.float64),
            np.array([[row[3], row[4]] for row in rows], dtype=np.float64),
        )
        self.zone = self._zones(settings["zones"])
        remoteness = np.array([row[6] for row in rows], dtype=np.float64)
        lanes = np.arange(len(houses) * len(rows))
        self.difficulty: Reals = remoteness + settings["shocks"]["lane_spread"] * chance.normal(lanes, "lane").reshape(
            self.zone.shape
        )
        self.speed = np.array([carrier["speed"] for carrier in self.carriers])
        self.scatter = np.array([carrier["scatter"] for carrier in self.carriers])
        self.median = np.array([service["median_days"] for service in self.services])
        self.standard: Ints = np.array([service["standard_days"] for service in self.services])
        self.service_scatter = np.array([service["scatter"] for service in self.services])
        self.hubs: Ints = np.array([service["hubs"] for service in self.services])
        self.rate = np.array([service["rate"] for service in self.services])
        self.house_share = self._house_share()

    def _zones(self, limits: Mapping[str, Any]) -> Ints:
        inland = np.searchsorted(np.array(limits["upto_km"], dtype=np.float64), self.distance)
        across = len(limits["upto_km"]) + 1 + (self.distance > limits["border_near_km"])
        return np.where(self.abroad[None, :], across, inland).astype(np.int64)

    def _house_share(self) -> Reals:
        """[destination, warehouse]: mostly from the nearest one."""
        closeness = np.exp(-self.distance.T / 900.0)
        return np.asarray(0.06 + closeness / closeness.sum(axis=1, keepdims=True))
