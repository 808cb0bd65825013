"""One order from checkout to refund: found by any of its numbers, told on one line of time."""

from datetime import date, datetime, timedelta
from typing import Any, Final

import polars as pl
import streamlit as st

from dashboards import charts, data, page, publication, story, words
from dashboards.publication import Publication

LONGEST: Final = 100  # characters of a number that is looked for
LONG_AGO: Final = datetime(1970, 1, 1)

COLUMNS: Final = {
    "at": page.moment("When"),
    "kind": page.text("About"),
    "what": page.text("What happened", width="large"),
    "where": page.text("Where"),
    "parcel": page.text("Parcel", "shipment_id"),
}


def main() -> None:
    """Draw the page."""
    now = publication.current()
    typed = st.text_input(
        "Order or tracking number",
        key="q",
        bind="query-params",
        persist_state="session",
        max_chars=LONGEST,
        placeholder="as the customer or the carrier writes it",
        icon=":material/search:",
        width=420,
    )
    wanted = (typed or "").strip()[:LONGEST].replace("\x00", "")
    if not wanted:
        st.info("Type an order's number (with or without #) or a parcel's tracking number, and press Enter.")
        return
    found = look_up(wanted)
    order = choose(found.rows, wanted)
    parcels = data.ask("order_parcels", wanted=wanted, order_id=order["order_id"] if order else "")
    if order is None and parcels.rows.is_empty():
        st.info(
            f"No order and no parcel has the number {words.plain(wanted)}. Check it for missing digits; an order that "
            "was placed after the data's moment above comes with the next refresh."
        )
        return
    tell(now, order, parcels.rows)
    events, queries = timeline(order, parcels.rows)
    drawn(now, events, ";\n".join([found.sql, parcels.sql, *queries]))


def look_up(wanted: str) -> data.Answer:
    """Orders of that number; only where there is none, those of a parcel of that tracking number."""
    found = data.ask("order_found", wanted=wanted)
    if not found.rows.is_empty():
        return found
    tracked = data.ask("order_tracked", wanted=wanted).rows["order_id"].to_list()
    orders = [data.ask("order_found", wanted=order_id) for order_id in tracked]
    return data.Answer(pl.concat([found.rows, *(one.rows for one in orders)]), orders[0].sql if orders else found.sql)


def choose(found: pl.DataFrame, wanted: str) -> dict[str, Any] | None:
    """The order found; where several go by that number, the one picked."""
    orders = found.to_dicts()
    if len(orders) < 2:
        return orders[0] if orders else None
    labels = {f"{row['order_number'] or row['order_id']}, {words.day(row['ordered_at'])}": row for row in orders}
    picked = st.selectbox(f"{len(orders)} orders go by {wanted}", list(labels), key="which", width=420)
    return labels.get(picked or "") or orders[0]


def tell(now: Publication, order: dict[str, Any] | None, parcels: pl.DataFrame) -> None:
    """Where it stands, in a sentence for each parcel."""
    if order:
        name = words.plain(order["order_number"] or order["order_id"])
        promised = order["promised_date"]
        st.markdown(f"### Order {name}: {standing(order, now.today)}")
        place = ", ".join(
            words.plain(part) for part in (order["destination_region"], order["destination_country"]) if part
        )
        said = [
            f"Placed {words.day(now.local(order['ordered_at']))}" if order["ordered_at"] else "",
            f"to {place}" if place else "",
            f"promised by **{words.day(promised)}**" if promised else "no date was promised",
        ]
        st.markdown(", ".join(part for part in said if part))
    else:
        st.markdown("### A parcel that no order knows")
    if parcels.is_empty():
        st.markdown("- Nothing has been shipped yet.")
    st.markdown("\n".join(f"- {parcel_line(now, row)}" for row in parcels.to_dicts()))


def standing(order: dict[str, Any], today: date) -> str:
    """One phrase: how the order did, or does, against its promise."""
    if order["is_cancelled"]:
        return "cancelled"
    if order["is_due"]:
        return "kept its promise" if order["is_on_time"] else "missed its promised date"
    promised = order["promised_date"]
    if promised is None:
        return "no promise to hold it against"
    left = (promised - today).days
    return (
        "its promised day is today" if left == 0 else f"due in {words.count(left, 'day')}" if left > 0 else "settling"
    )


def parcel_line(now: Publication, row: dict[str, Any]) -> str:
    """Where one parcel stands."""
    role = "Return parcel" if row["is_return"] else "Replacement parcel" if row["replaces_shipment_id"] else "Parcel"
    number = words.plain(row["tracking_number"] or row["shipment_id"])
    carrier = " ".join(words.plain(part) for part in (words.carrier(row["carrier"]), row["service"]) if part)
    status = story.STATUS.get(row["end_milestone"] or row["last_milestone"] or "", "nothing is known of it yet")
    when = row["ended_at"] or row["last_scan_at"]
    moment = f", {words.clock_time(now.local(when))}" if when else ""
    return f"{role} **{number}** ({carrier}): {status}{moment}"


def timeline(order: dict[str, Any] | None, parcels: pl.DataFrame) -> tuple[list[story.Event], list[str]]:
    """All events, the oldest first, and the queries that gave them. What an older file lacks is left out, and said."""
    events = story.of_order(order) if order else []
    queries = []
    if not parcels.is_empty():
        known = pl.concat([parcels["label_created_at"], parcels["accepted_at"]]).drop_nulls()
        last = parcels["last_scan_at"].drop_nulls()
        scans = data.ask(
            "order_scans",
            shipments=parcels["shipment_id"].to_list(),
            earliest=min(known) - timedelta(days=3) if len(known) else LONG_AGO,
            latest=max(last) + timedelta(days=1) if len(last) else LONG_AGO,
        )
        events += [story.of_scan(row) for row in scans.rows.to_dicts()]
        queries.append(scans.sql)
    if order:
        tellers = {
            "order_revisions": lambda row: [story.of_revision(row)],
            "order_notices": lambda row: [story.of_notice(row)],
            "order_tickets": lambda row: [story.of_ticket(row)],
            "order_returns": story.of_return,
        }
        for query, tell_one in tellers.items():
            with page.section(""):
                answer = data.ask(query, order_id=order["order_id"])
                queries.append(answer.sql)
                for row in answer.rows.to_dicts():
                    events += tell_one(row)
        if publication.current().predicts:
            with page.section(""):
                answer = data.ask("order_prediction", order_id=order["order_id"])
                queries.append(answer.sql)
                events += [story.of_prediction(row) for row in answer.rows.to_dicts()]
    return sorted(events, key=lambda event: (event.at, event.kind, event.what)), queries


def drawn(now: Publication, events: list[story.Event], sql: str) -> None:
    """The timeline: drawn, and as a list."""
    st.subheader("What happened, in order")
    if not events:
        st.info("Nothing has been recorded for this number yet.")
        return
    rows = pl.DataFrame([{name: getattr(event, name) for name in COLUMNS} for event in events])
    local = page.local_times(data.Answer(rows, sql), now, "at")
    said = ", ".join(
        words.count(kinds, kind.lower() + " event") for kind, kinds in rows["kind"].value_counts().sort("kind").rows()
    )
    st.altair_chart(
        charts.timeline(local.rows), alt=f"The order's events by time: {said}; the list below has each of them"
    )
    st.caption(f"Times of {words.plain(str(now.zone))}.")
    page.table(local, COLUMNS, "order_story", empty="Nothing has been recorded for this number yet.")


main()
