"""Carriers' events in each feed's words."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from simulator.chance import Array
from simulator.codes import UNKNOWN_CODES, WORDINGS, Event
from simulator.parcels import NEVER
from simulator.records.forms import View, moments, named
from simulator.records.shipments import returning
from simulator.scans import HUB, HUBS, ORIGIN
from simulator.settings import DAY


def scans(view: View) -> pl.DataFrame:
    """Events of outbound parcels as reported, and of return parcels."""
    scans, parcels, net = view.happened.scans, view.happened.parcels, view.network
    row = scans.parcel
    hubs = len(HUBS)
    origin = parcels.warehouse[row]
    destination = parcels.destination[row]
    # One table of places: hubs, then warehouses, then destinations with the customer's city.
    city_of = view.happened.orders.city[parcels.order[row]]
    index = np.where(
        scans.place == HUB,
        scans.hub,
        np.where(scans.place == ORIGIN, hubs + origin, hubs + len(net.nodes) + destination * 3 + city_of),
    )
    frame = _scan_frame(
        view,
        carrier=parcels.carrier[row],
        tracking=view.tracking.gather(row),
        said=scans.said,
        occurred=scans.occurred,
        known=scans.known,
        key=scans.key,
        place=index,
        placeless=scans.placeless,
    )
    everything = pl.concat([frame, _return_scans(view)])
    ids = everything["scan_id"].to_numpy()
    share = view.world.settings["dirt"]["sent_again"]
    repeated = everything.filter(pl.Series(view.chance.happens(ids, "sent again", share)))
    wait = 3600 + view.chance.below(repeated["scan_id"].to_numpy(), "again after", 20 * 3600)
    arrives = repeated["arrives_at"] + pl.Series(wait * 1_000_000).cast(pl.Duration("us"))
    return pl.concat([everything, repeated.with_columns(arrives.alias("arrives_at"))])


def _scan_frame(view: View, **of: Any) -> pl.DataFrame:
    net = view.network
    places = [(city, region, country) for city, region, country in HUBS]
    places += [(view.network.cities[net.regions.index(region)][0], region, "US") for region in net.node_regions]
    places += [
        (city, region, country)
        for region, country, cities in zip(net.regions, net.countries, net.cities, strict=True)
        for city in cities
    ]
    zones = [net.destination_zone[net.regions.index("TX")]] * len(HUBS) + list(net.warehouse_zone)
    zones += [zone for zone in net.destination_zone for _ in range(3)]
    zone = np.array(zones)[of["place"]]
    aftership = np.array([feed == "aftership" for feed in view.feeds])[of["carrier"]]
    status, detail = _words(of["said"], aftership)
    gone = pl.Series(of["placeless"])
    messages = [word.message for word in WORDINGS] + ["Status update"]
    return pl.DataFrame(
        {
            "scan_id": pl.Series((view.chance.bits(of["key"], "scan id") >> np.uint64(1)).astype(np.int64)),
            "carrier": named(view.names, of["carrier"]),
            "feed": named(view.feeds, of["carrier"]),
            "tracking_number": of["tracking"],
            "status": status,
            "detail": detail,
            "message": named(messages, of["said"]),
            "occurred_at": moments(of["occurred"]),
            "offset_minutes": view.calendars.offset(zone, of["occurred"] // DAY) // 60,
            "city": named([place[0] for place in places], of["place"]).set(gone, None),
            "region": named([place[1] for place in places], of["place"]).set(gone, None),
            "country": named([place[2] for place in places], of["place"]),
            "arrives_at": moments(of["known"]),
        }
    )


def _words(said: Array, aftership: Array) -> tuple[pl.Series, pl.Series]:
    easy = [(word.status, word.detail) for word in WORDINGS] + [UNKNOWN_CODES["easypost"]]
    after = [(word.tag, word.subtag) for word in WORDINGS] + [UNKNOWN_CODES["aftership"]]
    index = said + aftership * len(easy)
    both = easy + after
    return named([pair[0] for pair in both], index), named([pair[1] for pair in both], index)


def _return_scans(view: View) -> pl.DataFrame:
    returns, carrier, house, number = returning(view)
    sent = np.flatnonzero(returns.sent_at < NEVER)
    way = (returns.received_at - returns.sent_at)[sent]
    start = returns.sent_at[sent]
    events = (
        (Event.LABEL, np.arange(len(returns)), returns.approved_at),
        (Event.ACCEPTED, sent, start),
        (Event.ARRIVED, sent, start + way // 3),
        (Event.AT_DESTINATION, sent, start + way * 5 // 6),
        (Event.DELIVERED, sent, start + way),
    )
    rows = np.concatenate([part[1] for part in events])
    said = np.concatenate([np.full(len(part[1]), int(part[0])) for part in events])
    at = np.concatenate([part[2] for part in events])
    customer = view.happened.orders.destination[returns.order] * 3 + view.happened.orders.city[returns.order]
    back = np.isin(said, (Event.AT_DESTINATION, Event.DELIVERED))
    hubs = len(HUBS)
    key = returns.key[rows] * np.uint64(512) + said.astype(np.uint64)
    place = np.where(back, hubs + house[rows], hubs + len(view.network.nodes) + customer[rows])
    place = np.where(said == Event.ARRIVED, view.chance.below(key, "hub", hubs), place)
    latency = 120 - 900 * np.log(np.maximum(view.chance.uniform(key, "latency"), 1e-9))
    return _scan_frame(
        view,
        carrier=carrier[rows],
        tracking=number.gather(rows),
        said=said,
        occurred=at,
        known=at + latency.astype(np.int64),
        key=key,
        place=place,
        placeless=np.zeros(len(rows), dtype=np.bool_),
    )
