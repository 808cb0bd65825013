"""Orders and their lines: who buys what, when, and what is promised. What happens afterwards is elsewhere.

An order's id packs the day it was caused on, its number on that day, and whether it is a repeat of another order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from simulator.calendars import Calendars, weekday
from simulator.catalogue import Catalogue
from simulator.chance import Array, Chance, Ids, Ints, shuffle
from simulator.columns import Columns
from simulator.network import SERVICES, Network
from simulator.people import People
from simulator.settings import DAY
from simulator.shocks import Shocks

LINES: Final = 8  # ids of lines and parcels are eight times the order's and a place
PER_DAY_BITS: Final = np.uint64(22)


def order_keys(day: Array, number: Array, repeat: int) -> Ids:
    """Ids of the orders caused on `day`."""
    place = (number.astype(np.uint64) << np.uint64(1)) | np.uint64(repeat)
    return np.asarray((day.astype(np.uint64) << PER_DAY_BITS) | place, dtype=np.uint64)


def public_ids(keys: Array, base: int) -> Ints:
    """Numbers that vendors show: one-to-one with the keys, telling nothing about them."""
    return np.asarray(shuffle(keys, 48).astype(np.int64) + base)


class Ordering:
    """Draws orders. Volumes depend on the calendar day only."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        chance: Chance,
        calendars: Calendars,
        network: Network,
        shocks: Shocks,
        catalogue: Catalogue,
        people: People,
        orders_per_day: float,
        start: int,
    ) -> None:
        self.merchant = settings["merchant"]
        self.chance, self.calendars, self.network = chance, calendars, network
        self.catalogue, self.people = catalogue, people
        days = calendars.days
        factor = np.array(self.merchant["weekday_volume"])[weekday(days)]
        factor = factor * np.where(shocks.peak, settings["peak"]["volume"], 1.0)
        noise = np.exp(0.06 * chance.normal(days, "volume"))
        fresh = orders_per_day * (1 - self.merchant["repeat_share"])
        volume = np.floor(fresh * factor * noise + chance.uniform(days, "volume fraction")).astype(np.int64)
        volume[days < start] = 0
        self.volume = volume
        self.numbered = np.cumsum(volume) - volume  # orders of earlier days

    def day_volume(self, day: int) -> int:
        """Orders of first-time intent on a day (repeats come on top)."""
        return int(self.volume[day - self.calendars.base])

    def fresh(self, first: int, last: int) -> Columns:
        """Orders caused on the days from first to last - 1, without repeats of earlier ones."""
        days = np.arange(first, last)
        counts = self.volume[days - self.calendars.base]
        day = np.repeat(days, counts)
        number = np.arange(len(day)) - np.repeat(np.cumsum(counts) - counts, counts)
        keys = order_keys(day, number, 0)
        hour = self.chance.choose(keys, "hour", self.merchant["hour_volume"])
        second = hour * 3600 + self.chance.below(keys, "second", 3600)
        customer = self.chance.below(keys, "customer", self.people.population)
        return self._details(keys, day, number, day * DAY + second, customer)

    def repeats(self, parents: Columns, placed: Array) -> Columns:
        """Orders that the customers of `parents` place later, one each."""
        keys = parents.key | np.uint64(1)
        return self._details(keys, parents.day, parents.number, placed, parents.customer)

    def _details(self, keys: Array, day: Array, number: Array, placed: Array, customer: Array) -> Columns:
        chance, net, rules = self.chance, self.network, self.merchant
        traits = self.people.traits(customer)
        repeat = (keys & np.uint64(1)).astype(np.int64)
        swap = chance.below(keys >> np.uint64(1), "number", 2)
        sequence = 2 * (self.numbered[day - self.calendars.base] + number) + (repeat ^ swap)
        u = chance.uniform(keys, "ending")
        steps = np.cumsum([rules["cancelled_share"], rules["stock_out_share"], rules["forgotten_share"]])
        ending = np.where(u < steps[0], 1, np.where(u < steps[1], 2, np.where(u < steps[2], 3, 0)))
        lines = 1 + chance.choose(keys, "lines", rules["lines_per_order"])
        orders = Columns(
            {
                "key": keys,
                "day": day,
                "number": number,
                "repeat": repeat,
                "sequence": sequence + 1_000_001,
                "placed": placed,
                "customer": customer,
                **traits.data,
                "channel": chance.choose(keys, "channel", list(rules["channels"].values())),
                "service": chance.choose(keys, "service", [rules_of["share"] for rules_of in net.services]),
                "lines": lines,
                "ending": ending,  # 0 shipped, 1 cancelled before shipping, 2 out of stock, 3 forgotten
            }
        )
        houses = chance.choose(keys, "warehouse", net.house_share[orders.destination])
        orders.set(
            warehouse=houses,
            split=(lines > 1) & chance.happens(keys, "split", rules["split_share"]),
            base=self.base_day(placed, houses),
        )
        zone = net.zone[houses, orders.destination]
        allowed = rules["handling_working_days"] + net.standard[orders.service, zone]
        orders.set(
            promised=self.calendars.business.advance(orders.base, allowed),
            cancelled_at=self._cancelled_at(keys, placed, ending),
        )
        return orders

    def base_day(self, moment: Array, warehouse: Array) -> Ints:
        """The origin's local day that an order counts for: the next one after the cut-off."""
        zone = self.network.warehouse_zone[warehouse]
        local = moment + self.calendars.offset(zone, moment // DAY)
        late = (local % DAY) >= self.merchant["cutoff_hour"] * 3600
        return np.asarray(local // DAY + late, dtype=np.int64)

    def _cancelled_at(self, keys: Array, placed: Array, ending: Array) -> Ints:
        """UTC seconds, 0 for never."""
        u = self.chance.uniform(keys, "cancelled at")
        early = placed + 600 + (u * 9 * 3600).astype(np.int64)
        stock_out = placed + ((10 + 10 * u) * DAY).astype(np.int64)
        return np.where(ending == 1, early, np.where(ending == 2, stock_out, 0)).astype(np.int64)

    def lines(self, orders: Columns) -> Columns:
        """One row per order line; bracketing adds a second size of the first line's product."""
        chance, goods = self.chance, self.catalogue
        row = np.repeat(np.arange(len(orders)), orders.lines)
        place = np.arange(len(row)) - np.repeat(np.cumsum(orders.lines) - orders.lines, orders.lines)
        keys = orders.key[row] * np.uint64(LINES) + place.astype(np.uint64)
        sku = chance.choose(keys, "sku", goods.weight)
        quantity = 1 + (chance.uniform(keys, "quantity") > 0.93).astype(np.int64)
        sized = goods.size_order[sku] >= 0
        first = (place == 0) & sized & chance.happens(orders.key[row], "bracket", self.people.returns["bracketing"])
        up = np.minimum(sku + 1, len(goods.sku) - 1)
        twin = np.where(goods.product[up] == goods.product[sku], up, np.maximum(sku - 1, 0))
        rows = Columns({"key": keys, "order": row, "place": place, "sku": sku, "quantity": quantity, "twin": first})
        extra = rows.take(first)
        extra.set(key=extra.key + np.uint64(6), place=extra.place + 6, sku=twin[first])
        joined = Columns({name: np.concatenate([rows.data[name], extra.data[name]]) for name in rows.data})
        joined = joined.take(np.argsort(joined.key, kind="stable"))
        price = goods.price[joined.sku]
        discount = np.where(chance.happens(joined.key, "sale", 0.18), 0.8, 1.0)
        joined.set(price=np.round(price * discount).astype(np.int64))
        return joined


def service_name(index: Array) -> Array:
    """Names of services as the shop writes them."""
    return np.array(SERVICES, dtype=object)[index]
