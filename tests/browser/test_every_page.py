"""Every page in a real browser, at two widths, light and dark: drawn, quiet, readable and accessible; each control used."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import TimeoutError, expect

pytestmark = pytest.mark.browser

PAGES = {
    "": "Overview",
    "carrier_scorecard": "Carrier scorecard",
    "lanes": "Lanes and promises",
    "at_risk": "At risk and predictions",
    "wismo": "WISMO",
    "returns": "Returns",
    "track?q=O000143": "Track an order",
    "data_health": "Data health",
}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (800, "dark")])
@pytest.mark.parametrize("path", PAGES)
def test_drawn_quiet_and_accessible(visit, path, width, scheme):
    visit.page.set_viewport_size({"width": width, "height": 1000})
    visit.page.emulate_media(color_scheme=scheme)
    page = visit.open(path)
    expect(page.locator("h1")).to_have_text(PAGES[path])
    main = page.get_by_test_id("stMain")
    assert main.evaluate("e => e.scrollWidth <= e.clientWidth"), "it scrolls sideways"
    red, green, blue = page.get_by_test_id("stApp").evaluate(
        "e => getComputedStyle(e).backgroundColor.match(/[0-9]+/g).slice(0, 3).map(Number)"
    )
    assert (red + green + blue > 380) == (scheme == "light")
    found = [
        (violation["id"], node["target"][0], node["html"][:200])
        for violation in Axe().run(page, options=RULES).response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
    assert found == []  # none in Streamlit's own elements either: no list of exceptions is kept


@pytest.mark.parametrize("path", [path for path in PAGES if not path.startswith("track")])
def test_each_control_once(visit, path):
    """Every choice, list, number and panel of a page is used; nothing complains (`visit` looks)."""
    page = visit.open(path)
    for number in range(page.get_by_test_id("stButtonGroup").count()):
        page.get_by_test_id("stButtonGroup").nth(number).get_by_role("radio").last.click()
        visit.settle()
    for number in range(page.get_by_test_id("stSelectbox").count()):
        choose(visit, page.get_by_test_id("stSelectbox").nth(number))
    for number in range(page.get_by_test_id("stMultiSelect").count()):
        choose(visit, page.get_by_test_id("stMultiSelect").nth(number))
        page.keyboard.press("Escape")
    for number in range(page.get_by_test_id("stNumberInput").count()):
        page.get_by_test_id("stNumberInput").nth(number).get_by_role("button").last.click()
        visit.settle()
    expect(page.locator("h1")).to_have_text(PAGES[path])
    colleague = visit.page.context.new_page()
    colleague.goto(page.url)
    colleague.locator("h1").wait_for()
    for _ in range(100):  # until all of both is drawn
        if figures(colleague) == figures(page):
            break
        colleague.wait_for_timeout(200)
    assert figures(colleague) == figures(page)
    colleague.close()
    for number in range(page.get_by_test_id("stExpander").count()):
        page.get_by_test_id("stExpander").nth(number).locator("summary").click()
        visit.settle()


def choose(visit, box):
    """The second option of a list, where it has two; a list that a redraw closes is opened again."""
    box.scroll_into_view_if_needed()
    for _ in range(4):
        box.get_by_role("combobox").click()
        options = visit.page.get_by_role("option")
        try:
            options.first.wait_for(timeout=3000)
        except TimeoutError:
            continue
        options.nth(min(1, options.count() - 1)).click()
        visit.settle()
        return
    pytest.fail(f"no option came up in {box.inner_text()}")


def figures(page):
    """What a page says in words, without the panels that a reader may have open."""
    return [text for text in page.get_by_test_id("stMarkdownContainer").all_inner_texts() if text]


def test_an_order_is_searched_by_keyboard(visit):
    page = visit.open("track")
    box = page.get_by_label("Order or tracking number")
    box.focus()
    page.keyboard.type("#000143")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Order #000143")).to_be_visible(timeout=20_000)
    page.wait_for_url("**q=%23000143**")
