"""What lateness changes, against worlds in which it is planted and remote customers send back more whether late or not."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.chance import Array
from simulator.settings import Request
from simulator.world import Happenings, World
from tests.unit.warehouse.python_models import python_model

effects = python_model("intermediate/int_delivery_effects")
NAMES = list(effects.COLUMNS)[2:]


@pytest.fixture(scope="module")
def world() -> World:
    """100,000 orders of 50 days."""
    return World(
        Request(seed=3, days=50, orders_per_day=2000, phrases="open", scenarios=frozenset({"regional_habits"}))
    )


@pytest.fixture(scope="module")
def happened(world: World) -> Happenings:
    """First orders, not those they led to."""
    return world.happenings(world.request.start, world.request.end)[0]


def _sides(happened: Happenings) -> tuple[Array, Array]:
    """Orders whose parcels were all late or all in time, and whether they were late."""
    parcels, orders = happened.parcels, len(happened.orders)
    own = np.isin(parcels.kind, (0, 1))
    delivered = own & (parcels.delivered_at > 0)
    late = delivered & (parcels.stop_day > parcels.promised)
    sent, arrived, tardy = (np.bincount(parcels.order[some], minlength=orders) for some in (own, delivered, late))
    return (sent > 0) & (sent == arrived) & ((tardy == 0) | (tardy == sent)), tardy > 0


def _strata(world: World, happened: Happenings, order: Array, category: Array) -> Array:
    lines, orders = happened.lines, happened.orders
    amount = np.bincount(lines.order, weights=lines.price * lines.quantity / 100, minlength=len(orders))
    band = np.floor(np.log2(np.maximum(amount, 1))).astype(int)
    lane = orders.warehouse * 100 + orders.destination
    return (lane[order] * 20 + band[order]) * 10 + category


def _found(stratum: Array, order: Array, is_late: Array, hits: Array) -> dict[str, float]:
    values = effects.effect(stratum, order % effects.GROUPS, is_late, np.ones(len(order)), hits.astype(float))
    return dict(zip(NAMES, values, strict=True))


def test_returns_after_late_deliveries(world: World, happened: Happenings) -> None:
    """Planted: what the same draws would have sent back without the effect."""
    clear, is_late = _sides(happened)
    lines, catalogue = happened.lines, world.catalogue
    pair = lines.order * len(catalogue.sku) + catalogue.product[lines.sku]
    _, place, size = np.unique(pair, return_inverse=True, return_counts=True)
    use = np.flatnonzero(clear[lines.order] & (size[place] == 1))
    order = lines.order[use]
    returned = np.isin(use, happened.returned.line)
    stratum = _strata(world, happened, order, catalogue.category[lines.sku[use]])
    found = _found(stratum, order, is_late[order], returned)

    calm = World(world.request)
    calm.returning.rules = {**calm.returning.rules, "late_factor": 1.0}
    without = np.isin(use, calm.happenings(world.request.start, world.request.end)[0].returned.line)
    planted = returned[is_late[order]].sum() / without[is_late[order]].sum()
    assert 1.3 < planted < 1.5
    assert found["adjusted_ratio_low"] <= planted <= found["adjusted_ratio_high"]
    assert not found["adjusted_ratio_low"] <= found["raw_ratio"] <= found["adjusted_ratio_high"]
    assert found["raw_ratio"] > planted
    assert found["compared_share"] > 0.95


def test_repeat_purchases_after_late_deliveries(world: World, happened: Happenings) -> None:
    clear, is_late = _sides(happened)
    order = np.flatnonzero(clear)
    parents, _ = world._repeating(happened)
    again = np.isin(happened.orders.key[order], parents.key)
    category = np.zeros(len(happened.orders), dtype=int)
    category[happened.lines.order[::-1]] = world.catalogue.category[happened.lines.sku[::-1]]
    found = _found(_strata(world, happened, order, category[order]), order, is_late[order], again)

    planted = np.exp(world.settings["repeat"]["late"])
    assert found["adjusted_ratio_low"] <= planted <= found["adjusted_ratio_high"]
    assert found["raw_ratio"] > found["adjusted_ratio_high"]
