"""What carriers report of a journey: scans with gaps, late ones, wrong clocks and codes nobody knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from simulator.calendars import Calendars
from simulator.chance import Array, Chance, Flags, Ints
from simulator.codes import Event
from simulator.columns import Columns
from simulator.journeys import BAD_ADDRESS, DAMAGED, DELIVERED, HOUR, LOST, PICKUP, REFUSED, TWICE, VOIDED, Journeys
from simulator.network import Network
from simulator.settings import DAY

ORIGIN, HUB, DESTINATION = range(3)
HUBS: Final = (
    ("Louisville", "KY", "US"),
    ("Memphis", "TN", "US"),
    ("Indianapolis", "IN", "US"),
    ("Chicago", "IL", "US"),
    ("Dallas", "TX", "US"),
    ("Phoenix", "AZ", "US"),
    ("Denver", "CO", "US"),
    ("Harrisburg", "PA", "US"),
    ("Atlanta", "GA", "US"),
    ("Salt Lake City", "UT", "US"),
    ("Kansas City", "MO", "US"),
    ("Newark", "NJ", "US"),
)
HUB_JITTER: Final = 0.06  # of the log of a hub's place along the linehaul
FIRST_LATENCY: Final = 120  # seconds from event to record at least
DELAY_SAID: Final = 0.5  # of parcels slower than the standard: the carrier says so
DELAY_SAID_COLLAPSED: Final = 0.9
STORM_SAID: Final = 0.85


class Reporting:
    """Turns journeys into scans."""

    def __init__(
        self, settings: Mapping[str, Any], chance: Chance, calendars: Calendars, network: Network, journeys: Journeys
    ) -> None:
        self.dirt = settings["dirt"]
        self.chance, self.calendars, self.network, self.journeys = chance, calendars, network, journeys
        days = len(calendars.days)
        ahead = np.full(calendars.storm.shape, days + 10_000, dtype=np.int64)
        for day in range(days - 1, -1, -1):
            later = ahead[:, day + 1] if day + 1 < days else days + 10_000
            ahead[:, day] = np.where(calendars.storm[:, day], day, later)
        self.next_storm = ahead + calendars.base

    def scans(self, parcels: Columns) -> Columns:
        """Scans as reported, by parcel and true time: parcel (row), event, nth, happened, occurred, known, place, hub.

        Scans that nobody reports are left out; `happened` is the truth, `occurred` what the carrier's clock said.
        """
        parts: list[tuple[Array, Event, int, Array, int]] = []
        self._begin(parcels, parts)
        self._on_the_way(parcels, parts)
        self._trouble(parcels, parts)
        self._at_the_door(parcels, parts)
        self._other_ends(parcels, parts)
        row = np.concatenate([part[0] for part in parts])
        events = Columns(
            {
                "parcel": row,
                "event": np.concatenate([np.full(len(part[0]), int(part[1])) for part in parts]),
                "nth": np.concatenate([np.full(len(part[0]), part[2]) for part in parts]),
                "happened": np.concatenate([part[3] for part in parts]),
                "place": np.concatenate([np.full(len(part[0]), part[4]) for part in parts]),
            }
        )
        order = (row << 36) | ((events.happened - self.calendars.base * DAY) << 9) | (events.event << 4) | events.nth
        events = events.take(np.argsort(order))
        return self._reported(parcels, events)

    def _begin(self, parcels: Columns, parts: list[Any]) -> None:
        rows = np.arange(len(parcels))
        parts.append((rows, Event.LABEL, 0, parcels.label_at, ORIGIN))
        moving = np.flatnonzero(parcels.end != VOIDED)
        left = parcels.accepted_at + ((1.5 + 4 * self.chance.uniform(parcels.key, "left")) * HOUR).astype(np.int64)
        latest = self._latest(parcels, 5 * HOUR)
        parts.append((moving, Event.ACCEPTED, 0, parcels.accepted_at[moving], ORIGIN))
        left = np.maximum(np.minimum(left, latest), parcels.accepted_at + 600)
        self._add(parcels, parts, parcels.end != VOIDED, Event.DEPARTED_ORIGIN, 0, left, ORIGIN)

    def _latest(self, parcels: Columns, before: int) -> Ints:
        zone = self.network.destination_zone[parcels.destination]
        return self.calendars.to_utc(parcels.first_out_day, parcels.out_second - before, zone)

    def _add(
        self, parcels: Columns, parts: list[Any], which: Flags, event: Event, nth: int, when: Array, place: int
    ) -> None:
        """Add an event for the parcels that had not come to their end before."""
        rows = np.flatnonzero(which & (when < self.cut(parcels)))
        parts.append((rows, event, nth, when[rows], place))

    def cut(self, parcels: Columns) -> Ints:
        """UTC second from which a lost, damaged or unwanted parcel does nothing of what was planned."""
        if "cut" not in parcels.data:
            middle = self.journeys.moment(parcels, parcels.needs * parcels.ends_at_share)
            middle = np.maximum(middle, parcels.accepted_at + 1800)
            never = np.int64(2**40)
            gone = np.isin(parcels.end, (LOST, DAMAGED))
            turned = np.isin(parcels.end, (REFUSED, BAD_ADDRESS))
            cut = np.where(gone, middle, np.where(turned, parcels.attempted_at, never))
            parcels.set(cut=np.where(parcels.end == VOIDED, 0, cut))
        return parcels.cut.astype(np.int64)

    def _on_the_way(self, parcels: Columns, parts: list[Any]) -> None:
        zone = self.network.zone[parcels.warehouse, parcels.destination]
        hubs = self.network.hubs[parcels.service, zone]
        for hub in range(1, int(hubs.max(initial=0)) + 1):
            jitter = np.exp(HUB_JITTER * self.chance.normal(parcels.key, f"hub {hub}"))
            position = np.minimum(parcels.needs * hub / (hubs + 1) * jitter, parcels.needs)
            seen = self.journeys.moment(parcels, position)
            seen = np.minimum(seen, self._latest(parcels, 3 * HOUR) - (hubs - hub) * 2400)
            seen = np.maximum(seen, parcels.accepted_at + 900 * hub)
            self._add(parcels, parts, hub <= hubs, Event.ARRIVED, hub, seen, HUB)
            stay = (600 + 5 * HOUR * self.chance.uniform(parcels.key, f"stay {hub}")).astype(np.int64)
            gone = np.minimum(seen + stay, np.maximum(self._latest(parcels, 150 * 60) - (hubs - hub) * 2400, seen + 60))
            told = self.chance.happens(parcels.key, f"departure {hub}", 0.6)
            self._add(parcels, parts, (hub <= hubs) & told, Event.DEPARTED, hub, gone, HUB)
        at = np.maximum(self._latest(parcels, 2 * HOUR), parcels.accepted_at + 4800)
        self._add(parcels, parts, parcels.end != VOIDED, Event.AT_DESTINATION, 0, at, DESTINATION)

    def _trouble(self, parcels: Columns, parts: list[Any]) -> None:
        chance, net = self.chance, self.network
        lost_way = self.journeys.moment(parcels, parcels.missort_at)
        self._add(parcels, parts, parcels.missort_days > 0, Event.MISSORTED, 0, lost_way, HUB)
        held = self.journeys.moment(parcels, parcels.customs_at)
        freed = np.minimum(held + parcels.customs_days * DAY - 4 * HOUR, self._latest(parcels, 4 * HOUR))
        self._add(parcels, parts, parcels.customs_days > 0, Event.CUSTOMS, 0, held, DESTINATION)
        self._add(
            parcels, parts, parcels.customs_days > 0, Event.CLEARED, 0, np.maximum(freed, held + 900), DESTINATION
        )
        zone = net.zone[parcels.warehouse, parcels.destination]
        standard = net.standard[parcels.service, zone]
        slow = parcels.needs > standard
        overdue = self.journeys.moment(parcels, np.minimum(standard.astype(np.float64), parcels.needs)) + HOUR
        shock = self.journeys.shocks.collapse[parcels.carrier, parcels.handover - self.calendars.base]
        said = chance.happens(parcels.key, "delay said", np.where(shock > 0, DELAY_SAID_COLLAPSED, DELAY_SAID))
        self._add(parcels, parts, slow & said, Event.DELAYED, 0, overdue, HUB)
        storm = self.next_storm[parcels.destination, parcels.handover + 1 - self.calendars.base]
        hit = (storm < parcels.stop_day) & chance.happens(parcels.key, "storm said", STORM_SAID)
        parcels.set(in_storm=storm < parcels.stop_day)
        second = ((9 + 4 * chance.uniform(parcels.key, "storm at")) * HOUR).astype(np.int64)
        capped = np.minimum(storm, parcels.stop_day)
        when = self.calendars.to_utc(capped, second, net.destination_zone[parcels.destination])
        self._add(parcels, parts, hit & (parcels.end != VOIDED), Event.WEATHER, 0, when, DESTINATION)

    def _at_the_door(self, parcels: Columns, parts: list[Any]) -> None:
        calendars = self.calendars
        zone = self.network.destination_zone[parcels.destination]
        real = parcels.end != VOIDED
        falsely = real & (parcels.false_attempt > 0)
        out = calendars.to_utc(parcels.first_out_day, parcels.out_second, zone)
        self._add(parcels, parts, real, Event.OUT, 0, out, DESTINATION)
        claimed = calendars.to_utc(parcels.first_out_day, parcels.door_second + 2 * HOUR, zone)
        self._add(parcels, parts, falsely, Event.NOT_HOME, 0, claimed, DESTINATION)
        again = calendars.to_utc(parcels.real_attempt_day, parcels.out_second, zone)
        self._add(parcels, parts, falsely, Event.OUT, 1, again, DESTINATION)
        missed = real & (parcels.recipient_days > 0)
        self._add(parcels, parts, missed, Event.NOT_HOME, 1, parcels.attempted_at, DESTINATION)
        picked = missed & (parcels.recipient == PICKUP)
        waiting = parcels.attempted_at + 3 * HOUR
        self._add(parcels, parts, picked, Event.PICKUP, 0, waiting, DESTINATION)
        place = (parcels.carrier, parcels.destination)
        next_day = calendars.carriers.advance(parcels.real_attempt_day, np.ones_like(parcels.recipient), *place)
        home = missed & (parcels.recipient != PICKUP)
        out_again = calendars.to_utc(next_day, parcels.out_second, zone)
        self._add(parcels, parts, home, Event.OUT, 2, out_again, DESTINATION)
        twice = home & (parcels.recipient == TWICE)
        failed = calendars.to_utc(next_day, parcels.door_second, zone)
        self._add(parcels, parts, twice, Event.NOT_HOME, 2, failed, DESTINATION)
        third = calendars.to_utc(parcels.stop_day, parcels.out_second, zone)
        self._add(parcels, parts, twice, Event.OUT, 3, third, DESTINATION)
        there = parcels.end == DELIVERED
        self._add(parcels, parts, there & ~picked, Event.DELIVERED, 0, parcels.stopped_at, DESTINATION)
        self._add(parcels, parts, there & picked, Event.PICKED_UP, 0, parcels.stopped_at, DESTINATION)

    def _other_ends(self, parcels: Columns, parts: list[Any]) -> None:
        chance, cut = self.chance, self.cut(parcels)

        def tell(which: Flags, event: Event, when: Array, place: int) -> None:
            rows = np.flatnonzero(which)
            parts.append((rows, event, 0, when[rows], place))

        admitted = chance.happens(parcels.key, "lost said", 0.6)
        found_out = cut + (11 + chance.below(parcels.key, "lost after", 9)) * DAY
        tell((parcels.end == LOST) & admitted, Event.LOST, found_out, HUB)
        tell(parcels.end == DAMAGED, Event.DAMAGED, cut + 5 * HOUR, HUB)
        tell(parcels.end == REFUSED, Event.REFUSED, cut, DESTINATION)
        tell(parcels.end == BAD_ADDRESS, Event.BAD_ADDRESS, cut, DESTINATION)
        turned = np.isin(parcels.end, (REFUSED, BAD_ADDRESS))
        back_at = cut + parcels.back_days * DAY
        tell(turned, Event.RETURNING, cut + 16 * HOUR, DESTINATION)
        tell(turned, Event.RETURNED, back_at, ORIGIN)
        tell(parcels.end == VOIDED, Event.VOIDED, parcels.voided_at, ORIGIN)
        parcels.set(ended_at=np.where(turned, back_at, np.where(parcels.end == DELIVERED, parcels.stopped_at, cut)))

    def _reported(self, parcels: Columns, events: Columns) -> Columns:
        chance, dirt = self.chance, self.dirt
        key = parcels.key[events.parcel] * np.uint64(512) + (events.event * 16 + events.nth).astype(np.uint64)
        last = np.isin(events.event, (Event.DELIVERED, Event.PICKED_UP))
        gap = np.where(last, dirt["lost_scans"] / 2, dirt["lost_scans"])
        unseen = chance.happens(key, "unseen", gap) & (events.event != Event.LABEL) & (events.event != Event.VOIDED)
        seen = ~unseen
        events, key, last = events.take(seen), key[seen], last[seen]
        late = chance.happens(key, "late", dirt["late_scans"])
        usual = FIRST_LATENCY - 900 * np.log(np.maximum(chance.uniform(key, "latency"), 1e-9))
        slow = DAY * (1 + 3 * chance.uniform(key, "lateness"))
        skewed = chance.happens(key, "skewed", dirt["skewed_scans"])
        skew = np.where(skewed, (1 + chance.below(key, "skew", 5)) * HOUR, 0)
        skew = np.where(chance.happens(key, "skew sign", 0.5), skew, -skew)
        known = events.happened + np.where(late, slow, usual).astype(np.int64)
        code = np.where(chance.happens(key, "unknown", dirt["unknown_codes"]), int(Event.UNKNOWN), events.event)
        code = np.where(last | (events.event == Event.LABEL), events.event, code)
        events.set(
            key=key,
            said=code,
            occurred=events.happened + skew,
            known=known,
            hub=chance.below(key, "hub", len(HUBS)),
            placeless=chance.happens(key, "placeless", 0.06),
        )
        return events
