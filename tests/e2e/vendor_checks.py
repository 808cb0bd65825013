"""What six vendors' doubles tell of a world, beside what is published from them: record for record.

The told side is read off the simulator's own records, as a person would; nothing of the doubles is used for it.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl

from simulator.doubles.book import Book
from simulator.doubles.server import Served
from simulator.doubles.vendor import UNKNOWN_WORD
from tests.e2e import runs

SECRETS = {
    "SHOPIFY_ACCESS_TOKEN": "shpat_double_shopify_token",
    "AFTERSHIP_API_KEY": "asat_double_aftership_key",
    "EASYPOST_API_KEY": "EZAK-double-easypost-key",
    "LOOP_API_KEY": "double-loop-key",
    "ZENDESK_USER": "ops@fieldandfold.example",
    "ZENDESK_API_TOKEN": "double-zendesk-token",
    "GORGIAS_USER": "ops@fieldandfold.example",
    "GORGIAS_API_KEY": "double-gorgias-key",
}
SETTINGS = """
shop = "doubles"
time_zone = "America/New_York"
[sources.parcels]
type = "easypost"
base_url = "{address}/easypost"
requests_per_second = 1000
look_back_hours = 1680
[sources.store]
type = "shopify"
base_url = "{address}/shopify"
promised_date_attribute = "promised_delivery_date"
packed_at_attribute = "packed_at"
ship_from_attribute = "ship_from"
time_zone_attribute = "ship_to_time_zone"
[sources.tracking]
type = "aftership"
base_url = "{address}/aftership"
requests_per_second = 1000
[sources.returns]
type = "loop"
base_url = "{address}/loop"
since = 2026-08-01
requests_per_minute = 10000
[sources.desk]
type = "zendesk"
base_url = "{address}/zendesk"
requests_per_minute = 10000
order_id_field = 360000000001
order_number_field = 360000000002
tracking_number_field = 360000000003
score_field = 360000000004
[sources.chat]
type = "gorgias"
base_url = "{address}/gorgias"
requests_per_20_seconds = 10000
"""
VENDORS = ("aftership", "easypost", "gorgias", "loop", "shopify", "zendesk")
FOLLOWED = ("FedEx", "UPS", "USPS", "DHLExpress")  # carriers whose events a Shopify shop gets


def settle(served: Served, data: Path, moment: datetime) -> Path:
    """Settings of all sources, beside the data folder, as of a moment at which the vendors' world stands too."""
    served.clock.set_as_of(moment)
    data.parent.mkdir(parents=True, exist_ok=True)
    path = data.parent / "wherehouse.toml"
    path.write_text(f"as_of = {moment:%Y-%m-%dT%H:%M:%SZ}" + SETTINGS.format(address=served.address))
    return path


def pull(served: Served, data: Path, moment: datetime) -> runs.Run:
    """`wherehouse sources pull` as of a moment: what lands, without building anything."""
    settings = settle(served, data, moment)
    return runs.run(["sources", "pull", "--settings", str(settings), "--data-dir", str(data)], SECRETS)


def refresh(served: Served, data: Path, moment: datetime, *, full: bool = False) -> runs.Run:
    """A refresh as of a moment."""
    return runs.refresh(settle(served, data, moment), data, full=full, environment=SECRETS)


def require_told(book: Book, data: Path, moment: datetime, *, is_altered: bool = False) -> None:
    """Everything that the world's records say by then is published: once, as it stood last, and nothing else.

    `is_altered`: a double has told some events in a word that nobody knows before it told them right; those are there.
    """
    for entity in (orders, order_lines, parcels, followed, tracked, events, returns, return_lines, tickets):
        told, query = entity(book, moment)
        published = runs.rows(data, query)
        if is_altered:
            published = [row for row in published if UNKNOWN_WORD not in str(row[1])]
        missing, more = told - set(published), set(published) - told
        assert not missing and not more, (entity.__name__, len(missing), len(more), *list(missing)[:2], *list(more)[:2])
        assert len(published) == len(told), entity.__name__


