"""Real orders: Olist by temporal splits, at order and at hand-over, beside the promise and medians known at the cut.

Features and model are those of `pipelines/predictions`; a model learns at each cut from what was known then. Intervals
are recalibrated day by day with the outcomes that had become known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from benchmarks.delays.intervals import coverage, lane_months, recalibrated
from benchmarks.delays.scores import Reals, average_precision, mae
from pipelines.predictions import backtest, hazard
from pipelines.predictions.curves import arriving, moment, within
from pipelines.warehouse.connection import Engine, open_warehouse

SPLITS = (
    (datetime(2018, 1, 1), datetime(2018, 5, 1)),
    (datetime(2018, 3, 1), datetime(2018, 6, 1)),
    (datetime(2018, 5, 1), datetime(2018, 9, 1)),
)
SETTINGS = "\n[predictions]\nenabled = true\n"  # added to examples/olist.toml
AT = {"order": "at order", "transit": "at hand-over"}
LEVELS = {80: (0.1, 0.9), 90: (0.05, 0.95)}
_ZERO = datetime(2016, 1, 1)
_WARM_UP = timedelta(days=120)  # before a cut: what its intervals are first calibrated on
_CASES = """
    select 'order' as kind, orders.order_id as case_id, cast(null as varchar) as shipment_id, orders.order_id,
        orders.ordered_at as moment, cast(shipments.delivered_local as date) as delivered_date, false as is_gone
    from {{ ref('int_orders') }} as orders
    left join {{ ref('fct_shipments') }} as shipments on orders.order_id = shipments.order_id
    where orders.ordered_at >= timestamp '2017-01-01'
    union all
    select 'transit', shipments.shipment_id, shipments.shipment_id, shipments.order_id, shipments.accepted_at,
        cast(shipments.delivered_local as date), false
    from {{ ref('fct_shipments') }} as shipments
    inner join {{ ref('int_orders') }} as orders on shipments.order_id = orders.order_id
    where orders.ordered_at >= timestamp '2017-01-01' and shipments.accepted_at is not null
"""
_ORDERS = """
    select order_id, order_purchase_timestamp as bought, order_delivered_customer_date as delivered,
        order_estimated_delivery_date as promised
    from read_parquet('{0}/orders.parquet')
    where order_id in (select order_id from read_parquet('{0}/order_items.parquet'))
        and customer_id in (select customer_id from read_parquet('{0}/customers.parquet'))
"""


@dataclass
class Result:
    """Of one split and moment: orders delivered, and the figures by way of predicting."""

    moment: str
    cut: date
    orders: int
    base_rate: float
    mae: dict[str, float] = field(default_factory=dict)
    average_precision: float = 0.0
    coverage: dict[int, float] = field(default_factory=dict)
    width: dict[int, float] = field(default_factory=dict)
    lane_month_coverage: float = 0.0
    lane_month_width: float = 0.0

    @property
    def text(self) -> str:
        """For people."""
        errors = ", ".join(f"{name} {value:.2f}" for name, value in self.mae.items())
        intervals = ", ".join(
            f"{level} % covers {self.coverage[level]:.1%}, {self.width[level]:.1f} wide" for level in LEVELS
        )
        return (
            f"{self.moment} from {self.cut}: {self.orders:,} orders, MAE in days: {errors}; "
            f"AP late {self.average_precision:.3f} (base {self.base_rate:.3f}); {intervals}; "
            f"lane x month 80 % covers {self.lane_month_coverage:.1%}, {self.lane_month_width:.1f} wide"
        )


def run(data_dir: Path, files: Path) -> list[Result]:
    """Judge all splits on a refreshed warehouse (examples/olist.toml with predictions on)."""
    frame, calendar = taken(Engine(data_dir, threads=1), files)
    found = []
    for kind in AT:
        own = frame.filter(pl.col("kind") == kind)
        days = calendar.filter((pl.col("carrier") == own.item(0, "carrier")) & (pl.col("destination_country") == "BR"))
        found += [judged(own, days, *split) for split in SPLITS]
    return found


def taken(engine: Engine, files: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Snapshots of every order at both moments with the files' own times, and the calendar."""
    frame = backtest.snapshots(engine, _CASES)
    with open_warehouse(engine) as connection:
        calendar = connection.sql("select * from intermediate.int_operating_days order by day").pl()
    with duckdb.connect() as connection:
        orders = connection.sql(_ORDERS.format(files)).pl()
    return frame.join(orders, on="order_id", how="inner", maintain_order="left"), calendar


