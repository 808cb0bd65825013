"""The later pages: each figure equals a query on the published file, and what is missing is said in its place."""

import re

import altair as alt
import pytest
from scipy.stats import binomtest

from dashboards import charts

LATER = ["lanes", "at_risk", "wismo", "returns", "track"]
PERIOD = "between date '2026-10-05' and date '2026-11-01'"


def table(page, column):
    """The first table that has this column."""
    return next(frame.value for frame in page.dataframe if column in frame.value)


@pytest.mark.parametrize("page", LATER)
@pytest.mark.parametrize("what", ["empty", "older"])
def test_without_rows_and_without_tables(build, publish, visit, sentences, page, what):
    kept = ("fct_orders", "fct_shipments", "carrier_scorecard")
    command = "delete from" if what == "empty" else "drop table"
    tables = [
        *("order_delivery", "wismo_daily", "fct_tickets", "fct_scans", "fct_notices", "fct_returns", "return_cohorts"),
        *("return_reasons", "delay_drivers", "carrier_claims", "lane_what_if", "delivery_transit_hours"),
        *("carrier_scorecard_rollup", "promise_revisions"),
    ]
    then = [f"{command} marts.{name}" for name in tables]
    if what == "empty":
        then += [f"delete from marts.{name}" for name in kept]
    publish(build("thin.duckdb", then="; ".join(then)))
    shown = visit(page, q="TRK00000007")
    assert not shown.exception
    assert shown.info or shown.warning


NOT_YET = re.compile(r"does not hold this yet \((.*?)\)")


@pytest.mark.parametrize("page", ["overview", "carrier_scorecard", "data_health", *LATER])
def test_nothing_is_lacking_in_a_file_of_this_version(published, visit, sentences, monkeypatch, page):
    """A query that the engine refuses would read as an old file.

    Every chart is held against Vega-Lite's schema here, which the pages themselves leave out.
    """
    monkeypatch.setattr(charts.Chart, "to_dict", alt.LayerChart.to_dict)
    shown = visit(page, q="O006001")
    assert not shown.exception
    assert NOT_YET.findall(sentences(shown)) == []
    assert not any("another version" in warning.value for warning in shown.warning)


@pytest.mark.parametrize("number", ["O006001", "#006001", "006001", "TRK00006001"])
def test_an_order_is_found_by_any_of_its_numbers(published, visit, sentences, number):
    page = visit("track", q=number)
    assert not page.exception
    assert "### Order \\#006001: " in sentences(page)
    listed = page.dataframe[0].value
    told = published(
        "select sum(n) from (select count(*) as n from marts.fct_scans where shipment_id = 'P006001' "
        "union all select count(*) from marts.fct_notices where order_id = 'O006001' "
        "union all select count(*) from marts.fct_tickets where order_id = 'O006001')"
    )[0][0]
    assert len(listed) == told + 1  # and that it was placed
    assert list(listed["at"]) == sorted(listed["at"])
    assert listed["what"].iloc[0].startswith("Order placed; promised by")


def test_a_whole_story(build, publish, visit):
    """Promise, scans, notice, ticket and return stand on one line, in the order in which they happened."""
    then = (
        "insert into marts.promise_revisions by name select 'O000143' as order_id, "
        "timestamp '2026-06-13 12:00' as changed_at, date '2026-06-20' as promised_date"
    )
    publish(build("story.duckdb", then=then))
    listed = visit("track", q="O000143").dataframe[0].value
    assert {"Order", "Parcel", "Notice", "Ticket", "Return", "Promise"} == set(listed["kind"])
    assert "The promised date was changed to 20 Jun 2026" in set(listed["what"])
    assert "Delivered" in set(listed["what"])


@pytest.mark.parametrize(
    "wanted",
    [
        "nothing",
        "'; drop table marts.fct_orders; --",
        "<b>x</b>![x](http://example.com/x.png)",
        "%",
        "\u0000x",
        "9" * 5000,
    ],
)
def test_what_is_not_found_is_said(published, visit, sentences, wanted):
    page = visit("track", q=wanted)
    assert not page.exception
    assert len(page.dataframe) == 0
    assert "![x](" not in sentences(page)
    assert published("select count(*) > 0 from marts.fct_orders") == [(True,)]


