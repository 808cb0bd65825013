"""Tickets: the words of each contact, and what the form and the help desk know of it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl

from simulator.chance import Array, Flags
from simulator.columns import Columns
from simulator.ordering import public_ids
from simulator.parcels import NEVER
from simulator.people import LANGUAGES
from simulator.phrases import NUMBERED, write
from simulator.records.forms import View, moments, named
from simulator.settings import DAY

CHANNELS: Final = ("email", "chat", "web_form", "social")
TAGS: Final = {
    "wismo": "shipping_status", "delivery_problem": "delivery_issue", "return_refund": "returns",
    "order_change": "order_edit", "product": "product_question", "other": "general",
}  # fmt: skip
TICKET_BASE: Final = 900_000


def tickets(view: View) -> pl.DataFrame:
    """Two versions of most tickets: as written, and as solved."""
    contacts, orders, chance = view.happened.contacts, view.happened.orders, view.chance
    identities, numbers, ids, tracking = view.identities, view.order_number, view.order_id, view.tracking
    key = contacts.key
    subject, body = _texts(view)
    channel = chance.choose(key, "channel", [0.5, 0.2, 0.22, 0.08])
    anonymous = _about_nothing_bought(contacts) & chance.happens(key, "no order", 0.5)
    form = (channel == 2) & chance.happens(key, "form number", 0.85) & ~anonymous
    linked = chance.happens(key, "linked", 0.5) & ~anonymous
    parcel = np.maximum(contacts.parcel, 0)
    traced = labelled(view) & chance.happens(key, "traced", 0.12)
    topics = [topic for topic, _ in NUMBERED]
    tagged = chance.happens(key, "tagged", view.world.settings["contacts"]["tagged"])
    wrong = chance.happens(key, "mistagged", view.world.settings["contacts"]["mistagged"])
    names = list(TAGS.values())
    own = np.array([names.index(TAGS[topic]) for topic in topics])[contacts.situation]
    tag = np.where(wrong, chance.below(key, "wrong tag", len(names)), own)
    other_mail = chance.happens(key, "other mail", 0.08)
    mail = identities["email"].gather(contacts.order)
    elsewhere = pl.Series(chance.below(key, "mail number", 10_000_000)).cast(pl.String)
    mail = pl.select(
        pl.when(pl.Series(other_mail))
        .then(pl.concat_str(pl.lit("contact"), elsewhere, pl.lit("@example.org")))
        .otherwise(mail)
    ).to_series()
    rated = chance.happens(key, "rated", 0.18)
    unhappy = np.isin(own, (names.index("delivery_issue"),)) | (contacts.trouble < NEVER)
    score = np.where(unhappy, 1 + chance.below(key, "score", 4), 3 + chance.below(key, "score", 3))
    age = ((0.2 + 3 * chance.uniform(key, "solved")) * DAY).astype(np.int64)
    rows = np.arange(len(contacts))
    solved = chance.happens(key, "ever solved", 0.97)
    both = np.concatenate([rows, rows[solved]])
    version = np.repeat([0, 1], [len(rows), int(solved.sum())])
    arrives = np.concatenate([contacts.at + 5, (contacts.at + age)[solved]])
    frame = pl.DataFrame(
        {
            "ticket_id": pl.Series(ticket_ids(contacts)),
            "order_id": ids.gather(contacts.order).set(pl.Series(~linked), None),
            "order_number": numbers.gather(contacts.order).set(pl.Series(~form), None),
            "tracking_number": (
                tracking.gather(parcel).set(pl.Series(~traced), None)
                if len(tracking)
                else pl.Series([None] * len(rows), dtype=pl.String)
            ),
            "customer_id": identities["customer_id"].gather(contacts.order).set(pl.Series(~linked), None),
            "email": mail,
            "created_at": moments(contacts.at),
            "channel": named(CHANNELS, channel),
            "language": named(LANGUAGES, orders.language[contacts.order]),
            "subject": subject,
            "body": body,
            "tags": named(names, tag).set(pl.Series(~tagged), None),
            "score": pl.Series(score).set(pl.Series(~rated), None),
        }
    )
    first = pl.Series(version == 0)
    return frame[both].with_columns(
        pl.Series("status", np.where(version == 0, "open", "solved"), dtype=pl.String),
        pl.when(first).then(None).otherwise(pl.col("score")).alias("score"),
        pl.when(first).then(None).otherwise(pl.col("tags")).alias("tags"),
        moments(arrives).alias("arrives_at"),
    )


def labelled(view: View) -> Flags:
    """Whether the parcel a contact is about had a label, and so a number, when the customer wrote."""
    contacts, parcels = view.happened.contacts, view.happened.parcels
    if not len(parcels):
        return np.zeros(len(contacts), dtype=np.bool_)
    label_at = parcels.label_at[np.maximum(contacts.parcel, 0)]
    return np.asarray((contacts.parcel >= 0) & (label_at < contacts.at))


def ticket_ids(contacts: Columns) -> Array:
    """Public numbers of tickets."""
    return public_ids(contacts.key, TICKET_BASE)


def _about_nothing_bought(contacts: Columns) -> Array:
    places = [place for place, (topic, _) in enumerate(NUMBERED) if topic in ("product", "other")]
    return np.isin(contacts.situation, places)


def _texts(view: View) -> tuple[list[str], list[str]]:
    contacts, orders, parcels, chance = view.happened.contacts, view.happened.orders, view.happened.parcels, view.chance
    identities, numbers, tracking = view.identities, view.order_number, view.tracking
    key = contacts.key
    first_line = np.searchsorted(view.happened.lines.order, np.arange(len(orders)))
    carriers = [carrier["name"].replace("DHLExpress", "DHL") for carrier in view.world.network.carriers]
    parcel = np.maximum(contacts.parcel, 0)
    since = np.where(
        contacts.trouble < NEVER, contacts.at - contacts.trouble, contacts.at - orders.placed[contacts.order]
    )
    carrier_of = np.where(contacts.parcel < 0, len(carriers), parcels.carrier[parcel] if len(parcels) else 0)
    number = tracking.gather(parcel) if len(tracking) else pl.Series([""]).new_from_index(0, len(parcel))
    columns: dict[str, list[Any]] = {
        **{f"u{place}": chance.uniform(key, f"text {place}").tolist() for place in range(6)},
        "language": orders.language[contacts.order].tolist(),
        "situation": contacts.situation.tolist(),
        "mentions": chance.happens(key, "mentions", 0.35).tolist(),
        "order": numbers.gather(contacts.order).to_list(),
        "tracking": number.set(pl.Series(~labelled(view)), "").to_list(),
        "product": view.world.catalogue.title[view.happened.lines.sku[first_line[contacts.order]]].tolist(),
        "days": np.clip(since // DAY, 2, 60).tolist(),
        "carrier": named([*carriers, "the carrier"], carrier_of).to_list(),
        "name": identities["person_name"].gather(contacts.order).to_list(),
        "phone": identities["phone"].gather(contacts.order).to_list(),
    }
    parts = view.world.request.phrases
    texts = [write(parts, dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]
    return [subject for subject, _ in texts], [body for _, body in texts]
