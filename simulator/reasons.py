"""Reasons to write: what a parcel, a return or an order makes a customer ask, each drawn for itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from simulator.calendars import Calendars
from simulator.chance import Array, Chance, Flags, Ints
from simulator.codes import Event
from simulator.columns import Columns
from simulator.journeys import BAD_ADDRESS, DAMAGED, HOUR, LOST, REFUSED, VOIDED
from simulator.network import Network
from simulator.parcels import NEVER, RESHIPMENT, waking
from simulator.phrases import NUMBERED, number
from simulator.returning import EXPIRED, RETURN_CAUSES
from simulator.settings import DAY

STALL: Final = 3 * DAY
SLOW_REFUND: Final = 9 * DAY
TRIGGERS: Final = (
    "curious",
    "not_shipped",
    "stalled",
    "exception",
    "past_promise",
    "misdelivered",
    "content_damaged",
    "ended_damaged",
    "lost",
    "sent_back",
    "return_help",
    "refund_wait",
    "cancelling",
    "order_change",
    "product",
    "other",
    "again",
)


class Reasons:
    """Draws contacts. Each is: order, parcel, ret (rows or -1), at, situation, trigger, trouble (since when there was
    something to ask about; NEVER for plain curiosity)."""

    def __init__(self, settings: Mapping[str, Any], chance: Chance, calendars: Calendars, network: Network) -> None:
        self.rules = settings["contacts"]
        self.chance, self.calendars, self.network = chance, calendars, network

    def all(self, orders: Columns, parcels: Columns, scans: Columns, returns: Columns) -> Columns:
        """All contacts that there is a reason for."""
        found: list[Columns] = []
        self._about_parcels(orders, parcels, scans, found)
        self._about_ends(orders, parcels, found)
        self._about_returns(orders, returns, found)
        self._about_orders(orders, found)
        return Columns({name: np.concatenate([part.data[name] for part in found]) for name in found[0].data})

    def _add(
        self,
        found: list[Columns],
        order: Array,
        parcel: Array,
        ret: Array,
        at: Array,
        situation: Array | int,
        trigger: str,
        trouble: Array,
    ) -> None:
        count = len(order)
        found.append(
            Columns(
                {
                    "order": order,
                    "parcel": parcel,
                    "ret": ret,
                    "at": np.asarray(at, dtype=np.int64),
                    "situation": np.broadcast_to(np.asarray(situation), (count,)).astype(np.int64),
                    "trigger": np.full(count, TRIGGERS.index(trigger)),
                    "trouble": np.asarray(trouble, dtype=np.int64),
                }
            )
        )

    def _about_parcels(self, orders: Columns, parcels: Columns, scans: Columns, found: list[Columns]) -> None:
        chance, rules = self.chance, self.rules
        key, lean = parcels.key, orders.inclination[parcels.order]
        zone = self.network.destination_zone[parcels.destination]
        over = np.where(parcels.delivered_at > 0, parcels.delivered_at, NEVER)
        alive = parcels.end != VOIDED

        def ask(which: Flags, at: Array, until: Array, situation: Array | int, trigger: str, trouble: Array) -> None:
            moved = waking(self.calendars, at, zone)
            rows = np.flatnonzero(which & alive & (moved < until))
            none = np.full(len(rows), -1)
            said = situation if isinstance(situation, int) else situation[rows]
            self._add(found, parcels.order[rows], rows, none, moved[rows], said, trigger, trouble[rows])

        never = np.full(len(parcels), NEVER)
        u = chance.uniform(key, "curious at")
        until = np.minimum(over, np.maximum(parcels.promise_end, parcels.accepted_at + DAY))
        curious = chance.happens(key, "curious", rules["moving"] * lean)
        at = parcels.accepted_at + (u * (until - parcels.accepted_at)).astype(np.int64)
        ask(curious & (parcels.kind != RESHIPMENT), at, until, number("wismo", "moving"), "curious", never)

        limit = self.calendars.warehouses.advance(parcels.base, np.full(len(key), 3), parcels.warehouse) * DAY
        waiting = chance.happens(key, "not shipped", rules["not_shipped"] * lean)
        u = chance.uniform(key, "not shipped at")
        at = limit + (u * np.maximum(parcels.accepted_at - limit, 0)).astype(np.int64)
        ask(waiting, at, parcels.accepted_at, number("wismo", "not_shipped"), "not_shipped", limit)

        since, resumed = self._silence(parcels, scans)
        stalled = chance.happens(key, "asks stalled", rules["stalled"] * lean)
        at = since + STALL + (chance.uniform(key, "stalled at") * 2 * DAY).astype(np.int64)
        ask(stalled, at, np.minimum(resumed, over), number("wismo", "stalled"), "stalled", since + 2 * DAY)

        trouble = self._first(parcels, scans, (Event.WEATHER, Event.CUSTOMS, Event.DELAYED, Event.NOT_HOME))
        worried = chance.happens(key, "asks exception", rules["exception"] * lean)
        at = trouble + ((2 + 22 * chance.uniform(key, "exception at")) * HOUR).astype(np.int64)
        ask(worried, at, over, number("wismo", "exception"), "exception", trouble)

        # By hazard: the first day past the promise on which the customer cannot wait any longer.
        hazard = np.minimum(np.array(rules["past_promise"])[None, :] * lean[:, None], 0.8)
        calm = np.cumprod(1 - hazard, axis=1)
        day = (chance.uniform(key, "past promise")[:, None] < calm).sum(axis=1)
        gives_in = day < hazard.shape[1]
        at = parcels.promise_end + day * DAY + ((8 + 12 * chance.uniform(key, "past at")) * HOUR).astype(np.int64)
        unsent = at < parcels.accepted_at
        says = np.where(unsent, number("wismo", "not_shipped"), number("wismo", "late"))
        first = parcels.kind != RESHIPMENT
        ask(gives_in & first, at, np.minimum(over, parcels.gone_at), says, "past_promise", parcels.promise_end)

    def _silence(self, parcels: Columns, scans: Columns) -> tuple[Ints, Ints]:
        """Start of the first silence of three days after the hand-over, and the scan that ends it (NEVER: none)."""
        same = scans.parcel[1:] == scans.parcel[:-1]
        moving = scans.event[:-1] != Event.LABEL
        gap = scans.happened[1:] - scans.happened[:-1]
        at = np.flatnonzero(same & moving & (gap > STALL))[::-1]
        since, resumed = np.full(len(parcels), NEVER), np.full(len(parcels), NEVER)
        since[scans.parcel[at]] = scans.happened[at]
        resumed[scans.parcel[at]] = scans.happened[at + 1]
        ends = np.flatnonzero(np.append(~same, True)) if len(scans) else np.zeros(0, dtype=np.int64)
        silent = ends[(since[scans.parcel[ends]] == NEVER) & (parcels.end[scans.parcel[ends]] == LOST)]
        since[scans.parcel[silent]] = scans.happened[silent]
        return since, resumed

    @staticmethod
    def _first(parcels: Columns, scans: Columns, events: tuple[Event, ...]) -> Ints:
        """Moment of a parcel's first scan of these events; NEVER where there is none."""
        first = np.full(len(parcels), NEVER)
        hit = np.flatnonzero(np.isin(scans.event, events))[::-1]
        first[scans.parcel[hit]] = scans.happened[hit]
        return first

    def _about_ends(self, orders: Columns, parcels: Columns, found: list[Columns]) -> None:
        chance, rules = self.chance, self.rules
        key = parcels.key
        lean = np.minimum(orders.inclination[parcels.order], 1.15)
        zone = self.network.destination_zone[parcels.destination]

        def ask(which: Flags, share: float, at: Array, situation: Array | int, trigger: str, trouble: Array) -> None:
            rows = np.flatnonzero(which & chance.happens(key, f"asks {trigger}", share * lean))
            moved = waking(self.calendars, at, zone)[rows]
            said = situation if isinstance(situation, int) else situation[rows]
            none = np.full(len(rows), -1)
            self._add(found, parcels.order[rows], rows, none, moved, said, trigger, trouble[rows])

        u = chance.uniform(key, "end at")
        soon = ((3 + 60 * u) * HOUR).astype(np.int64)
        elsewhere = chance.happens(key, "wrong place", 0.3)
        missing = np.where(
            elsewhere, number("delivery_problem", "wrong_place"), number("delivery_problem", "not_received")
        )
        done = parcels.delivered_at
        ask(parcels.misdelivered, rules["not_received"], done + soon, missing, "misdelivered", done)
        broken = number("delivery_problem", "damaged")
        ask(parcels.content_damaged, rules["damaged"], done + soon, broken, "content_damaged", done)
        gone = number("delivery_problem", "lost")
        ended = parcels.ended_at
        ask(parcels.end == DAMAGED, rules["damaged"], ended + soon, gone, "ended_damaged", ended)
        ask(parcels.end == LOST, rules["lost"], ended + 12 * DAY + 4 * soon, gone, "lost", parcels.promise_end)
        turned = np.isin(parcels.end, (REFUSED, BAD_ADDRESS))
        ask(turned, rules["lost"], parcels.cut + DAY + soon, gone, "sent_back", parcels.cut)

    def _about_returns(self, orders: Columns, returns: Columns, found: list[Columns]) -> None:
        chance, rules = self.chance, self.rules
        key = returns.key
        zone = self.network.destination_zone[orders.destination[returns.order]]
        lean = orders.inclination[returns.order]
        by_cause = np.full(len(RETURN_CAUSES), number("return_refund", "start_return"))
        for cause in ("quality", "wrong_item", "damaged", "not_as_described"):
            by_cause[RETURN_CAUSES.index(cause)] = number("return_refund", "quality")
        for cause in ("fit", "bracketing"):
            by_cause[RETURN_CAUSES.index(cause)] = number("return_refund", "exchange")

        def ask(which: Flags, at: Array, situation: Array, trigger: str, trouble: Array) -> None:
            rows = np.flatnonzero(which)
            moved = waking(self.calendars, at, zone)[rows]
            self._add(
                found, returns.order[rows], returns.parcel[rows], rows, moved, situation[rows], trigger, trouble[rows]
            )

        helped = chance.happens(key, "return help", rules["return_help"] * lean)
        before = returns.requested_at + (chance.uniform(key, "help at") * 20 * HOUR).astype(np.int64)
        never = np.full(len(returns), NEVER)
        ask(helped, before, by_cause[returns.first_cause], "return_help", never)
        waits = np.where(returns.stuck, NEVER, returns.settled_at - returns.received_at)
        slow = (returns.received_at < NEVER) & (waits > SLOW_REFUND) & (returns.outcome != EXPIRED)
        impatient = slow & chance.happens(key, "refund wait", np.where(returns.stuck, 0.8, rules["refund_wait"]) * lean)
        at = np.where(slow, returns.received_at, 0) + SLOW_REFUND
        at = at + (chance.uniform(key, "refund at") * 3 * DAY).astype(np.int64)
        about = np.full(len(returns), number("return_refund", "refund_status"))
        ask(impatient & (at < returns.settled_at), at, about, "refund_wait", at - SLOW_REFUND + 7 * DAY)

    def _about_orders(self, orders: Columns, found: list[Columns]) -> None:
        chance, rules = self.chance, self.rules
        key, lean = orders.key, orders.inclination
        zone = self.network.destination_zone[orders.destination]
        never = np.full(len(orders), NEVER)

        def ask(which: Flags, at: Array, situation: Array, trigger: str, trouble: Array) -> None:
            rows = np.flatnonzero(which)
            none = np.full(len(rows), -1)
            self._add(found, rows, none, none, at[rows], situation[rows], trigger, trouble[rows])

        def one_of(topic: str) -> Ints:
            places = [place for place, (name, _) in enumerate(NUMBERED) if name == topic]
            return np.array(places)[chance.below(key, f"{topic} situation", len(places))]

        cancels = (orders.ending == 1) & chance.happens(key, "asks to cancel", 0.6)
        cancel = np.full(len(orders), number("order_change", "cancel"))
        before = orders.placed + ((orders.cancelled_at - orders.placed) * 3 // 4)
        ask(cancels, before, cancel, "cancelling", never)
        u = chance.uniform(key, "change at")
        changes = (orders.ending == 0) & chance.happens(key, "change", rules["order_change"] * lean)
        ask(
            changes,
            orders.placed + 300 + (u * 20 * HOUR).astype(np.int64),
            one_of("order_change"),
            "order_change",
            never,
        )
        unsent = np.isin(orders.ending, (2, 3)) & chance.happens(key, "unsent", 0.5)
        since = orders.placed + 5 * DAY
        said = np.full(len(orders), number("wismo", "not_shipped"))
        when = waking(self.calendars, since + (u * 5 * DAY).astype(np.int64), zone)
        ask(unsent, when, said, "not_shipped", since)
        for topic, days in (("product", 20), ("other", 40)):
            writes = chance.happens(key, f"asks {topic}", rules[topic] * lean)
            at = orders.placed + HOUR + (chance.uniform(key, f"{topic} at") * days * DAY).astype(np.int64)
            ask(writes, waking(self.calendars, at, zone), one_of(topic), topic, never)
