"""The canonical entities that landing holds and every staging model reads.

What lives here: names, DuckDB types, which columns are personal data, and the natural key of each entity.
What does not: how a file or an API is mapped to them (`pipelines/sources`), how they are stored (`pipelines/landing`).

A *field* is what a mapping may name. Its *landed columns* are what is written to Parquet: personal fields become
tokens (`customer` -> `customer_token`), postcodes become a region prefix, free text is classified and then left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What happens to a field's value on its way into landing."""

    PLAIN = "plain"
    TOKEN = "token"  # keyed HMAC-SHA-256; lands as <name>_token
    POSTCODE = "postcode"  # cut to a region prefix; lands as <name>_prefix
    PLACE = "place"  # a place in words, without those that hold digits
    TEXT = "text"  # free text: encrypted vault only, never landed


TEXT: Final = "VARCHAR"
TIME: Final = "TIMESTAMP"  # always UTC once landed
DATE: Final = "DATE"  # local calendar date at the destination
MONEY: Final = "DECIMAL(18,4)"
COUNT: Final = "INTEGER"
REAL: Final = "DOUBLE"
FLAG: Final = "BOOLEAN"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an entity: its name, DuckDB type, whether a row without it is rejected, and its kind.

    `token` says as what a personal value is normalised (customer, email, phone, person_name, street, signed_by) where
    a vendor's name for it does not.
    """

    name: str
    type: str = TEXT
    required: bool = False
    kind: Kind = Kind.PLAIN
    token: str = ""

    @property
    def column(self) -> str | None:
        """Name of the landed column; None for free text, which never lands."""
        match self.kind:
            case Kind.TOKEN:
                return f"{self.name}_token"
            case Kind.POSTCODE:
                return f"{self.name}_prefix"
            case Kind.TEXT:
                return None
            case _:
                return self.name


@dataclass(frozen=True, slots=True)
class Entity:
    """One canonical entity, or a vendor's own: grain sentence, natural key (landed columns) and fields."""

    name: str
    grain: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    derived: tuple[tuple[str, str], ...] = ()  # columns that landing itself adds: (name, type)
    texts: tuple[str, str, str] = ("subject", "body", "tags")  # fields that a topic is decided by, if it has them

    def field(self, name: str) -> Field:
        """The field of that name. Raises KeyError."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    @property
    def columns(self) -> dict[str, str]:
        """Landed columns with their DuckDB types, bookkeeping columns last."""
        own = {field.column: field.type for field in self.fields if field.column is not None}
        return own | dict(self.derived) | BOOKKEEPING


# On every landed row. _seq grows with each batch that landing accepts, _row is the record's place in its file
# (1-based): the latest arrival of a key is the row with the greatest (_seq, _row). A row with _deleted says that the
# key is gone (a snapshot no longer holds it, or the vendor deleted it).
BOOKKEEPING: Final[dict[str, str]] = {
    "shop": TEXT,
    "source": TEXT,
    "_seq": COUNT,
    "_row": "BIGINT",
    "_deleted": FLAG,
}

_PERSON = (
    Field("customer", kind=Kind.TOKEN),  # the shop's customer id or, without one, the e-mail address
    Field("email", kind=Kind.TOKEN),
    Field("phone", kind=Kind.TOKEN),
    Field("person_name", kind=Kind.TOKEN),
    Field("street", kind=Kind.TOKEN),
)

ORDERS: Final = Entity(
    "orders",
    "one row per order and arrival",
    ("order_id",),
    (
        Field("order_id", required=True),
        Field("order_number"),
        *_PERSON,
        Field("ordered_at", TIME, required=True),
        Field("ready_at", TIME),  # approved, picked and packed: ready for the carrier
        Field("cancelled_at", TIME),
        Field("is_cancelled", FLAG),  # cancelled without a known time counts as cancelled before due
        Field("channel"),
        Field("currency"),
        Field("order_amount", MONEY),
        Field("shipping_amount", MONEY),
        Field("seller_id"),  # who hands it over, where a marketplace has many of them
        Field("origin_node"),
        Field("origin_region"),
        Field("origin_postal", kind=Kind.POSTCODE),
        Field("destination_country"),
        Field("destination_region"),
        Field("destination_postal", kind=Kind.POSTCODE),
        Field("destination_time_zone"),
        Field("promised_date", DATE),
        Field("promise_source"),
        Field("known_at", TIME),
    ),
)

ORDER_LINES: Final = Entity(
    "order_lines",
    "one row per order line and arrival",
    ("order_line_id",),
    (
        Field("order_line_id", required=True),
        Field("order_id", required=True),
        Field("customer", kind=Kind.TOKEN),
        Field("ordered_at", TIME),
        Field("sku"),
        Field("product_id"),
        Field("category"),
        Field("variant"),
        Field("quantity", COUNT, required=True),
        Field("unit_price", MONEY),
        Field("shipping_amount", MONEY),  # where it is charged by line, not by order
        Field("currency"),
        Field("weight_grams", REAL),
    ),
)

SHIPMENTS: Final = Entity(
    "shipments",
    "one row per parcel and arrival",
    ("carrier", "tracking_number", "shipped_at"),
    (
        Field("shipment_ref"),  # the vendor's own id of the parcel, if any
        Field("order_id"),
        Field("carrier"),
        Field("service"),
        Field("tracking_number", required=True),
        Field("shipped_at", TIME),  # label or fulfilment time: tells recycled numbers apart
        Field("origin_node"),
        Field("origin_region"),
        Field("origin_country"),
        Field("destination_region"),
        Field("destination_country"),
        Field("destination_time_zone"),
        Field("label_created_at", TIME),
        Field("committed_date", DATE),
        Field("first_estimate_date", DATE),
        Field("last_estimate_date", DATE),
        Field("is_cancelled", FLAG),
        Field("cancelled_at", TIME),
        Field("is_return", FLAG),
        Field("replaces_tracking_number"),
        Field("shipping_cost", MONEY),
        Field("currency"),
        Field("cost_basis"),
        Field("weight_grams", REAL),
        Field("known_at", TIME),
    ),
)

SCANS: Final = Entity(
    "scans",
    "one row per carrier event and arrival",
    ("scan_id",),
    (
        Field("scan_id"),  # without one: the parcel, time and code are the identity
        Field("carrier"),
        Field("tracking_number", required=True),
        Field("occurred_at", TIME, required=True),
        Field("status_code", required=True),
        Field("facility"),
        Field("city"),
        Field("region"),
        Field("country"),
        Field("known_at", TIME),
        Field("signed_by", kind=Kind.TOKEN),
    ),
)

RETURNS: Final = Entity(
    "returns",
    "one row per return and arrival",
    ("return_id",),
    (
        Field("return_id", required=True),
        Field("order_id"),  # null: matched to an earlier sale by customer and item, or kept as unmatched
        Field("customer", kind=Kind.TOKEN),
        Field("requested_at", TIME, required=True),
        Field("approved_at", TIME),
        Field("label_first_scan_at", TIME),
        Field("received_at", TIME),
        Field("refunded_at", TIME),
        Field("status"),
        Field("outcome"),
        Field("refund_amount", MONEY),
        Field("retained_amount", MONEY),
        Field("currency"),
        Field("note", kind=Kind.TEXT),
    ),
)

RETURN_LINES: Final = Entity(
    "return_lines",
    "one row per returned line and arrival",
    ("return_line_id",),
    (
        Field("return_line_id", required=True),
        Field("return_id", required=True),
        Field("order_id"),
        Field("order_line_id"),
        Field("customer", kind=Kind.TOKEN),
        Field("requested_at", TIME),
        Field("sku"),
        Field("quantity", COUNT, required=True),
        Field("reason_code"),
        Field("amount", MONEY),
        Field("currency"),
        Field("note", kind=Kind.TEXT),
    ),
)

# set by the rules in pipelines/landing/topics while the text is still at hand
TOPIC_COLUMNS: Final = (
    ("topic", TEXT),
    ("topic_confidence", REAL),
    ("topic_basis", TEXT),
    ("topic_rules_version", COUNT),
)

TICKETS: Final = Entity(
    "tickets",
    "one row per support ticket and arrival",
    ("ticket_id",),
    (
        Field("ticket_id", required=True),
        Field("order_id"),
        Field("order_number"),
        Field("tracking_number"),
        Field("customer", kind=Kind.TOKEN),
        Field("email", kind=Kind.TOKEN),
        Field("created_at", TIME, required=True),
        Field("channel"),
        Field("status"),
        Field("score", REAL),  # satisfaction or review score as the vendor gives it
        Field("tags"),
        Field("subject", kind=Kind.TEXT),
        Field("body", kind=Kind.TEXT),
    ),
    derived=TOPIC_COLUMNS,
)

NOTICES: Final = Entity(
    "notices",
    "one row per notice sent to a customer and arrival",
    ("notice_id",),
    (
        Field("notice_id", required=True),
        Field("order_id"),
        Field("tracking_number"),
        Field("kind", required=True),
        Field("sent_at", TIME, required=True),
        Field("reason"),
    ),
)

CARRIER_CHARGES: Final = Entity(
    "carrier_charges",
    "one row per invoiced or rated charge and arrival",
    ("charge_id",),
    (
        Field("charge_id", required=True),
        Field("carrier"),
        Field("tracking_number", required=True),
        Field("charge_kind", required=True),  # freight, fuel, surcharge, correction, refund
        Field("amount", MONEY, required=True),
        Field("currency"),
        Field("billed_at", TIME),
        Field("basis"),
    ),
)

PROMISE_REVISIONS: Final = Entity(
    "promise_revisions",
    "one row per change of a promise and arrival",
    ("order_id", "changed_at"),
    (
        Field("order_id", required=True),
        Field("changed_at", TIME, required=True),
        Field("promised_date", DATE, required=True),
    ),
)

CLAIM_FILINGS: Final = Entity(
    "claim_filings",
    "one row per claim filed with a carrier and arrival",
    ("claim_id",),
    (
        Field("claim_id", required=True),  # the carrier's or the claims tool's
        Field("carrier"),
        Field("tracking_number", required=True),
        Field("claim_kind"),  # late, lost, damaged
        Field("filed_at", TIME, required=True),
        Field("status", required=True),  # filed, paid, rejected
        Field("decided_at", TIME),
        Field("amount_claimed", MONEY),
        Field("amount_paid", MONEY),
        Field("currency"),
    ),
)

PRODUCTS: Final = Entity(
    "products",
    "one row per SKU and arrival",
    ("sku",),
    (
        Field("sku", required=True),
        Field("product_id"),
        Field("category"),
        Field("variant"),
        Field("size"),
        Field("size_order", COUNT),
        Field("weight_grams", REAL),
    ),
)

ENTITIES: Final[dict[str, Entity]] = {
    entity.name: entity
    for entity in (
        ORDERS,
        ORDER_LINES,
        SHIPMENTS,
        SCANS,
        RETURNS,
        RETURN_LINES,
        TICKETS,
        NOTICES,
        CARRIER_CHARGES,
        PROMISE_REVISIONS,
        CLAIM_FILINGS,
        PRODUCTS,
    )
}