def by_then(book: Book, entity: str, moment: datetime) -> pl.DataFrame:
    """The records of an entity that have arrived by then."""
    return book[entity].filter(pl.col("arrives_at") <= moment.replace(tzinfo=None))


def last(book: Book, entity: str, key: str, moment: datetime) -> pl.DataFrame:
    """The records of an entity as they stood by then."""
    own = by_then(book, entity, moment)
    return own.sort("arrives_at", maintain_order=True).unique(key, keep="last", maintain_order=True)


def second(*names: str) -> pl.Expr:
    return pl.col(*names).dt.truncate("1s")


def money(*names: str) -> pl.Expr:
    return pl.col(*names).cast(pl.Decimal(18, 4)) / 100


def rows_of(frame: pl.DataFrame, *names: str | pl.Expr) -> set[tuple]:
    return set(frame.select(*names).iter_rows())


def orders(book: Book, moment: datetime) -> tuple[set[tuple], str]:
    frame = last(book, "orders", "order_id", moment).with_columns(
        second("ordered_at", "ready_at", "cancelled_at"), money("total_cents", "shipping_cents")
    )
    told = rows_of(
        frame, "order_id", "order_number", "ordered_at", "ready_at", "cancelled_at", "channel", "currency",
        "total_cents", "shipping_cents", "country", "region", "time_zone", "promised_date",
    )  # fmt: skip
    return (
        told,
        """
        select order_id, order_number, ordered_at, ready_at, cancelled_at, channel, currency, order_amount,
            shipping_amount, destination_country, destination_region, destination_time_zone, promised_date
        from marts.fct_orders""",
    )


def order_lines(book: Book, moment: datetime) -> tuple[set[tuple], str]:
    frame = last(book, "order_lines", "order_line_id", moment).with_columns(
        money("price_cents"), pl.col("grams").cast(pl.Float64), pl.col("product_id").cast(pl.Utf8)
    )
    told = rows_of(
        frame, "order_line_id", "order_id", "sku", "product_id", "category", "variant", "quantity", "price_cents",
        "grams",
    )  # fmt: skip
    return (
        told,
        """
        select order_line_id, order_id, sku, product_id, category, variant, quantity, unit_price, weight_grams
        from marts.fct_order_lines""",
    )


def parcels(book: Book, moment: datetime) -> tuple[set[tuple], str]:
    """Shopify knows order and warehouse of a parcel, EasyPost what the carrier owes: the parcel has all of it."""
    frame = last(book, "shipments", "shipment_ref", moment)
    is_owed = (pl.col("feed") == "easypost") & ~pl.col("is_return")
    told = rows_of(
        frame,
        "tracking_number",
        "is_return",
        pl.when(~pl.col("is_return")).then("order_id"),
        pl.when(~pl.col("is_return")).then("node"),
        pl.when(is_owed).then("committed_date"),
    )
    return (
        told,
        """
        select tracking_number, is_return, case when not is_return then order_id end,
            case when not is_return then origin_node end,
            case when commitment_basis = 'carrier' then committed_date end
        from marts.fct_shipments where is_declared""",
    )


def _scans(book: Book, moment: datetime, feed: str) -> pl.DataFrame:
    """Scans that a tracking service has heard of by then, of parcels it knows."""
    known = by_then(book, "shipments", moment).filter(pl.col("feed") == feed)["tracking_number"].unique().to_list()
    scans = by_then(book, "scans", moment)
    return scans.filter((pl.col("feed") == feed) & pl.col("tracking_number").is_in(known))


_SCANS = """
    select split_part(shipment_id, '@', 1), status_code, date_trunc('second', occurred_at)
    from marts.fct_scans where source = '{}'"""


def followed(book: Book, moment: datetime) -> tuple[set[tuple], str]:
    code = (pl.col("status") + "." + pl.col("detail")).alias("code")
    return rows_of(_scans(book, moment, "easypost"), "tracking_number", code, second("occurred_at")), _SCANS.format(
        "parcels"
    )