def test_carriers_compared(published, visit, sentences):
    page = visit("carrier_scorecard")
    shown = {row["carrier"]: row for row in table(page, "place").to_dict("records")}
    rows = published(
        "select carrier, due, on_time, adjusted_on_time_rate from marts.carrier_scorecard_rollup "
        "where scope = 'carrier' and clock = 'promise'"
    )
    assert len(rows) == len(shown) > 3
    for carrier, due, on_time, adjusted in rows:
        assert (shown[carrier]["due"], shown[carrier]["on_time"]) == (due, on_time)
        if adjusted is not None:
            assert shown[carrier]["shown_rate"] == pytest.approx(100 * adjusted)
            assert shown[carrier]["place"] == (2 if carrier == "usps" else 1)  # one is behind, the others tie
    assert "Tied for first" in sentences(page)

    page.segmented_control(key="measure").set_value("Shrunk").run()
    shown = {row["carrier"]: row for row in table(page, "place").to_dict("records")}
    shrunk = published(
        "select carrier, shrunk_on_time_rate from marts.carrier_scorecard_rollup "
        "where scope = 'carrier' and clock = 'promise' and not is_suppressed"
    )
    assert {c: shown[c]["shown_rate"] for c, _ in shrunk} == pytest.approx({c: 100 * rate for c, rate in shrunk})


def test_lateness_claims_and_what_if(published, visit, sentences):
    page = visit("carrier_scorecard")
    faults = {row["carrier"]: row for row in table(page, "carrier_fault").to_dict("records")}
    for carrier, late, merchant in published(
        "select carrier, sum(due - on_time), sum(late_merchant) from marts.carrier_scorecard "
        "where week between '2026-10-05' and '2026-10-26' group by all"
    ):
        assert (faults[carrier]["late"], faults[carrier]["merchant"]) == (late, merchant)
    [(claims, amount)] = published("select count(*), sum(amount) from marts.carrier_claims where status = 'open'")
    assert len(table(page, "evidence")) == claims > 0
    assert f"{claims:,} claims open, {amount:,.0f} USD" in sentences(page)
    assert "ups instead of usps" in sentences(page)


def test_transit_curves_are_of_those_delivered_where_nothing_is_open(published):
    from dashboards import data

    values = {"first_week": None, "last_week": None, "carriers": [], "services": [], "lanes": [], "suppress_under": 30}
    [(first, last)] = published("select date '2026-08-03', date '2026-08-24'")
    rows = data.ask("transit", **{**values, "first_week": first, "last_week": last}).rows
    for carrier, hours, share in rows.select("carrier", "hours", "delivered_share").rows()[::7]:
        [(expected,)] = published(
            f"select avg((round(transit_hours) < {hours} + 6)::int) from marts.fct_shipments where carrier = '{carrier}' "
            "and transit_hours is not null and is_first_delivery and week between '2026-08-03' and '2026-08-24'"
        )
        assert share == pytest.approx(expected)


def test_lanes_and_promises(published, visit, sentences):
    page = visit("lanes")
    stages = {row["label"]: row["mean_days"] for row in table(page, "mean_days_before").to_dict("records")}
    assert stages["First scan to the van"] == pytest.approx(2.0)
    assert f"{sum(stages.values()):.1f} days from order to door" in sentences(page)
    regions = {row["region"]: row for row in table(page, "region").to_dict("records")}
    for region, due, on_time in published(
        "select destination_region, sum(due), sum(on_time) from marts.order_delivery "
        "where week between '2026-10-05' and '2026-10-26' group by all"
    ):
        assert (regions[region]["due"], regions[region]["on_time"]) == (due, on_time)
        if due >= 30:
            assert regions[region]["on_time_rate"] == pytest.approx(100 * on_time / due)


def test_parcels_to_look_at(published, visit):
    listed = table(visit("at_risk"), "reason")
    [(late,)] = published(
        "select count(*) from marts.fct_shipments where is_due and end_milestone is null and is_first_delivery and not is_cancelled"
    )
    assert (listed["reason"] == "past its promise").sum() == late > 0
    assert (listed["days_left"] <= 2).sum() > late


