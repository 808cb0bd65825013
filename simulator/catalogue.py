"""Products and SKUs: what they cost, weigh, how often they are bought, and why they come back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from simulator.chance import Chance
from simulator.settings import Request

CAUSES: Final = ("quality", "fit", "not_as_described", "changed_mind")
POPULARITY: Final = 0.55  # exponent of Zipf's law


class Catalogue:
    """One entry per SKU in every array; `rate[sku, cause]` is the chance of a return for that cause, per unit.

    `direction[sku]` is the chance that a bad fit is too small.
    """

    def __init__(self, request: Request, settings: Mapping[str, Any], chance: Chance) -> None:
        self.categories = [category["name"] for category in settings["categories"]]
        rows: list[dict[str, Any]] = []
        product = 0
        for number, category in enumerate(settings["categories"]):
            for index in range(category["products"]):
                rows += self._product(chance, number, category, product, index)
                product += 1
        self.rows = rows
        self.sku = np.array([row["sku"] for row in rows], dtype=object)
        self.product_id = np.array([row["product_id"] for row in rows], dtype=object)
        self.title = np.array([row["title"] for row in rows], dtype=object)
        self.variant = np.array([row["variant"] for row in rows], dtype=object)
        self.size = np.array([row["size"] for row in rows], dtype=object)
        self.product = np.array([row["product"] for row in rows])
        self.category = np.array([row["category"] for row in rows])
        self.size_order = np.array([row["size_order"] for row in rows])
        self.price = np.array([row["price"] for row in rows])  # cents
        self.grams = np.array([row["grams"] for row in rows])
        self.weight = np.array([row["weight"] for row in rows])
        self.rate, self.direction = self._rates(request, settings, chance)

    def _product(
        self, chance: Chance, number: int, category: Mapping[str, Any], product: int, index: int
    ) -> list[dict[str, Any]]:
        one = np.array([product])
        low, high = category["price"]
        price = int(low + (high - low) * float(chance.uniform(one, "price")[0]) ** 1.6) * 100 - 5
        light, heavy = category["grams"]
        grams = int(light + (heavy - light) * float(chance.uniform(one, "grams")[0]) ** 1.5)
        noun = category["nouns"][index % len(category["nouns"])]
        popularity = (1 + chance.below(one, "popularity", 300)[0]) ** -POPULARITY
        colours = category["colours"]
        first = int(chance.below(one, "colour", len(colours))[0])
        sized = bool(category["sizes"])
        kinds = [(size, colours[first]) for size in category["sizes"]] or [
            ("", colours[(first + step) % len(colours)]) for step in range(2)
        ]
        middle = (len(kinds) - 1) / 2
        return [
            {
                "sku": f"{category['name'][:3].upper()}-{product:04d}-{colour[:3].upper()}{'-' + size if size else ''}",
                "product_id": str(81_000_000 + product * 37),
                "title": f"{noun} {product:03d}",
                "variant": f"{size} / {colour}" if size else colour,
                "size": size,
                "size_order": place if sized else -1,
                "product": product,
                "category": number,
                "price": price,
                "grams": grams,
                "weight": popularity * (np.exp(-(((place - middle) / (middle * 0.9)) ** 2)) if sized else 1.0),
            }
            for place, (size, colour) in enumerate(kinds)
        ]

    def _rates(self, request: Request, settings: Mapping[str, Any], chance: Chance) -> tuple[Any, Any]:
        skus = np.arange(len(self.rows))
        base = np.array([[category["rate"].get(cause, 0.0) for cause in CAUSES] for category in settings["categories"]])
        spread = 0.0 if "no_sku_spread" in request.scenarios else settings["returns"]["sku_spread"]
        self.effect = np.exp(spread * chance.normal(skus, "sku effect"))
        rate = base[self.category] * self.effect[:, None]
        direction = np.full(len(skus), 0.5)
        self.planted = np.full(len(skus), "", dtype=object)
        popular = np.argsort(-self.weight, kind="stable")
        if "defective_sku" in request.scenarios:
            plan = settings["scenarios"]["defective_sku"]
            pool = popular[: int(len(popular) * plan["among_best_sellers"])]
            found = pool[np.argsort(chance.uniform(pool, "defective"), kind="stable")][: plan["skus"]]
            usual = base[self.category[found]].sum(axis=1) * np.maximum(self.effect[found], 1.0)
            rate[found, CAUSES.index("quality")] += (plan["factor"] - 1) * usual
            self.planted[found] = "defective_sku"
        if "size_chart" in request.scenarios:
            plan = settings["scenarios"]["size_chart"]
            spoilt = np.isin(self.product, self.product[self.planted != ""])
            sized = popular[(self.size_order[popular] >= 0) & ~spoilt[popular]]
            tops = list(dict.fromkeys(self.product[sized].tolist()))[: 4 * plan["products"]]
            ranked = sorted(tops, key=lambda item: float(chance.uniform(np.array([item]), "size chart")[0]))
            found = np.flatnonzero(np.isin(self.product, ranked[: plan["products"]]))
            rate[found, CAUSES.index("fit")] *= plan["factor"]
            direction[found] = 0.93 if plan["direction"] == "too_small" else 0.07
            self.planted[found] = "size_chart"
        return np.minimum(rate, 0.6), direction

    def table(self) -> pl.DataFrame:
        """The products as the shop's own system lists them."""
        return pl.DataFrame(
            {
                "sku": self.sku.tolist(),
                "product_id": self.product_id.tolist(),
                "title": self.title.tolist(),
                "category": [self.categories[number] for number in self.category],
                "variant": self.variant.tolist(),
                "size": [size or None for size in self.size],
                "size_order": [int(place) if place >= 0 else None for place in self.size_order],
                "price_cents": self.price,
                "weight_grams": self.grams,
            }
        )

    def truth(self) -> pl.DataFrame:
        """What is true of each SKU: its effect, its rates by cause, and whether it was planted."""
        return pl.DataFrame(
            {
                "sku": self.sku.tolist(),
                "sku_effect": self.effect,
                **{f"rate_{cause}": self.rate[:, place] for place, cause in enumerate(CAUSES)},
                "chance_too_small": self.direction,
                "planted": [name or None for name in self.planted],
            }
        )