def tracked(book: Book, moment: datetime) -> tuple[set[tuple], str]:
    told = rows_of(_scans(book, moment, "aftership"), "tracking_number", "detail", second("occurred_at"))
    return told, _SCANS.format("tracking")


def events(book: Book, moment: datetime) -> tuple[set[tuple], str]:
    """Carriers' events as Shopify tells them, of outbound parcels."""
    out = by_then(book, "shipments", moment).filter(~pl.col("is_return"))["tracking_number"].unique().to_list()
    scans = by_then(book, "scans", moment).filter(
        pl.col("carrier").is_in(FOLLOWED) & pl.col("tracking_number").is_in(out)
    )
    name = (pl.lit("shopify-") + pl.col("scan_id").cast(pl.Utf8)).alias("id")
    return (
        rows_of(scans, name, "tracking_number", second("occurred_at")),
        """
        select scan_id, split_part(shipment_id, '@', 1), date_trunc('second', occurred_at)
        from marts.fct_scans where source = 'store'""",
    )


def _returns(book: Book, entity: str, key: str, moment: datetime) -> pl.DataFrame:
    """Returns live in Loop where the order went to the United States, in Shopify otherwise."""
    countries = book["orders"].unique("order_id", keep="first").select("order_id", "country")
    frame = last(book, entity, key, moment).join(countries, on="order_id")
    tool = pl.when(pl.col("country") == "US").then(pl.lit("loop-")).otherwise(pl.lit("shopify-"))
    names = [name for name in ("return_id", "return_line_id") if name in frame.columns]
    return frame.with_columns(*[(tool + pl.col(name).cast(pl.Utf8)).alias(name) for name in names], tool=tool)


def returns(book: Book, moment: datetime) -> tuple[set[tuple], str]:
    """Where nothing was refunded, Shopify has no refund and no moment of one."""
    frame = _returns(book, "returns", "return_id", moment).with_columns(
        second("requested_at", "approved_at", "refunded_at"), money("refund_cents")
    )
    is_paid, is_shopify = pl.col("refund_cents") > 0, pl.col("tool") == "shopify-"
    told = rows_of(
        frame,
        "return_id",
        "order_id",
        "requested_at",
        pl.when(is_shopify).then("approved_at"),
        pl.when(is_paid).then("refunded_at"),
        pl.when(is_paid).then("refund_cents"),
    )
    return (
        told,
        """
        select return_id, order_id, requested_at, approved_at, refunded_at, nullif(refund_amount, 0)
        from marts.fct_returns""",
    )


def return_lines(book: Book, moment: datetime) -> tuple[set[tuple], str]:
    """A reason that is one of Shopify's ten words is told as such, another by its handle."""
    frame = _returns(book, "return_lines", "return_line_id", moment).with_columns(money("amount_cents"))
    code = pl.col("reason_code")
    handle = code.str.to_lowercase().str.replace_all("_", "-")
    is_word = (code == code.str.to_uppercase()) & ~code.is_in(["OTHER", "UNKNOWN"])
    told = rows_of(
        frame, "return_line_id", "return_id", "order_id", "order_line_id", "sku", "quantity",
        pl.when((pl.col("tool") == "loop-") | is_word).then(code).otherwise(handle), "amount_cents",
    )  # fmt: skip
    return (
        told,
        """
        select return_line_id, return_id, order_id, order_line_id, sku, quantity, reason_code, amount
        from marts.fct_return_lines""",
    )


def tickets(book: Book, moment: datetime) -> tuple[set[tuple], str]:
    """Tickets by then, in the desk that their channel belongs to."""
    frame = last(book, "tickets", "ticket_id", moment)
    desk = pl.when(pl.col("channel").is_in(["chat", "social"])).then(pl.lit("gorgias-")).otherwise(pl.lit("zendesk-"))
    name = (desk + pl.col("ticket_id").cast(pl.Utf8)).alias("id")
    told = rows_of(frame, name, second("created_at"), pl.col("score").cast(pl.Float64))
    return told, "select ticket_id, date_trunc('second', created_at), score from marts.fct_tickets"
