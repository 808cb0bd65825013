"""Nothing of the truth can be reached through what connectors see: by name, by value, by correlation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from tests.unit.simulator.conftest import Sample

TOLD = {  # columns of the truth that systems know as well
    "order_id", "shipment_ref", "tracking_number", "label_created_at", "carrier", "service", "node", "region",
    "promised_date", "committed_date", "ticket_id", "return_id", "return_line_id", "order_line_id", "sku", "created_at",
    "customer_id", "outcome",
}  # fmt: skip


def test_no_table_has_a_column_of_the_truth(sample: Sample) -> None:
    secret = {
        name
        for table in ("parcels", "orders", "tickets", "returns", "return_lines")
        for name in sample.truth(table).columns
    }
    for name, table in sample.tables.items():
        assert not (set(table.columns) & (secret - TOLD)), name


def test_no_chance_or_parameter_occurs_in_any_file(sample: Sample) -> None:
    parcels = sample.truth("parcels")
    secret = set()
    for name in ("needs_days", "log_centre", "shock", "p_promise_at_order", "p_commitment_at_handover"):
        secret |= {f"{value:.6f}" for value in parcels[name].to_list() if value not in (0, 1)}
    seen = set()
    for path in sample.out.rglob("*.*"):
        if path.suffix != ".parquet":
            text = path.read_text(encoding="utf-8")
            seen |= {f"{float(found):.6f}" for found in re.findall(r"(?<![\d.])-?\d\.\d{6,}", text)}
        else:
            kinds = pl.read_parquet_schema(path).values()
            assert all(kind == pl.String for kind in kinds)
    assert not (secret & seen)


def test_nothing_arrives_after_the_last_day_and_nothing_tells_of_it(sample: Sample) -> None:
    end = np.datetime64("1970-01-01") + np.timedelta64(sample.world.request.end, "D")
    for name, table in sample.tables.items():
        assert table["arrives_at"].max() < end.astype("datetime64[us]").item(), name
        for column, kind in table.schema.items():
            if kind == pl.Datetime("us") and column not in ("arrives_at", "occurred_at"):
                known = table.filter(pl.col(column) > pl.col("arrives_at") + pl.duration(minutes=5))
                assert not len(known), (name, column)
    skewed = sample.tables["scans"].filter(pl.col("occurred_at") > pl.col("arrives_at") + pl.duration(hours=5))
    assert not len(skewed)


def test_delivery_times_of_open_parcels_occur_nowhere(sample: Sample) -> None:
    limit = sample.tables["scans"]["arrives_at"].max()
    still = sample.truth("parcels").filter(pl.col("delivered_at") > limit)
    assert len(still) > 200
    scanned = sample.tables["scans"].join(still, on="tracking_number")
    assert not len(scanned.filter(pl.col("occurred_at") == pl.col("delivered_at")))


def test_ids_and_positions_tell_nothing_about_outcomes(sample: Sample) -> None:
    parcels = sample.truth("parcels").filter(pl.col("parcel_kind") == "first")
    late = parcels["is_late"].to_numpy().astype(float)
    needs = parcels["needs_days"].rank().to_numpy()
    digits = parcels["tracking_number"].str.extract(r"(\d{6})$").cast(pl.Float64).to_numpy()
    reference = np.array([int(text[4:16], 16) for text in parcels["shipment_ref"]], dtype=float)
    order = parcels["order_id"].cast(pl.Float64).rank().to_numpy()
    limit = 4 / np.sqrt(len(parcels))
    for values in (digits, reference, order):
        assert abs(np.corrcoef(values, late)[0, 1]) < limit
        assert abs(np.corrcoef(values, needs)[0, 1]) < limit


def test_ticket_ids_tags_and_links_do_not_give_the_topic_away(sample: Sample) -> None:
    truth = sample.truth("tickets").unique("ticket_id")
    topics = truth["topic"].rank("dense").to_numpy().astype(float)
    ids = truth["ticket_id"].rank().to_numpy()
    assert abs(np.corrcoef(ids, topics)[0, 1]) < 4 / np.sqrt(len(truth))
    told = sample.tables["tickets"].filter(pl.col("tags").is_not_null()).join(truth, on="ticket_id")
    own = {"wismo": "shipping_status", "delivery_problem": "delivery_issue", "return_refund": "returns"}
    right = told.filter(pl.col("topic").replace_strict(own, default=None) == pl.col("tags"))
    of_those = told.filter(pl.col("topic").is_in(list(own)))
    assert 0.88 < len(right) / len(of_those) < 0.99  # agents' tags are mostly, not always right


def test_reshipments_and_repeats_look_like_any_other_order_or_parcel(sample: Sample) -> None:
    truth = sample.truth("orders")
    numbers = truth.with_columns(pl.col("order_id").str.len_chars().alias("n"))
    assert numbers.filter("is_repeat")["n"].is_in(numbers["n"].unique().to_list()).all()
    shown = sample.tables["orders"].unique("order_id").join(truth, on="order_id")
    odd = shown.select(
        pl.corr(pl.col("order_number").str.slice(1).cast(pl.Int64) % 2, pl.col("is_repeat").cast(pl.Int64))
    )
    assert abs(odd.item()) < 0.05
