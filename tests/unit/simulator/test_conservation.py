"""Nothing appears from nowhere: every record belongs to one that exists, amounts add up, time runs forward."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Sample


def orphans(child: pl.DataFrame, parent: pl.DataFrame, on: list[str]) -> int:
    return len(
        child.filter(pl.all_horizontal(pl.col(name).is_not_null() for name in on)).join(parent, on=on, how="anti")
    )


@pytest.mark.parametrize(
    ("child", "parent", "on"),
    [
        ("order_lines", "orders", ["order_id"]),
        ("shipments", "orders", ["order_id"]),
        ("scans", "shipments", ["carrier", "tracking_number"]),
        ("returns", "orders", ["order_id"]),
        ("return_lines", "returns", ["return_id"]),
        ("return_lines", "order_lines", ["order_line_id"]),
        ("tickets", "orders", ["order_id"]),
        ("tickets", "orders", ["order_number"]),
        ("tickets", "shipments", ["tracking_number"]),
        ("notices", "shipments", ["tracking_number"]),
        ("carrier_charges", "shipments", ["carrier", "tracking_number"]),
        ("promise_revisions", "orders", ["order_id"]),
    ],
)
def test_every_record_belongs_to_one_that_exists(sample: Sample, child: str, parent: str, on: list[str]) -> None:
    assert orphans(sample.tables[child], sample.tables[parent], on) == 0


def test_every_parcel_of_the_truth_that_was_labelled_is_seen(sample: Sample) -> None:
    limit = sample.tables["shipments"]["arrives_at"].max()
    labelled = sample.truth("parcels").filter(pl.col("label_created_at") < limit - pl.duration(minutes=1))
    assert orphans(labelled, sample.tables["shipments"], ["shipment_ref"]) == 0


def test_amounts_add_up(sample: Sample) -> None:
    lines = (
        sample.tables["order_lines"]
        .group_by("order_id")
        .agg((pl.col("price_cents") * pl.col("quantity")).sum().alias("value"))
    )
    orders = sample.tables["orders"].unique("order_id").join(lines, on="order_id")
    assert (orders["total_cents"] == orders["value"] + orders["shipping_cents"]).all()
    back = sample.tables["return_lines"].join(sample.tables["order_lines"], on="order_line_id")
    assert (back["quantity"] <= back["quantity_right"]).all()
    assert (back["amount_cents"] <= back["price_cents"] * back["quantity_right"]).all()


def test_refunds_are_what_came_back_but_for_the_planted_mistakes(sample: Sample) -> None:
    value = sample.tables["return_lines"].group_by("return_id").agg(pl.col("amount_cents").sum())
    paid = sample.tables["returns"].filter(pl.col("refunded_at").is_not_null()).join(value, on="return_id")
    wrong = paid.filter(pl.col("refund_cents") + pl.col("retained_cents") != pl.col("amount_cents"))
    mistakes = sample.truth("returns").filter("refunded_too_much")
    assert set(wrong["return_id"]) <= set(mistakes["return_id"])
    assert len(paid) > 300


def test_versions_of_a_record_agree_and_grow(sample: Sample) -> None:
    returns = sample.tables["returns"].sort("arrives_at")
    known = returns.group_by("return_id", maintain_order=True).agg(
        pl.col("received_at").is_not_null().cast(pl.Int8).diff().min().alias("forgets"), pl.col("order_id").n_unique()
    )
    assert (known["forgets"].fill_null(0) >= 0).all()
    assert (known["order_id"] == 1).all()
    shipments = sample.tables["shipments"].filter(pl.col("status") != "voided").sort("arrives_at")
    kept = shipments.group_by("shipment_ref").agg(pl.col("first_estimate_date").drop_nulls().n_unique().alias("n"))
    assert (kept["n"] <= 1).all()


def test_time_runs_forward_on_every_journey(sample: Sample) -> None:
    parcels = sample.truth("parcels")
    delivered = parcels.filter(pl.col("delivered_at").is_not_null())
    assert (delivered["accepted_at"] < delivered["delivered_at"]).all()
    assert (delivered["label_created_at"] < delivered["accepted_at"]).all()
    assert (delivered["linehaul_days"] >= delivered["needs_days"]).all()


def test_a_parcel_ends_once(sample: Sample) -> None:
    ends = sample.tables["scans"].unique("scan_id").filter(pl.col("status").is_in(["delivered", "Delivered"]))
    assert ends.group_by("carrier", "tracking_number").len()["len"].max() == 1
    truth = sample.truth("parcels").filter(pl.col("end") != "delivered")
    assert not len(ends.join(truth, on="tracking_number"))


def test_scans_and_returns_of_a_cancelled_label_stop_there(sample: Sample) -> None:
    voided = sample.truth("parcels").filter(pl.col("end") == "voided")
    assert len(voided) > 5
    scans = sample.tables["scans"].join(voided, on="tracking_number")
    assert set(scans["status"]) <= {"pre_transit", "cancelled", "InfoReceived", "Exception"}
