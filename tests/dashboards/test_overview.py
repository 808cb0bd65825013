"""The overview says what the file says."""

from scipy.stats import binomtest

PERIOD = "between date '2026-10-05' and date '2026-11-01'"
ZONE = "timezone('America/New_York', timezone('UTC', ordered_at))"


def test_figures_equal_the_file(published, visit, sentences):
    page = visit("overview")
    assert not page.exception
    shown = {metric.label: metric.value for metric in page.metric}

    [(due, on_time)] = published(
        "select sum(due), sum(on_time) from marts.order_delivery "
        "where week in ('2026-10-05', '2026-10-12', '2026-10-19', '2026-10-26')"
    )
    [(orders,)] = published(f"select count(*) from marts.fct_orders where {ZONE}::date {PERIOD}")
    [(moving,)] = published(
        "select count(*) from marts.fct_shipments where accepted_at is not null and ended_at is null and not is_return"
    )
    [(late,)] = published(
        "select count(*) from marts.fct_shipments "
        "where promised_date < '2026-11-03' and ended_at is null and is_first_delivery"
    )
    [(wismo, placed)] = published(
        f"select sum(wismo_tickets), sum(orders_placed) from marts.wismo_daily where day {PERIOD}"
    )
    [(sold, back)] = published("select sum(sold_lines), sum(returned_lines) from marts.return_cohorts where is_mature")
    [(days,)] = published(
        "select median(date_diff('hour', requested_at, refunded_at)) / 24.0 from marts.fct_returns "
        "where requested_at >= '2026-08-05 09:00' and requested_at <= '2026-11-03 09:00'"
    )
    [(at_risk,)] = published("select count(*) from outlook.at_risk where not is_missed")
    assert shown == {
        "At risk now": f"{at_risk:,}",
        "Orders on time": f"{on_time / due:.1%}",
        "Late and still open": f"{late:,}",
        "Parcels moving": f"{moving:,}",
        "Orders": f"{orders:,}",
        "“Where is it?” tickets": f"{1000 * wismo / placed:.1f}",
        "Returned": f"{back / sold:.1%}",
        "Days to a refund": f"{days:.1f}",
    }
    assert min(due, orders, moving, late, wismo) > 0
    wilson = binomtest(int(on_time), int(due)).proportion_ci(method="wilson")
    assert f"95 % interval {wilson.low * 100:.1f} to {wilson.high:.1%}" in sentences(page)
    assert f"{on_time:,} of {due:,} due" in sentences(page)


def test_late_parcels_by_carrier_add_up(published, visit):
    page = visit("overview")
    by_carrier = page.dataframe[0].value
    assert f"{by_carrier['parcels'].sum():,}" == {m.label: m.value for m in page.metric}["Late and still open"]


def test_freshness_is_in_plain_sight(published, visit, sentences):
    said = sentences(visit("overview"))
    assert "Data as of **Tue 3 Nov 2026, 04:00**" in said
    assert "published 2 hours ago" in said
    assert "2 sources are behind (helpdesk, three\\_pl)" in said


def test_what_changed_beyond_noise(build, publish, visit, sentences):
    said = "What changed in the week of 26 Oct 2026"
    worse = "update marts.fct_shipments set is_on_time = false where carrier = 'dhl' and promised_date >= '2026-10-26' and is_due"
    publish(build("worse.duckdb", then=worse))
    page = visit("overview")
    assert said in sentences(page)
    assert any("**dhl** worse: 0.0% on time" in markdown.value for markdown in page.markdown)
    assert not any("**fedex**" in markdown.value for markdown in page.markdown)


def test_nothing_changed(build, publish, visit, sentences):
    steady = (
        "update marts.order_delivery set on_time = due; update marts.fct_shipments set is_on_time = true where is_due"
    )
    publish(build("steady.duckdb", then=steady))
    assert "**Nothing beyond noise**" in sentences(visit("overview"))
