"""The same curves from real data, where they are at hand (Olist, Online Retail). Aggregates only; for `describe`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

QUANTILES: Final = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99)
PAST: Final = tuple(range(-10, 16))  # days past the promise
ENOUGH: Final = 25  # orders behind a point of a curve


@dataclass(frozen=True, slots=True)
class Reality:
    """What the real data sets say. Rates are shares; times relative to the lane's median."""

    transit: list[float]  # at QUANTILES
    late_by_month: list[tuple[str, float]]
    unhappy_by_days_past: list[tuple[int, float]]  # reviews of one or two stars
    asks_by_days_past: list[tuple[int, float]]  # reviews that complain of a delay or of non-receipt
    return_rate: float
    return_rates: list[float]  # by SKU with 200 sales or more
    return_spread: float  # coefficient of variation of SKUs' true rates, chance removed


def shared_data() -> Path | None:
    """Folder of the real data sets: WHEREHOUSE_SHARED_DATA, else beside the repository; None where there is none."""
    named = os.environ.get("WHEREHOUSE_SHARED_DATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
    return folder.resolve() if (folder / "olist" / "orders.parquet").exists() else None


def spread(sold: list[int], returned: list[int]) -> float:
    """Coefficient of variation of rates between units, by moments, binomial chance taken off (0 without returns)."""
    total, back = sum(sold), sum(returned)
    if not back:
        return 0.0
    mean = back / total
    found = sum(n * (r / n - mean) ** 2 for n, r in zip(sold, returned, strict=True)) / total
    chance = sum(mean * (1 - mean) for _ in sold) / total
    return float(max(found - chance, 0.0) ** 0.5 / mean)


def read(folder: Path) -> Reality:
    """Compute the curves. Reads a few files, takes about a second."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    olist, retail = folder / "olist", folder / "online_retail"
    con.execute(
        """
        CREATE TEMP TABLE o AS
        SELECT o.order_id, order_purchase_timestamp AS bought, order_delivered_customer_date AS got,
            epoch(order_delivered_customer_date - order_delivered_carrier_date) / 86400 AS transit,
            date_diff('day', order_estimated_delivery_date::date, order_delivered_customer_date::date) AS past,
            s.seller_state || c.customer_state AS lane
        FROM read_parquet($orders) o
        LEFT JOIN read_parquet($customers) c USING (customer_id)
        LEFT JOIN (
            SELECT order_id, min(seller_id) AS seller_id FROM read_parquet($items) GROUP BY ALL
        ) i USING (order_id)
        LEFT JOIN read_parquet($sellers) s USING (seller_id)
        WHERE in_random_core
        """,
        {
            "orders": str(olist / "orders.parquet"),
            "customers": str(olist / "customers.parquet"),
            "items": str(olist / "order_items.parquet"),
            "sellers": str(olist / "sellers.parquet"),
        },
    )
    transit = con.execute(
        """
        WITH l AS (
            SELECT transit / median(transit) OVER (PARTITION BY lane) AS ratio, count(*) OVER (PARTITION BY lane) AS n
            FROM o WHERE transit > 0 AND lane IS NOT NULL
        )
        SELECT quantile_cont(ratio, $q::DOUBLE[]) FROM l WHERE n >= 50
        """,
        {"q": list(QUANTILES)},
    ).fetchone()
    months = con.execute(
        """
        SELECT strftime(bought, '%Y-%m'), avg((past > 0)::int) FROM o
        WHERE got IS NOT NULL GROUP BY 1 HAVING count(*) >= 150 ORDER BY 1
        """
    ).fetchall()
    reviews = con.execute(
        """
        SELECT past, avg((review_score <= 2)::int),
            avg(coalesce(regexp_matches(lower(review_comment_message),
                'n[aã]o recebi|atras|demor|n[aã]o chegou|ainda n[aã]o'), false)::int)
        FROM o JOIN read_parquet($reviews) USING (order_id)
        WHERE past BETWEEN $low AND $high GROUP BY 1 HAVING count(*) >= $enough ORDER BY 1
        """,
        {"reviews": str(olist / "order_reviews.parquet"), "low": PAST[0], "high": PAST[-1], "enough": ENOUGH},
    ).fetchall()
    skus = con.execute(
        """
        SELECT count(*) FILTER (InvoiceNo NOT LIKE 'C%' AND Quantity > 0) AS sold,
            count(*) FILTER (InvoiceNo LIKE 'C%') AS back
        FROM read_parquet($lines) WHERE regexp_matches(StockCode, '^[0-9]{5}') AND UnitPrice > 0
        GROUP BY StockCode HAVING sold >= 200
        """,
        {"lines": str(retail / "online_retail.parquet")},
    ).fetchall()
    con.close()
    sold, back = [row[0] for row in skus], [row[1] for row in skus]
    return Reality(
        transit=list(transit[0]) if transit else [],
        late_by_month=months,
        unhappy_by_days_past=[(row[0], row[1]) for row in reviews],
        asks_by_days_past=[(row[0], row[2]) for row in reviews],
        return_rate=sum(back) / sum(sold),
        return_rates=sorted(r / n for n, r in zip(sold, back, strict=True)),
        return_spread=spread(sold, back),
    )
