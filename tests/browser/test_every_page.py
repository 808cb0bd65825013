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
BRIGHTER = """light => {
    const [red, green, blue] = getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor.match(/[0-9]+/g);
    return (+red + +green + +blue > 380) === light;
}"""
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"], "resultTypes": ["violations"]}


@pytest.mark.parametrize("path", PAGES)
def test_every_page(visit, path):
    """Drawn wide and light; each control used once; what a colleague sees at that URL; drawn narrow and dark."""
    visit.page.emulate_media(color_scheme="light")
    page = visit.open(path)
    look(page, PAGES[path], "light")
    use_each_control(visit)
    expect(page.locator("h1")).to_have_text(PAGES[path])
    compare_with_a_colleague(page)
    for number in range(page.get_by_test_id("stExpander").count()):
        page.get_by_test_id("stExpander").nth(number).locator("summary").click()
    page.set_viewport_size({"width": 800, "height": 1000})
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(BRIGHTER, arg=False)
    visit.settle()
    look(page, PAGES[path], "dark")


def look(page, title, scheme):
    """In the scheme's colours, not wider than the window, and without a serious finding of the accessibility scan."""
    expect(page.locator("h1")).to_have_text(title)
    main = page.get_by_test_id("stMain")
    assert main.evaluate("e => e.scrollWidth <= e.clientWidth"), "it scrolls sideways"
    page.wait_for_function(BRIGHTER, arg=scheme == "light")
    found = [
        (violation["id"], node["target"][0], node["html"][:200])
        for violation in Axe().run(page, options=RULES).response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
    assert found == []  # none in Streamlit's own elements either: no list of exceptions is kept


def use_each_control(visit):
    """Every choice, list and number of a page; nothing complains (`visit` looks)."""
    page = visit.page
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


def compare_with_a_colleague(page):
    """The URL shows a colleague the same sentences and figures."""
    colleague = page.context.new_page()
    colleague.goto(page.url)
    colleague.locator("h1").wait_for()
    for _ in range(600):  # until all of both is drawn
        if figures(colleague) == figures(page):
            break
        colleague.wait_for_timeout(200)
    assert figures(colleague) == figures(page)
    colleague.close()


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
