"""What a reader does in a real browser: share a view, follow a figure to its parcels, take rows along, look elsewhere."""

import csv
import io

import duckdb
import polars as pl
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def test_filters_go_to_the_url_and_back(visit):
    page = visit.open("carrier_scorecard")
    page.get_by_role("radio", name="Commitment").click()
    visit.settle()
    page.get_by_role("combobox", name="Carriers").click()
    page.get_by_role("option", name="usps").click()
    visit.settle()
    page.keyboard.press("Escape")
    expect(page.get_by_text("the carrier's committed date")).to_be_visible()
    page.wait_for_url("**carrier=usps**")
    assert "clock=Commitment" in page.url
    said = page.get_by_text("due parcels met").inner_text()

    colleague = visit.page.context.new_page()
    colleague.goto(page.url)
    expect(colleague.get_by_text("due parcels met")).to_have_text(said)
    colleague.close()


def test_filters_survive_a_look_elsewhere(visit):
    page = visit.open("carrier_scorecard?carrier=dhl")
    said = page.get_by_text("due parcels met").inner_text()
    page.get_by_role("link", name="Data health").click()
    expect(page.locator("h1")).to_have_text("Data health")
    page.get_by_role("link", name="Carrier scorecard").click()
    expect(page.get_by_text("due parcels met")).to_have_text(said)


def test_the_overview_leads_to_late_parcels(visit):
    page = visit.open("")
    page.get_by_role("link", name="See the parcels").click()
    expect(page.get_by_role("radio", name="Late and still open")).to_be_checked()


def test_a_row_its_parcels_and_what_can_be_taken_along(visit, site):
    page = visit.open("carrier_scorecard")
    table = page.get_by_test_id("stDataFrame").first
    table.evaluate("e => e.scrollIntoView({block: 'center'})")
    corner = table.bounding_box()
    page.mouse.click(corner["x"] + 15, corner["y"] + 52)  # the box before the first row
    page.wait_for_url("**of=usps**")
    visit.settle()

    take = page.locator(".st-key-take_carrier_scorecard")
    with page.expect_download() as waiting:
        take.get_by_role("button", name="CSV").click()
    rows = list(csv.DictReader(io.StringIO(waiting.value.path().read_text())))
    with duckdb.connect(str(site.folder / "current.duckdb"), read_only=True) as connection:
        expected = connection.execute(
            "select carrier, service, sum(due), sum(on_time) from marts.carrier_scorecard "
            "where week between '2026-10-05' and '2026-10-26' group by all"
        ).fetchall()
    assert {(r["carrier"], r["service"], int(r["due"]), int(r["on_time"])) for r in rows} == set(expected)

    with page.expect_download() as waiting:
        take.get_by_role("button", name="Parquet").click()
    taken = pl.read_parquet(waiting.value.path())
    assert taken.columns == list(rows[0])
    assert set(taken.select("carrier", "service", "due", "on_time").rows()) == set(expected)

    take.get_by_role("button", name="Copy the SQL").click()
    expect(page.get_by_text("from marts.carrier_scorecard").first).to_be_visible()


def test_nothing_in_the_data_comes_to_life(visit, site):
    """A parcel's number holds markup and an image elsewhere: it is shown as text, and nobody is asked for it."""
    page = visit.open("carrier_scorecard?weeks=52&carrier=%3Cscript%3Ealert(1)%3C%2Fscript%3E")
    expect(page.get_by_text("due parcels met")).to_be_visible()
    assert page.locator('img[src*="example.com"]').count() == 0


def test_an_open_page_shows_what_is_published_next(visit, site):
    """Last in this file: the pages before it look at the first publication."""
    page = visit.open("carrier_scorecard")
    before = page.get_by_text("due parcels met").inner_text()
    site.publish("wherehouse-2.duckdb", then="delete from marts.carrier_scorecard where carrier = 'ups'")
    page.get_by_role("radio", name="Late and still open").click()
    expect(page.get_by_text("due parcels met")).not_to_have_text(before)
    visit.settle()
    drawn = [name.inner_text() for name in page.locator("strong").all()]
    assert "dhl" in drawn
    assert "ups" not in drawn
