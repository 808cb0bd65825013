"""The world stays within what such merchants see, and what is planted is there and nothing else moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from simulator.calendars import weekday
from simulator.catalogue import CAUSES
from simulator.curves import Curves
from simulator.parcels import SECOND
from simulator.reality import QUANTILES
from simulator.returning import RETURN_CAUSES
from simulator.settings import DAY, Request
from simulator.world import Happenings, World

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Sample

YEAR = Request(seed=5, first_day=date(2025, 7, 1), days=365, orders_per_day=120)


@pytest.fixture(scope="module")
def curves() -> Curves:
    return Curves(World(YEAR))


def happenings(request: Request) -> tuple[World, Happenings]:
    world = World(request)
    return world, world.happenings(request.start, request.end)[0]


def test_late_rate_is_lowest_in_quiet_months_and_highest_in_peak(curves: Curves) -> None:
    late = dict(curves.late_by_month())
    mean = sum(late.values()) / len(late)
    assert 0.07 < mean < 0.14
    assert late["2025-12"] == max(late.values())
    assert max(late.values()) > 1.2 * mean


def test_transit_is_skewed_like_real_transit(curves: Curves) -> None:
    ratio = dict(zip(QUANTILES, curves.transit(), strict=True))
    assert 0.3 < ratio[0.05] < 0.6  # Olist 0.30
    assert 1.6 < ratio[0.90] < 2.5  # Olist 2.36
    assert 2.5 < ratio[0.99] < 5.5  # Olist 5.47


def test_contacts_rise_with_days_past_the_promise(curves: Curves) -> None:
    asked = dict(curves.asked_by_days_past())
    assert asked[-3] < 0.06
    assert asked[3] > 3 * asked[0]
    assert asked[5] > 0.25
    assert 10 < 100 * curves.tickets / curves.orders < 20


def test_scans_returns_and_volumes_are_those_of_a_shop(curves: Curves) -> None:
    assert 7 < len(curves.scans) / curves.scans["parcel"].n_unique() < 11
    assert 0.08 < sum(curves.back) / sum(curves.sold) < 0.16 if curves.sold else True
    peak = sum(curves.orders_by_day[145:170]) / 25
    assert peak > 1.4 * sum(curves.orders_by_day[60:110]) / 50
    median, ninety, _ = curves.gaps()
    assert 2 < median < 12 < ninety < 48


def test_nothing_is_delivered_on_sundays_holidays_or_in_storms() -> None:
    world, happened = happenings(replace(YEAR, days=150))
    parcels = happened.parcels
    done = parcels.take(parcels.end == 0)
    assert not (weekday(done.stop_day) == 6).any()
    christmas = (date(2025, 12, 25) - date(1970, 1, 1)).days
    assert not (done.stop_day == christmas).any()
    assert not world.calendars.storm[done.destination, done.stop_day - world.calendars.base].any()
    assert parcels.in_storm.mean() > 0.001


def test_local_hours_are_sane() -> None:
    world, happened = happenings(replace(YEAR, days=30))
    parcels = happened.parcels.take(happened.parcels.end == 0)
    zone = world.network.destination_zone[parcels.destination]
    hour = (parcels.delivered_at + world.calendars.offset(zone, parcels.delivered_at // DAY)) % DAY / 3600
    assert hour.min() > 7 and hour.max() < 21


def test_a_collapse_slows_its_carrier_in_its_days_and_no_other() -> None:
    request = replace(YEAR, days=60, orders_per_day=400)
    names = [carrier["name"] for carrier in World(request).network.carriers]
    late = []
    for scenarios in (frozenset[str](), frozenset({"capacity_collapse"})):
        _, happened = happenings(replace(request, scenarios=scenarios))
        parcels = happened.parcels
        ups = parcels.carrier == names.index("UPS")
        window = (parcels.handover >= request.start + 30) & (parcels.handover < request.start + 44)
        first = parcels.kind <= SECOND
        late.append([parcels.late[first & mask].mean() for mask in (ups & window, ups & ~window, ~ups & window)])
    assert late[1][0] > late[0][0] + 0.25
    assert late[1][1:] == pytest.approx(late[0][1:], abs=0.004)


def test_planted_skus_are_the_worst_and_a_size_chart_has_its_direction() -> None:
    request = replace(YEAR, days=60, orders_per_day=1500, scenarios=frozenset({"defective_sku", "size_chart"}))
    world, happened = happenings(request)
    goods = world.catalogue
    sold = np.bincount(happened.lines.sku, minlength=len(goods.sku))
    back = np.bincount(happened.returned.sku, minlength=len(goods.sku))
    usual = np.bincount(goods.category, weights=back) / np.bincount(goods.category, weights=sold)
    expected = usual[goods.category] * sold
    natural = np.exp(world.settings["returns"]["sku_spread"] ** 2) - 1  # squared variation of SKUs' effects
    score = (back - expected) / np.sqrt(expected * (1 - usual[goods.category]) + natural * expected**2 + 1)
    worst = np.argsort(np.where(goods.planted == "size_chart", 0, -score))[:10]
    assert (goods.planted == "defective_sku").sum() == 10
    assert (goods.planted[worst] == "defective_sku").sum() >= 8
    wrong = goods.planted == "size_chart"
    fits = happened.returned.cause == RETURN_CAUSES.index("fit")
    said = happened.returned.code[fits & wrong[happened.returned.sku]]
    from simulator.returning import CODES

    small = np.isin(said, [CODES.index("SIZE_TOO_SMALL"), CODES.index("too-tight")])
    assert len(said) > 30
    assert small.mean() > 0.8


def test_without_scenarios_skus_differ_by_their_natural_spread_only() -> None:
    plain, flat = World(YEAR).catalogue, World(replace(YEAR, scenarios=frozenset({"no_sku_spread"}))).catalogue
    assert (plain.planted == "").all()
    assert np.log(plain.effect).std() == pytest.approx(0.35, abs=0.03)
    assert (flat.effect == 1).all()
    for number, category in enumerate(plain.categories):
        rates = flat.rate[flat.category == number][:, CAUSES.index("quality")]
        assert len(set(rates.tolist())) == 1, category


def test_a_quiet_quarter_has_no_shocks_at_all() -> None:
    world = World(replace(YEAR, days=91, scenarios=frozenset({"quiet"})))
    assert not world.shocks.drift.any()
    assert not world.shocks.lane_week.any()
    assert not world.calendars.storm.any()


def test_lateness_has_its_planted_effect_on_returns_and_repeats(sample: Sample) -> None:
    request = replace(YEAR, days=60, orders_per_day=3000)
    world = World(request)
    fresh, repeats = world.happenings(request.start, request.end)
    parcels, orders = fresh.parcels, fresh.orders
    first = (parcels.kind == 0) & (parcels.end == 0)
    late = np.zeros(len(orders), dtype=bool)
    late[parcels.order[first]] = parcels.late[first]
    delivered = np.zeros(len(orders), dtype=bool)
    delivered[parcels.order[first]] = True
    again = np.isin(orders.key, repeats.orders.key & ~np.uint64(1))
    ratio = again[delivered & late].mean() / again[delivered & ~late].mean()
    assert ratio == pytest.approx(np.exp(-0.45), abs=0.06)
    natural = ~np.isin(fresh.returned.cause, [RETURN_CAUSES.index(name) for name in ("damaged", "bracketing")])
    order_late = late[fresh.lines.order] & delivered[fresh.lines.order] & (fresh.lines.place < 6)
    lines = np.bincount(order_late[(fresh.lines.place < 6) & delivered[fresh.lines.order]], minlength=2)
    hit = fresh.returned.take(natural)
    back = np.bincount(late[hit.order].astype(int), minlength=2)
    rates = back / lines
    assert rates[1] / rates[0] == pytest.approx(world.settings["returns"]["late_factor"], abs=0.15)
    assert len(sample.truth("return_lines").filter(pl.col("cause") == "late")) > 10
