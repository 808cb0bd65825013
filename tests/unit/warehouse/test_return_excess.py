"""SKUs beside the normal spread of their category: worlds where nothing is wrong, and worlds with defects planted.

Lines are drawn for the simulated catalogue and go into the function that makes the published table.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from simulator.catalogue import CAUSES, Catalogue
from simulator.chance import Array, Chance
from simulator.settings import Request, world_settings
from tests.unit.warehouse.python_models import python_model

excess = python_model("intermediate/int_return_excess")
COLUMNS = list(excess.COLUMNS)
LINES = 50_000  # of two months at 500 orders a day


def catalogue(*scenarios: str, seed: int = 7) -> Catalogue:
    """The simulated shop's SKUs."""
    return Catalogue(Request(seed=seed, scenarios=frozenset(scenarios)), world_settings(), Chance(seed))


def shop(goods: Catalogue, chances: Array, draw: np.random.Generator) -> pl.DataFrame:
    """What one shop sold and got back by SKU."""
    sold = draw.poisson(goods.weight / goods.weight.sum() * LINES)
    returned = draw.binomial(sold, chances)
    fit = goods.rate[:, CAUSES.index("fit")] / np.maximum(goods.rate.sum(axis=1), 1e-9)
    misfits = draw.binomial(returned, fit)
    small = draw.binomial(misfits, goods.direction)
    frame = pl.DataFrame(
        {
            "shop": "s",
            "scope": "sku",
            "item": goods.sku.tolist(),
            "category": [goods.categories[number] for number in goods.category],
            "sold_lines": sold,
            "returned_lines": returned,
            "too_small_lines": small,
            "too_large_lines": misfits - small,
        }
    )
    return frame.filter(pl.col("sold_lines") > 0)


def judged(frame: pl.DataFrame) -> pl.DataFrame:
    """The table of the shop."""
    return pl.DataFrame(dict(zip(COLUMNS, excess.tested(frame), strict=True)))


def null_worlds(worlds: int) -> tuple[int, int]:
    """Of worlds whose SKUs differ by the spread that was fitted to the shop before, how many list any SKU or size."""
    draw = np.random.default_rng(11)
    goods = catalogue()
    first = judged(shop(goods, goods.rate.sum(axis=1), draw))
    fitted = {row[0]: row[1:] for row in first.select("category", "category_rate", "category_spread").unique().rows()}
    centre, spread = np.array([fitted[goods.categories[number]] for number in goods.category]).T
    skus = sizes = 0
    for _ in range(worlds):
        odds = np.log(centre / (1 - centre)) + spread * draw.normal(size=len(centre))
        found = judged(shop(goods, excess.sigmoid(odds), draw))
        skus += (found["q_value"] <= excess.FALSE_DISCOVERIES).any()
        sizes += (found.select(pl.min_horizontal("too_small_q_value", "too_large_q_value")).to_series() <= 0.05).any()
    return skus, sizes


def planted_in_top(seed: int) -> int:
    """Of ten defective SKUs, how many are among the ten that stand out most."""
    goods = catalogue("defective_sku", seed=seed)
    found = judged(shop(goods, np.minimum(goods.rate.sum(axis=1), 0.9), np.random.default_rng(seed)))
    top = found.sort("excess_spreads", descending=True)["item"].head(10).to_list()
    return len(set(top) & set(goods.sku[goods.planted == "defective_sku"]))


def test_nothing_is_listed_where_nothing_is_wrong() -> None:
    """Reduced: an eighth of the worlds of tests/prove."""
    skus, sizes = null_worlds(25)
    assert skus <= 0.08 * 25
    assert sizes <= 0.08 * 25


def test_defective_skus_stand_out() -> None:
    """One world by its seed; over many: tests/prove."""
    assert planted_in_top(7) >= 8


@pytest.mark.parametrize("seed", [7, 8])
def test_a_wrong_size_chart_shows_its_direction(seed: int) -> None:
    goods = catalogue("size_chart", seed=seed)
    frame = shop(goods, np.minimum(goods.rate.sum(axis=1), 0.9), np.random.default_rng(seed))
    of = dict(zip(goods.sku, goods.product_id, strict=True))
    products = (
        frame.with_columns(item=pl.col("item").replace_strict(of), scope=pl.lit("product"))
        .group_by("shop", "scope", "item", "category", maintain_order=True)
        .sum()
    )
    found = judged(products)
    small = found.filter(pl.col("too_small_q_value") <= 0.05)["item"].to_list()
    assert small == list(set(goods.product_id[goods.planted == "size_chart"]))
    assert found.filter(pl.col("too_large_q_value") <= 0.05).is_empty()


def test_false_discoveries_are_counted_as_published() -> None:
    """Benjamini and Hochberg (1995), table 1: at 5 % the first four of fifteen are discoveries."""
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    q = excess.discoveries(np.array(p[::-1]))[::-1]
    assert (q <= 0.05).sum() == 4
    assert np.isclose(q[3], 0.0095 * 15 / 4)
