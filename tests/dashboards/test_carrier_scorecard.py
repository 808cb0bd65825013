"""The scorecard's figures are sums of the file's counts, its rates and intervals computed on those sums."""

import pytest
from scipy.stats import binomtest

FOUR_WEEKS = "week between date '2026-10-05' and date '2026-10-26'"


def rows(page):
    """The main table: {(carrier, service): row}."""
    return {(row["carrier"], row["service"]): row for row in page.dataframe[0].value.to_dict("records")}


@pytest.mark.parametrize(("clock", "suffix"), [("Promise", ""), ("Commitment", "_commitment")])
def test_counts_rates_and_intervals(published, visit, clock, suffix):
    page = visit("carrier_scorecard", clock=clock)
    assert not page.exception
    counted = published(
        f"select carrier, service, sum(due{suffix}), sum(on_time{suffix}), sum(entered), sum(open), sum(overdue) "
        f"from marts.carrier_scorecard where {FOUR_WEEKS} group by all"
    )
    shown = rows(page)
    assert len(counted) == len(shown) == 7
    for carrier, service, due, on_time, entered, still_open, overdue in counted:
        row = shown[carrier, service]
        assert (row["due"], row["on_time"], row["entered"], row["open"]) == (due, on_time, entered, still_open)
        assert row["overdue"] == overdue
        if due < 30:
            assert row["sample"] == "too few"
            assert row["on_time_rate"] != row["on_time_rate"]  # not a number: no rate is shown
        else:
            wilson = binomtest(int(on_time), int(due)).proportion_ci(method="wilson")
            assert row["sample"] == ("small" if due < 100 else "enough")
            assert row["on_time_rate"] == pytest.approx(100 * on_time / due)
            assert row["on_time_rate_low"] == pytest.approx(100 * wilson.low)
            assert row["on_time_rate_high"] == pytest.approx(100 * wilson.high)
    assert {row["sample"] for row in shown.values()} == {"enough", "small", "too few"}


def test_thresholds_come_from_the_file(build, publish, visit):
    publish(build("other.duckdb", then="update ops.settings set value = '1' where key like 'thresholds.%'"))
    assert {row["sample"] for row in rows(visit("carrier_scorecard")).values()} == {"enough"}


def test_the_verdict(published, visit, sentences):
    [(due, on_time)] = published(f"select sum(due), sum(on_time) from marts.carrier_scorecard where {FOUR_WEEKS}")
    said = sentences(visit("carrier_scorecard"))
    assert f"### {on_time / due:.1%} on time" in said
    assert f"{on_time:,} of {due:,} due parcels met the date promised to the customer" in said
    assert "5 Oct to 1 Nov 2026" in said


def test_filters_come_from_the_url(published, visit):
    page = visit(
        "carrier_scorecard", carrier=["usps", "dhl"], lane=["nj-1 > NY", "ca-2 > CA"], weeks="8", until="2026-09-28"
    )
    expected = published(
        "select carrier, service, sum(due) from marts.carrier_scorecard "
        "where carrier in ('usps', 'dhl') and lane in ('nj-1 > NY', 'ca-2 > CA') "
        "and week between date '2026-08-10' and date '2026-09-28' group by all"
    )
    assert {key: row["due"] for key, row in rows(page).items()} == {(c, s): due for c, s, due in expected}
    assert page.multiselect(key="carrier").value == ["usps", "dhl"]


def test_filters_are_applied(published, visit):
    page = visit("carrier_scorecard")
    page.multiselect(key="carrier").select("dhl").run()
    page.selectbox(key="weeks").select("13").run()
    [(due,)] = published(
        "select sum(due) from marts.carrier_scorecard "
        "where carrier = 'dhl' and week between date '2026-08-03' and date '2026-10-26'"
    )
    assert {key: row["due"] for key, row in rows(page).items()} == {("dhl", "express"): due}


def test_nothing_matches(published, visit, sentences):
    page = visit("carrier_scorecard", carrier="veho", service="priority")
    assert not page.exception
    assert "No parcel matches these filters" in sentences(page)


def test_parcels_behind_each_figure(published, visit):
    """Drilling down gives as many late parcels as the table says are due and not on time."""
    page = visit("carrier_scorecard")
    for (carrier, service), row in list(rows(page).items())[::3]:
        page.selectbox(key="of").select(f"{carrier} · {service}").run()
        listed = page.dataframe[-1].value
        assert set(listed["carrier"]) == {carrier}
        assert set(listed["service"]) == {service}
        assert len(listed) == row["due"] - row["on_time"]
        assert (listed["days_late"] > 0).all()


def test_parcels_by_lane_and_clock(published, visit):
    lane = "nj-1 > TX"
    page = visit("carrier_scorecard", clock="Commitment", on=lane, show="Late")
    [(late,)] = published(
        "select sum(due_commitment - on_time_commitment) from marts.carrier_scorecard "
        f"where {FOUR_WEEKS} and lane = '{lane}'"
    )
    assert len(page.dataframe[-1].value) == late > 0


def test_only_open_ones(published, visit):
    listed = visit("carrier_scorecard", show="Late and still open", weeks="52").dataframe[-1].value
    assert len(listed) > 0
    assert not set(listed["status"]) & {"delivered", "lost"}


def test_lanes_add_up(published, visit):
    page = visit("carrier_scorecard")
    by_lane = next(frame.value for frame in page.dataframe if "lane" in frame.value and "due" in frame.value)
    assert by_lane["due"].sum() == page.dataframe[0].value["due"].sum()


def test_recent_weeks_without_parcels(build, publish, visit, sentences):
    """A shop whose data ends long before as_of sees its newest weeks, and is told so."""
    publish(build("other.duckdb", then="delete from marts.carrier_scorecard where week > date '2026-08-03'"))
    page = visit("carrier_scorecard")
    assert "13 Jul to 9 Aug 2026, the newest weeks with parcels" in sentences(page)
