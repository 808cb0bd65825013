"""Which system holds what, where a shop would have only one: so that all six together hold every record once."""

from __future__ import annotations

import polars as pl

from pipelines.domain.errors import SettingsError
from simulator.doubles.vendor import Setting


def returns_of(setting: Setting, system: str) -> pl.DataFrame:
    """Versions of the returns that live in `system` ("loop", "shopify"). Raises SettingsError for an odd setting."""
    returns = setting.book["returns"]
    if setting.returns_in == "split":
        countries = setting.book["orders"].unique("order_id", keep="first").select("order_id", "country")
        joined = returns.join(countries, on="order_id", how="left", maintain_order="left")
        home = pl.col("country") == "US"
        return joined.filter(home if system == "loop" else ~home).drop("country")
    if setting.returns_in not in ("loop", "shopify", "both"):
        raise SettingsError(f"returns live in 'split', 'loop', 'shopify' or 'both', not {setting.returns_in!r}")
    return returns if setting.returns_in in (system, "both") else returns.clear()


def tickets_of(setting: Setting, system: str) -> pl.DataFrame:
    """Versions of the tickets that live in `system` ("zendesk", "gorgias"). Raises SettingsError for an odd setting."""
    tickets = setting.book["tickets"]
    if setting.tickets_in == "split":
        quick = pl.col("channel").is_in(["chat", "social"])
        return tickets.filter(quick if system == "gorgias" else ~quick)
    if setting.tickets_in not in ("zendesk", "gorgias", "both"):
        raise SettingsError(f"tickets live in 'split', 'zendesk', 'gorgias' or 'both', not {setting.tickets_in!r}")
    return tickets if setting.tickets_in in (system, "both") else tickets.clear()