@pytest.mark.parametrize("show", ["Not broken yet", "All"])
def test_at_risk(published, visit, sentences, show):
    page = visit("at_risk", show=show)
    kept = "true" if show == "All" else "not is_missed"
    [(number, cost)] = published(f"select count(*), sum(expected_cost) from outlook.at_risk where {kept}")
    assert f"**{number:,} promises at risk.** Expected cost of them all: {cost:,.0f} USD." in sentences(page)
    listed = table(page, "miss_percent")
    assert len(listed) == number > 0
    assert list(listed["tracking_number"]) == [
        row[0]
        for row in published(
            f"select tracking_number from outlook.at_risk join marts.fct_shipments using (shipment_id) where {kept} "
            "order by risk_rank"
        )
    ]
    assert listed["drawn"].str.startswith("data:image/svg+xml").all()
    at_risk = {metric.label: metric.value for metric in visit("overview").metric}["At risk now"]
    assert [(int(at_risk.replace(",", "")),)] == published("select count(*) from outlook.at_risk where not is_missed")


def test_warnings_and_how_good_predictions_are(published, visit, sentences):
    page = visit("at_risk")
    said = sentences(page)
    assert "the lane **nj\\-1 \\> TX** delivers less than usual since 20 Oct 2026: 12 in the last seven days" in said
    [(off, promise, held, total)] = published(
        "select sum(mae_days * outcomes) / sum(outcomes), sum(mae_days_promise * outcomes) / sum(outcomes), "
        "100 * sum(coverage_80 * outcomes) / sum(outcomes), sum(outcomes) from outlook.model_performance"
    )
    assert f"**Off by {off:.1f} days on average, the promise by {promise:.1f}; " in said
    assert f"held {held:.0f} %** ({total:,} parcels judged)" in said
    assert any("weeks of 12 Oct 2026" in warning.value for warning in page.warning)


def test_what_could_be_promised(published, visit, sentences):
    page = visit("lanes")
    shown = {row["lane"]: row for row in table(page, "recommended_days").to_dict("records")}
    rows = published("select lane, kept_rate from outlook.promise_recommendation where is_recommended")
    assert {lane: shown[lane]["recommended_rate"] for lane, _ in rows} == pytest.approx({x: 100 * r for x, r in rows})
    assert len(shown) == len(rows) + 1
    assert "5 days would be kept 95.5% of the time; today's 4: 82.0%" in sentences(page)


def test_a_forecast_stands_in_the_story(published, visit):
    [(order,)] = published("select order_id from outlook.at_risk order by risk_rank limit 1")
    listed = visit("track", q=order).dataframe[0].value
    [told] = listed["what"][listed["kind"] == "Forecast"]
    assert told.startswith("Expected on 7 Nov 2026 (5 Nov to 9 Nov 2026 eight times in ten); 60% likely to miss")


@pytest.mark.parametrize("page", ["at_risk", "lanes", "overview", "track"])
def test_without_predictions(build, publish, visit, sentences, page):
    off = "update ops.settings set value = 'false' where key = 'predictions.enabled'; drop schema outlook cascade"
    publish(build("off.duckdb", then=off))
    shown = visit(page, q="O006001")
    assert not shown.exception
    assert ("Predictions are off." in sentences(shown)) == (page in ("at_risk", "lanes"))
    assert not NOT_YET.findall(sentences(shown))


@pytest.mark.parametrize("cost", ["6.0", "10.5"])
def test_wismo(published, visit, sentences, cost):
    page = visit("wismo", cost=cost)
    [(wismo, tickets, avoidable, placed)] = published(
        "select sum(wismo_tickets), sum(tickets), sum(avoidable_tickets), sum(orders_placed) from marts.wismo_daily "
        f"where day {PERIOD}"
    )
    said = sentences(page)
    assert f"### {1000 * wismo / placed:.0f} " in said
    assert f"{wismo:,} of {tickets:,} tickets" in said
    assert f"{avoidable * float(cost):,.0f} USD" in said
    states = {row["state"]: row for row in table(page, "state").to_dict("records")}
    for state, contacts, number, could in published(
        "select state_at_contact, count(*), count(*) filter (topic = 'wismo'), count(*) filter (was_avoidable) "
        f"from marts.fct_tickets where created_date {PERIOD} group by all"
    ):
        row = states[{"in_transit_past_promise": "on its way, late"}.get(state, state)]
        assert (row["contacts"], row["wismo_tickets"], row["avoidable_tickets"]) == (contacts, number, could)
        assert row["avoidable_cost"] == pytest.approx(could * float(cost))
        assert row["avoidable_tickets"] <= row["contacts"]
    drivers = {row["scope_value"]: row["avoidable_cost"] for row in table(page, "preventable_cost").to_dict("records")}
    assert drivers == {"usps": 18 * float(cost), "ups": 7 * float(cost)}
    assert f"**usps costs most: {18 * float(cost):,.0f} USD for 18 avoidable contacts**" in said


