"""The drawer in a browser: the page beside it makes room, a deal opened in it leads back to its list."""

from __future__ import annotations

from tests.e2e.conftest import SignedIn

CHART = "[data-chart][data-drawn=true] .main-svg"


def test_a_deal_opened_from_the_list_leads_back_to_it_and_closing_to_the_number(signed_in: SignedIn) -> None:
    page = signed_in("MANAGER")
    page.goto("/forecast/")
    number = page.locator("[data-live='strip.won'] a")
    number.click()
    listed = page.locator("#drawer-host tbody a[data-drawer]").first
    listed.wait_for()
    title = page.locator("#drawer-title").inner_text()
    assert not page.locator("#drawer-back").is_visible()
    listed.click()
    page.wait_for_selector("#drawer-host .deal")
    page.click("#drawer-back")
    listed.wait_for()
    assert page.locator("#drawer-title").inner_text() == title
    assert not page.locator("#drawer-back").is_visible()
    page.keyboard.press("Escape")
    assert number.evaluate("link => link === document.activeElement")


def test_charts_become_as_narrow_as_their_column_beside_the_drawer(signed_in: SignedIn) -> None:
    page = signed_in("MANAGER")
    page.goto("/forecast/")
    page.locator("[data-chart]").first.scroll_into_view_if_needed()
    page.wait_for_selector(CHART)
    page.locator("table td a[data-drawer]:visible").first.click()
    page.wait_for_selector("#drawer[open] .drawer__total")
    page.wait_for_function(
        """place => { const chart = document.querySelector(place).getBoundingClientRect();
                      return chart.right <= document.querySelector("#drawer").getBoundingClientRect().left; }""",
        arg=CHART, timeout=3000,
    )  # fmt: skip


def test_a_chart_shown_as_a_table_can_still_be_saved_as_a_picture(signed_in: SignedIn) -> None:
    page = signed_in("MANAGER")
    page.goto("/forecast/")
    chart = page.locator("[data-chart]").first
    chart.scroll_into_view_if_needed()
    page.wait_for_selector(CHART)
    chart.locator("summary").first.click()
    chart.locator("[data-chart-action=table]").click()
    chart.locator("summary").first.click()
    with page.expect_download() as saving:
        chart.locator("[data-chart-action=png]").click()
    assert saving.value.suggested_filename.endswith(".png")


def test_whatever_opens_its_deals_looks_alike(signed_in: SignedIn) -> None:
    """The gap too: in the strip as large and as high as other figures, in the table of their colour when pointed at."""
    page = signed_in("EXECUTIVE")
    page.goto("/forecast/")
    page.wait_for_selector("html[data-ready=true]")
    looks = page.locator(".figures .stat__value a").evaluate_all(
        "links => links.map((a) => "
        "`${getComputedStyle(a).fontSize} at ${a.firstElementChild.getBoundingClientRect().top}`)"
    )
    assert len(looks) == 6
    assert len(set(looks)) == 1, looks
    colours = {}
    for column in ("won", "gap", "change"):
        cell = page.locator(f"td[data-live$='.{column}'] a").first
        cell.hover()
        page.wait_for_timeout(150)
        colours[column] = cell.evaluate("a => getComputedStyle(a).color")
    assert len(set(colours.values())) == 1, colours
