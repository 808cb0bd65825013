"""What came in, what was rejected and why, and what exactly is published."""

import json
from typing import Final

import polars as pl
import streamlit as st

from dashboards import data, filters, page, publication, words
from dashboards.publication import Publication

AT_MOST: Final = 500
RESULTS: Final = (("failed", "failed"), ("warning", "gave a warning"), ("passed", "passed"))
FATES: Final = ("landed", "quarantined", "duplicate", "not_applicable")


def main() -> None:
    """Draw the page."""
    now = publication.current()
    answers = {
        "freshness": data.ask("freshness", as_of=now.as_of),
        "load_totals": data.ask("load_totals"),
        "quarantine": data.ask("quarantine"),
        "unmapped_codes": data.ask("unmapped_codes"),
        "checks": data.ask("checks", run_id=now.run_id),
    }
    verdict(answers)
    published(now)
    freshness(now, answers["freshness"])
    loads(now, answers["load_totals"])
    quarantine(answers["quarantine"])
    unmapped(answers["unmapped_codes"])
    checks(answers["checks"])
    restatements(now)


def verdict(answers: dict[str, data.Answer]) -> None:
    """What needs somebody's attention, in one list; or that nothing does."""
    totals = answers["load_totals"].rows.to_dicts()[0]
    stale = answers["freshness"].rows.filter(pl.col("state") == "stale")
    results = answers["checks"].rows["result"].to_list()
    rejected = totals["quarantined"]
    findings = [
        (len(stale), words.count(len(stale), "feed is", "feeds are") + " older than they should be"),
        (
            totals["held"],
            words.count(totals["held"], "batch is held", "batches are held") + " back, to be looked at and released",
        ),
        (totals["failed"], words.count(totals["failed"], "load") + " failed"),
        (results.count("failed"), words.count(results.count("failed"), "check") + " failed"),
        (results.count("warning"), words.count(results.count("warning"), "check") + " gave a warning"),
        (totals["not_adding_up"], words.count(totals["not_adding_up"], "batch does", "batches do") + " not add up"),
        (rejected, words.count(rejected, "row was", "rows were") + " rejected, with reasons"),
        (
            len(answers["unmapped_codes"].rows),
            words.count(len(answers["unmapped_codes"].rows), "status code") + " not mapped yet",
        ),
    ]
    found = [text for number, text in findings if number]
    if found:
        st.markdown("### To look at\n" + "\n".join(f"- {text}" for text in found))
    else:
        st.markdown("### All is well")
        st.markdown("Every source is fresh, every record is accounted for and every check passed.")


def published(now: Publication) -> None:
    """Which run the figures come from."""
    st.subheader("Published")
    answer = data.ask("publications")
    page.table(
        page.local_times(answer, now, "as_of", "published_at"),
        {
            "run_id": page.text("Run"),
            "as_of": page.moment("Data as of", "as_of"),
            "published_at": page.moment("Published"),
            "outcome": page.text("Outcome"),
            "batches": page.number("Batches"),
            "new_batches": page.number("of them new"),
            "wall_seconds": page.number("Seconds", form="%.1f"),
            "cpu_seconds": page.number("CPU seconds", form="%.1f"),
            "full_reason": page.text("Rebuilt because"),
            "code_version": page.text("Version"),
            "seeds_hash": page.text("Code maps"),
            "settings_hash": page.text("Settings"),
        },
        "publications",
        empty="No publication is recorded.",
    )


def freshness(now: Publication, answer: data.Answer) -> None:
    """How old each source is, against its policy."""
    st.subheader("Freshness by source", help=words.define("age_hours"))
    page.table(
        page.local_times(answer, now, "newest_record_at", "last_batch_at"),
        {
            "state": page.text("State"),
            "source": page.text("Source"),
            "entity": page.text("Entity"),
            "age_hours": page.number("Age, hours", "age_hours", "%.1f"),
            "policy_hours": page.number("Allowed, hours", "policy_hours"),
            "newest_record_at": page.moment("Newest record"),
            "last_batch_at": page.moment("Last batch"),
        },
        "freshness",
        empty="No source has delivered anything yet.",
    )