def test_returns(published, visit, sentences):
    page = visit("returns")
    [(sold, back)] = published("select sum(sold_lines), sum(returned_lines) from marts.return_cohorts where is_mature")
    assert f"**{back / sold:.1%} of order lines come back** ({back:,} of {sold:,}" in sentences(page)
    reasons = {row["reason_group"]: row["returned_lines"] for row in table(page, "reason_group").to_dict("records")}
    assert reasons == dict(
        published("select replace(reason_group, '_', ' '), sum(returned_lines) from marts.return_reasons group by all")
    )
    by_category = {row["scope_value"]: row["return_rate"] for row in table(page, "scope_value").to_dict("records")}
    assert by_category == pytest.approx(
        dict(
            published(
                "select category, 100.0 * sum(returned_lines) / sum(sold_lines) from marts.return_cohorts "
                "where is_mature group by all"
            )
        )
    )
    items = table(page, "is_listed").to_dict("records")
    assert [row["item"] for row in items if row["is_listed"]] == ["SKU-6"] == [items[0]["item"]]
    for row in items:
        [(sold, back)] = published(
            "select sum(sold_lines)::bigint, sum(returned_lines)::bigint from marts.return_cohorts "
            f"where is_mature and sku = '{row['item']}'"
        )
        wilson = binomtest(back, sold).proportion_ci(method="wilson")
        assert (row["return_rate"], row["return_rate_low"]) == pytest.approx((100 * back / sold, 100 * wilson.low))
    assert "Runs small: **SKU\\-5** (9 say so)" in sentences(page)
    assert "A return is **1.30 times as likely** (1.10 to 1.55) after a late delivery." in sentences(page)
    assert (
        "Another order within 90 days is not surely more or less likely (0.80 to 1.10) after a late delivery."
        in sentences(page)
    )
    [(number, stake)] = published(
        "select count(*), sum(amount_at_stake) from marts.refund_watch group by trouble order by 2 desc limit 1"
    )
    assert f"**{number:,} returns, {stake:,.0f} USD at stake**" in sentences(page)
    assert len(table(page, "amount_at_stake")) == number
    brackets = {row["category"]: row["bracketed_lines"] for row in table(page, "bracketed_lines").to_dict("records")}
    assert brackets == dict(
        published("select category, sum(bracketed_lines)::int from marts.return_cohorts where is_mature group by all")
    )
    assert list(table(page, "customer_token")["customer_token"]) == ["token2", "token1", "token0"]
    assert list(table(page, "completed_return_rate")["completed_return_rate"])[-1] == pytest.approx(
        2 * list(table(page, "completed_return_rate")["return_rate"])[-1]
    )
    [(waiting,)] = published(
        "select count(*) from marts.fct_returns where refunded_at is null and requested_at <= '2026-11-03 09:00'"
    )
    assert len(table(page, "days_waiting")) == min(waiting, 500) > 0


def test_carriers_go_by_their_names(build, publish, visit, sentences):
    """In filters, tables, sentences and the URL; where the list has none, the code stands."""
    publish(
        build(
            "named.duckdb",
            then="insert into marts.dim_carriers by name select 'dhl' as carrier, 'DHL Express' as carrier_name",
        )
    )
    page = visit("carrier_scorecard", carrier=["DHL Express", "usps"], of="DHL Express · express", show="All")
    assert not page.exception
    assert page.multiselect(key="carrier").value == ["dhl", "usps"]
    assert set(page.dataframe[0].value["carrier"]) == {"DHL Express", "usps"}
    assert set(page.dataframe[-1].value["carrier"]) == {"DHL Express"}
    assert "**DHL Express**" in sentences(page)
