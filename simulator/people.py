"""Customers: who they are follows from their number. Every name, address and number is made up (reserved domains)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from simulator.chance import Array, Chance, shuffle
from simulator.columns import Columns
from simulator.network import Network

LANGUAGES: Final = ("en", "pt", "es", "de")
NAMES: Final = Path(__file__).with_name("phrases") / "names.toml"


@cache
def names() -> Mapping[str, list[str]]:
    """Words that identities are made of: first, last, streets, domains."""
    return tomllib.loads(NAMES.read_text(encoding="utf-8"))


class People:
    """Traits of customers by their number."""

    def __init__(self, settings: Mapping[str, Any], chance: Chance, network: Network, population: int) -> None:
        self.chance = chance
        self.network = network
        self.population = population
        self.contacts = settings["contacts"]
        self.returns = settings["returns"]
        by_country = self.contacts["languages"]
        shares = [[by_country[country].get(name, 0.0) for name in LANGUAGES] for country in network.countries]
        self.language_share = np.array(shares)

    def traits(self, customer: Array) -> Columns:
        """Destination, city, language, inclination to write (mean about 1), and whether they return serially."""
        chance = self.chance
        destination = chance.choose(customer, "home", self.network.destination_share)
        spread = self.contacts["inclination_spread"]
        return Columns(
            {
                "destination": destination,
                "city": chance.below(customer, "city", 3),
                "language": chance.choose(customer, "language", self.language_share[destination]),
                "inclination": np.exp(spread * chance.normal(customer, "inclination") - spread**2 / 2),
                "serial": chance.happens(customer, "serial", self.returns["serial_share"]),
            }
        )

    def identities(self, customer: Array, destination: Array, city: Array) -> pl.DataFrame:
        """Made-up personal data, one row per given customer."""
        chance, net = self.chance, self.network

        def made_of(words: str, purpose: str) -> pl.Series:
            options = names()[words]
            return pl.Series(options).gather(chance.below(customer, purpose, len(options)))

        cities = [city for triple in net.cities for city in triple]
        return pl.DataFrame(
            {
                "customer_id": customer_ids(customer),
                "first": made_of("first", "first"),
                "last": made_of("last", "last"),
                "number": customer,
                "domain": made_of("domains", "mail"),
                "house": 1 + chance.below(customer, "house", 9_000),
                "road": made_of("streets", "road"),
                "line": 5_550_100 + chance.below(customer, "phone", 100),
                "area": 201 + chance.below(customer, "area", 700),
                "city": pl.Series(cities).gather(destination * 3 + city),
                "prefix": pl.Series(net.postal).gather(destination),
                "digits": chance.below(customer, "postal", 100),
            }
        ).select(
            "customer_id",
            pl.concat_str("first", pl.lit(" "), "last").alias("person_name"),
            pl.concat_str(
                pl.col("first").str.to_lowercase(),
                pl.lit("."),
                pl.col("last").str.to_lowercase(),
                "number",
                pl.lit("@"),
                "domain",
            ).alias("email"),
            pl.concat_str(pl.lit("+1"), "area", "line").alias("phone"),
            pl.concat_str("house", pl.lit(" "), "road").alias("street"),
            "city",
            pl.concat_str("prefix", pl.col("digits").cast(pl.String).str.zfill(2)).alias("postal"),
        )


def customer_ids(customer: Array) -> Array:
    """The shop's number of a customer."""
    return np.asarray(shuffle(customer, 36).astype(np.int64) + 7_000_000_000_000)