def loads(now: Publication, totals: data.Answer) -> None:
    """Every batch, and where its records ended."""
    st.subheader("Loads", help=words.define("read"))
    total = totals.rows.to_dicts()[0]
    if not total["batches"]:
        st.info("Nothing has been loaded yet. Run `wherehouse ingest --dry-run` to see what your files would give.")
        return
    fates = " + ".join(f"**{total[name]:,}** {name.replace('_', ' ')}" for name in FATES)
    st.markdown(f"**{total['read']:,}** records read = {fates}")
    show = filters.switch("Batches", ["All", "Held or failed"], "batches", "batch_outcome")
    answer = data.ask("loads", show=show, at_most=AT_MOST)
    page.table(
        page.local_times(answer, now, "landed_at", "min_at", "max_at"),
        {
            "landed_at": page.moment("Landed at"),
            "source": page.text("Source"),
            "entity": page.text("Entity"),
            "file": page.text("File"),
            "outcome": page.text("Outcome", "batch_outcome"),
            "read": page.number("Read", "read"),
            "landed": page.number("Landed", "landed"),
            "quarantined": page.number("Quarantined", "quarantined"),
            "duplicate": page.number("Duplicate", "duplicate"),
            "not_applicable": page.number("Not applicable", "not_applicable"),
            "adds_up": page.tick("Adds up", "adds_up"),
            "message": page.text("Message", width="large"),
            "retired": page.number("Retired", "retired"),
            "label": page.text("Label"),
            "min_at": page.moment("Records from"),
            "max_at": page.moment("to"),
            "seconds": page.number("Seconds", form="%.1f"),
            "batch_id": page.text("Batch"),
        },
        "loads",
        empty="No batch is held or failed.",
    )
    if len(answer.rows) == AT_MOST:
        st.caption(f"The newest {AT_MOST} of {answer.rows['matching'][0]:,} batches.")


def quarantine(answer: data.Answer) -> None:
    """Why rows were rejected, with samples of each reason."""
    st.subheader("Quarantine", help=words.define("quarantined"))
    page.table(
        answer,
        {
            "source": page.text("Source"),
            "entity": page.text("Entity"),
            "reason": page.text("Reason", width="large"),
            "rows": page.number("Rows", "rows"),
            "batches": page.number("Batches"),
        },
        "quarantine",
        empty="No row was rejected.",
    )
    if answer.rows.is_empty():
        return
    names = pl.concat_str("source", "entity", "reason", separator=" · ", ignore_nulls=True)
    labels = answer.rows.select(names).to_series().to_list()
    chosen = filters.one_of("Samples of", labels, "reason", 520)
    samples(answer.rows["samples_json"][labels.index(chosen)] if chosen in labels else None)


def samples(text: str | None) -> None:
    """A few rejected rows as they were read; text that is no list of records is shown as it is."""
    try:
        records = json.loads(text or "[]")
    except ValueError:
        records = text
    if isinstance(records, list) and records and all(isinstance(record, dict) for record in records):
        cells = [{key: _cell(value) for key, value in record.items()} for record in records]
        st.dataframe(pl.DataFrame(cells, infer_schema_length=None), hide_index=True, placeholder="–", key="samples")
    elif records:
        st.code(text, language=None, wrap_lines=True)
    else:
        st.caption("No sample was kept.")


def _cell(value: object) -> str | None:
    return None if value is None else value if isinstance(value, str) else json.dumps(value)


def unmapped(answer: data.Answer) -> None:
    """Codes that nobody has mapped yet."""
    st.subheader("Codes without a meaning", help=words.define("unmapped"))
    page.table(
        answer,
        {
            "source": page.text("Source"),
            "carrier": page.text("Carrier"),
            "status_code": page.text("Code"),
            "rows": page.number("Rows", "rows"),
        },
        "unmapped_codes",
        empty="Every status code is mapped.",
    )
    if not answer.rows.is_empty():
        st.caption(
            "Add a line for each to the status map named in your settings; the next refresh applies it to history."
        )


def checks(answer: data.Answer) -> None:
    """What was checked before publishing."""
    st.subheader("Checks of this run")
    results = answer.rows["result"].to_list()
    told = [f"{results.count(result):,} {words_for}" for result, words_for in RESULTS if result in results]
    if told:
        st.markdown(", ".join(told))
    page.table(
        answer,
        {
            "result": page.text("Result"),
            "asset": page.text("Table"),
            "check_name": page.text("Check"),
            "failures": page.number("Rows that fail"),
            "examples_json": page.text("Examples", width="large"),
        },
        "checks",
        empty="No check is recorded for this run.",
    )


def restatements(now: Publication) -> None:
    """Figures of closed weeks that changed."""
    st.subheader("Changed after the fact", help=words.define("restated"))
    answer = data.ask("restatements", at_most=AT_MOST)
    page.table(
        page.local_times(answer, now, "restated_at"),
        {
            "restated_at": page.moment("When"),
            "table_name": page.text("Table"),
            "week": page.text("Week", "week"),
            "key_json": page.text("Row", width="large"),
            "column_name": page.text("Count"),
            "old_value": page.number("Was"),
            "new_value": page.number("Is"),
            "reason": page.text("Reason"),
            "run_id": page.text("Run"),
        },
        "restatements",
        empty="No figure of a closed week has changed.",
    )


main()
