"""Orders of the world with their versions and children, by row: what an order's object is made of at a moment."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from simulator.doubles.easypost import owners
from simulator.doubles.groups import Group, Row, microseconds, numbered
from simulator.doubles.parting import returns_of
from simulator.doubles.shelf import Shelf, Timeline
from simulator.doubles.shopify.objects import Order, fulfillment_number, gid
from simulator.doubles.vendor import Setting

FOLLOWED: Final = ("FedEx", "UPS", "USPS", "DHLExpress")  # carriers whose events the shop system gets


class Orders:
    """Everything that belongs to an order, by its row; `shelf` knows when an order was updated."""

    def __init__(self, setting: Setting) -> None:
        book = setting.book
        orders = book["orders"]
        first = orders.unique("order_id", keep="first", maintain_order=True).sort("arrives_at", "order_id")
        count, ids = len(first), first["order_id"]
        self.numbers = ids.to_list()
        self.places = {number: row for row, number in enumerate(self.numbers)}
        self.names = first["order_number"].to_list()
        self.versions = Group(orders, numbered(orders["order_id"], ids), count)
        lines = book["order_lines"]
        self.lines = Group(lines, numbered(lines["order_id"], ids), count)
        parcels = book["shipments"].filter(~pl.col("is_return"))
        self.parcels = Group(parcels, numbered(parcels["order_id"], ids), count)
        self.scans = self._events(book["scans"], parcels, ids, count)
        own = returns_of(setting, "shopify")["return_id"].unique()
        returns = book["returns"].with_columns(pl.col("return_id").is_in(own.implode()).alias("own"))
        self.returns = Group(returns, numbered(returns["order_id"], ids), count)
        back = book["return_lines"]
        self.back = Group(back, numbered(back["order_id"], ids), count)
        revisions = book["promise_revisions"]
        self.revisions = Group(revisions, numbered(revisions["order_id"], ids), count)
        shown = self.returns.frame["own"] | (self.returns.frame["refund_cents"] > 0)
        seen = shown.to_numpy()
        rows = [self.versions.rows, self.parcels.rows, self.scans.rows, self.returns.rows[seen], self.revisions.rows]
        at = [self.versions.at, self.parcels.at, self.scans.at, self.returns.at[seen], self.revisions.at]
        created = microseconds(first["ordered_at"])
        self.shelf = Shelf(Timeline(np.concatenate(rows), np.concatenate(at), count, created))
        self.parents = {
            gid("Fulfillment", fulfillment_number(ref)): row
            for ref, row in zip(self.parcels.frame["shipment_ref"], self.parcels.rows.tolist(), strict=True)
        }
        self.parents |= {
            gid("Return", number): row
            for number, row in zip(self.returns.frame["return_id"], self.returns.rows.tolist(), strict=True)
        }

    @staticmethod
    def _events(scans: pl.DataFrame, parcels: pl.DataFrame, ids: pl.Series, count: int) -> Group:
        labels = parcels.unique("shipment_ref", keep="first", maintain_order=True)
        scans = scans.filter(pl.col("carrier").is_in(FOLLOWED)).unique("scan_id", maintain_order=True)
        owner = owners(scans, labels)
        scans = scans.filter(pl.Series(owner >= 0))
        owner = owner[owner >= 0]
        scans = scans.with_columns(labels["shipment_ref"].gather(owner))
        return Group(scans, numbered(labels["order_id"], ids)[owner], count)

    def objects(self, rows: list[int], as_of: list[int], updated: list[int], parcels: bool = True) -> list[Row]:
        """Orders as objects; without what belongs to parcels when nobody asks for it."""
        nothing: list[list[Row]] = [[] for _ in rows]
        packed = zip(
            self.versions.latest(rows, as_of),
            self.lines.all(rows, as_of),
            self.parcels.all(rows, as_of) if parcels else nothing,
            self.scans.all(rows, as_of) if parcels else nothing,
            self.returns.all(rows, as_of),
            self.back.all(rows, as_of),
            self.revisions.all(rows, as_of),
            updated,
            strict=True,
        )
        return [Order(*parts).object() for parts in packed]
