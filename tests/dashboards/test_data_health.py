"""Data health says what came in, what was rejected, and what is published."""

import pytest


def table(page, column):
    """The first table with that column."""
    return next(frame.value for frame in page.dataframe if column in frame.value)


def test_what_needs_attention(published, visit, sentences):
    page = visit("data_health")
    assert not page.exception
    said = sentences(page)
    assert "2 feeds are older than they should be" in said
    assert "1 batch is held back" in said
    assert "1 check gave a warning" in said
    assert "293 rows were rejected" in said
    assert "2 status codes not mapped yet" in said
    assert "failed" not in said


def test_records_are_accounted_for(published, visit, sentences):
    page = visit("data_health")
    [counts] = published(
        "select sum(read), sum(landed), sum(quarantined), sum(duplicate), sum(not_applicable) from ops.loads"
    )
    read, landed, quarantined, duplicate, not_applicable = counts
    assert read == landed + quarantined + duplicate + not_applicable
    assert (
        f"**{read:,}** records read = **{landed:,}** landed + **{quarantined:,}** quarantined "
        f"+ **{duplicate:,}** duplicate + **{not_applicable:,}** not applicable"
    ) in sentences(page)
    assert table(page, "adds_up")["adds_up"].all()


def test_a_batch_that_does_not_add_up_is_told(build, publish, visit, sentences):
    publish(build("other.duckdb", then="update ops.loads set landed = landed - 1 where batch_id = 'b01'"))
    page = visit("data_health")
    assert "1 batch does not add up" in sentences(page)
    assert list(table(page, "adds_up")["adds_up"]).count(False) == 1


def test_held_batches(published, visit):
    loads = table(visit("data_health", batches="Held or failed"), "adds_up")
    assert list(loads["outcome"]) == ["held"]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("three_pl · scans · occurred_at is not a time", "31/31/2026 08:00"),
        ("exports · orders · ordered_at is missing", ""),
    ],
)
def test_samples_of_a_reason(published, visit, reason, expected):
    page = visit("data_health", reason=reason)
    assert not page.exception
    if expected:
        assert expected in list(table(page, "row")["occurred_at"])
    else:
        assert "not json" in [block.value for block in page.code]


@pytest.mark.parametrize("samples", ["null", "[]", "{}", '["a", "b"]', '[{"a": {"b": [1]}}, {"a": 2}]', "[1", ""])
def test_samples_of_any_shape(build, publish, visit, samples):
    publish(build("other.duckdb", then=f"update ops.quarantine set samples_json = '{samples}'"))
    assert not visit("data_health").exception


def test_only_the_published_runs_checks(published, visit):
    assert len(table(visit("data_health"), "check_name")) == 3


def test_what_is_published(published, visit):
    runs = table(visit("data_health"), "run_id")
    assert list(runs["run_id"]) == ["20261103T090000", "20261102T090000"]


def test_all_is_well(build, publish, visit, sentences):
    publish(
        build(
            "other.duckdb",
            then="update ops.freshness set is_stale = false; delete from ops.quarantine;"
            "delete from ops.unmapped_codes;"
            "update ops.checks set passed = true;"
            "update ops.loads set outcome = 'accepted', read = read - quarantined, quarantined = 0;",
        )
    )
    said = sentences(visit("data_health"))
    assert "All is well" in said
    assert "Every status code is mapped." in said


def test_freshness(build, publish, visit):
    then = "update ops.freshness set policy_hours = null, newest_record_at = '2026-11-04' where entity = 'orders'"
    publish(build("other.duckdb", then=then))
    shown = {row["entity"]: row for row in table(visit("data_health"), "age_hours").to_dict("records")}
    assert {entity: row["state"] for entity, row in shown.items()} == {
        "orders": "no limit set",
        "shipments": "fresh",
        "scans": "stale",
        "tickets": "stale",
    }
    assert shown["scans"]["age_hours"] == 52
    assert shown["orders"]["age_hours"] == 0
    assert shown["tickets"]["age_hours"] != shown["tickets"]["age_hours"]  # nothing came: no age