def judged(frame: pl.DataFrame, calendar: pl.DataFrame, cut: datetime, end: datetime) -> Result:
    """One split: learn at the cut, predict what was bought until `end`."""
    asked = frame.filter((pl.col("moment") >= cut - _WARM_UP) & (pl.col("bought") < end))
    # what calibration starts from are the predictions of a model that had not seen them
    origins = [cut - _WARM_UP, cut, datetime(2019, 1, 1)]
    folds = list(backtest.rolling(frame, calendar, origins, hazard.ROUNDS, asked))
    asked = pl.concat([fold.fresh for fold in folds])
    curves = np.concatenate([fold.curves for fold in folds])
    whole = arriving(curves)
    bought, came, moment_at = (_days(asked, name) for name in ("bought", "delivered", "moment"))
    promised = np.floor(_days(asked, "promised"))
    test = (bought >= _day(cut)) & ~np.isnan(came)
    late = np.floor(came) > promised
    risk = 1 - within(curves, asked.get_column("slack_days").cast(pl.Float64).fill_null(np.nan).to_numpy())
    middle = _on_calendar(asked, calendar, moment(whole, 0.5))
    known = frame.filter(pl.col("delivered") < cut)
    took = _days(known, "delivered") - _days(known, "bought")
    lanes = dict(known.select("lane", took=pl.Series(took)).group_by("lane").agg(pl.col("took").median()).iter_rows())
    lane = asked.get_column("lane").replace_strict(lanes, default=float(np.median(took))).to_numpy()
    result = Result(
        AT[str(frame.item(0, "kind"))],
        cut.date(),
        int(test.sum()),
        float(late[test].mean()),
        mae={
            name: mae(days[test], came[test])
            for name, days in {
                "ours": middle,
                "promise": promised + 1,
                "median": bought + np.median(took),
                "lane median": bought + lane,
            }.items()
        },
        average_precision=average_precision(late[test], np.nan_to_num(risk[test], nan=0.0)),
    )
    for level, (low, high) in LEVELS.items():
        ends = [_on_calendar(asked, calendar, moment(whole, one)) for one in (low, high)]
        lower, upper = recalibrated(ends[0], ends[1], moment_at, came, low)
        result.coverage[level], result.width[level] = coverage(lower, upper, came, test)
    lower, upper = lane_months(asked.get_column("lane").to_numpy(), bought, moment_at, came)
    result.lane_month_coverage, result.lane_month_width = coverage(lower, upper, came, test)
    return result


def _days(frame: pl.DataFrame, name: str) -> Reals:
    column = frame.get_column(name).cast(pl.Datetime("us"))
    return ((column - _ZERO).dt.total_microseconds().cast(pl.Float64) / 86_400e6).fill_null(np.nan).to_numpy()


def _day(moment_of: datetime) -> float:
    return (moment_of - _ZERO) / timedelta(days=1)


def _on_calendar(frame: pl.DataFrame, calendar: pl.DataFrame, days: Reals) -> Reals:
    """Days since 2016 at which so many operating days after the snapshot's are over."""
    first = calendar.group_by("operating_no").agg(pl.col("day").min()).sort("operating_no")
    number = first.get_column("operating_no").to_numpy()
    day = (first.get_column("day").cast(pl.Datetime("us")) - _ZERO).dt.total_days().to_numpy()
    whole = np.floor(days)
    place = np.clip(frame.get_column("operating_no").to_numpy() + whole - number[0], 0, len(day) - 1).astype(int)
    return day[place] + (days - whole)
