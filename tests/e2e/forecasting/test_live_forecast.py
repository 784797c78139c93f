"""The forecast page in a browser: a rep's change arrives by itself; keys, drawer, files, both themes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import SignedIn

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

SERIOUS = {"serious", "critical"}


def opened(page: Page, path: str = "/forecast/") -> Page:
    page.goto(path)
    page.wait_for_selector("html[data-ready=true]")
    return page


def _until_it_changes(cell: Locator, before: str) -> None:
    """Waits until the cell shows something else. How soon it does is measured in `benchmarks`."""
    end = time.monotonic() + 10
    while cell.inner_text() == before:
        assert time.monotonic() < end, f"still {before}"
        time.sleep(0.02)


def test_a_reps_change_reaches_the_managers_page_by_itself(signed_in: SignedIn) -> None:
    manager = opened(signed_in("MANAGER"))
    manager.wait_for_selector("html[data-live=live]")
    commit = manager.locator("td[data-live$='.commit']").first
    before = commit.inner_text()
    expanded = manager.locator("tr[aria-expanded=true]").count()
    manager.locator("tr[data-node]").nth(1).focus()
    focused = manager.evaluate("document.activeElement.dataset.node")

    rep = opened(signed_in("REP"))
    rep.locator("td[data-live$='.pipeline'] a").first.click()
    rep.locator("#figure-deals inline-edit[data-field=category]").first.click()
    rep.locator("#figure-deals select.edit-field").select_option("COMMIT")
    _until_it_changes(commit, before)
    committed = commit.inner_text()
    rep.wait_for_selector(".toast:has-text('Undo')")
    rep.keyboard.press("z")
    _until_it_changes(commit, committed)

    assert commit.inner_text() == before
    assert manager.locator("tr[aria-expanded=true]").count() == expanded
    assert manager.evaluate("document.activeElement.dataset.node") == focused


def test_a_key_on_my_deals_changes_the_managers_answer_and_undo_restores_it(signed_in: SignedIn) -> None:
    manager = opened(signed_in("MANAGER"))
    answer = manager.locator("p.answer").first
    before = answer.inner_text()
    assert "Commit" in before
    rep = opened(signed_in("REP"), "/deals/?category=UPSIDE,PIPELINE&closing=quarter&sort=-amount")
    rep.locator("#deals-rows tr[data-edit-url]").first.focus()
    rep.keyboard.press("1")
    _until_it_changes(answer, before)
    after = answer.inner_text()
    rep.wait_for_selector(".toast:has-text('Undo')")
    rep.keyboard.press("z")
    _until_it_changes(answer, after)
    assert answer.inner_text() == before


def test_branches_open_with_the_keyboard_and_stay_in_the_address(signed_in: SignedIn) -> None:
    page = opened(signed_in("EXECUTIVE"))
    branch = page.locator("tr[aria-expanded=false]").first
    node = branch.get_attribute("data-node")
    branch.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(f"tr[data-parent='{node}']")
    page.wait_for_url(lambda url: f"{node}" in url.partition("open=")[2])
    page.reload()
    assert page.locator(f"tr[data-parent='{node}']").count() > 0
    page.locator(f"tr[data-node='{node}']").focus()
    page.keyboard.press("ArrowLeft")
    assert page.locator(f"tr[data-parent='{node}']").first.is_hidden()


def test_an_answer_from_before_a_branch_was_opened_does_not_shut_it(signed_in: SignedIn) -> None:
    page = opened(signed_in("EXECUTIVE"), "/forecast/?open=-")
    asked: list[Route] = []
    page.route("**/forecast/board?*", lambda route: asked.append(route))
    with page.expect_request("**/forecast/board?*"):
        page.evaluate("document.body.dispatchEvent(new CustomEvent('salesops:changed', { detail: {} }))")
    branch = page.locator("tr[aria-expanded=false]:not([hidden])").last
    node = branch.get_attribute("data-node")
    branch.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(f"tr[data-parent='{node}']")
    with page.expect_request(lambda request: "/forecast/board" in request.url and f"{node}" in request.url):
        asked[0].continue_()  # it knows nothing of the branch, so it is asked for again
    assert page.locator(f"tr[data-parent='{node}']").first.is_visible()
    page.unroute_all()


def test_p_and_n_turn_to_the_previous_and_the_next_period(signed_in: SignedIn) -> None:
    page = opened(signed_in("MANAGER"))
    here = page.locator(".topbar__period summary").inner_text()
    page.keyboard.press("p")
    page.wait_for_url("**/forecast/?period=*")
    page.wait_for_selector("html[data-ready=true]")
    assert page.locator(".topbar__period summary").inner_text() != here
    before = page.url
    page.keyboard.press("n")
    page.wait_for_url(lambda url: url != before)
    assert page.locator(".topbar__period summary").inner_text() == here


def test_on_a_phone_each_row_is_a_card_with_what_decides_and_one_press_shows_the_rest(
    signed_in: SignedIn,
) -> None:
    page = opened(signed_in("EXECUTIVE", width=390, height=844))
    first = page.locator("tbody tr").first
    assert {cell.get_attribute("data-label") for cell in first.locator("td:visible").all()} == {
        "Commit", "Gap", "Change", "Attainment",
    }  # fmt: skip
    page.locator("[data-board-all]").click()
    assert first.locator("td:visible").count() == first.locator("td").count() >= 10
    branch = page.locator("tr[aria-expanded=false]").first
    node = branch.get_attribute("data-node")
    branch.locator(".tree-toggle").click()
    page.wait_for_selector(f"tr[data-parent='{node}'] td:visible")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


COLLISIONS = """
() => [...document.querySelectorAll('.figures .stat')].flatMap(stat => {
  const box = stat.getBoundingClientRect();
  const rects = [...stat.querySelectorAll('.stat__amount, .stat__word, .stat__change')].flatMap(node => {
    const range = document.createRange(); range.selectNodeContents(node);
    return [...range.getClientRects()].map(r => ({ r, text: node.textContent })); });
  return rects.filter(({ r }) => r.width && (r.right > box.right || r.left < box.left)).map(({ text }) => text);
})
"""


@pytest.mark.parametrize("width", [390, 768, 1280])
@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("view", ["compact", "exact"])
def test_no_figure_of_the_strip_runs_into_its_neighbour(
    signed_in: SignedIn, width: int, language: str, view: str
) -> None:
    page = signed_in("EXECUTIVE", width=width)
    page.goto("/")
    page.context.add_cookies([{"name": "django_language", "value": language, "url": page.url}])
    opened(page, f"/forecast/?view={view}")
    assert page.locator(".figures .stat").count() == 6
    assert page.evaluate(COLLISIONS) == []


def test_every_figure_of_the_first_row_opens(signed_in: SignedIn) -> None:
    page = opened(signed_in("MANAGER"))
    links = page.locator("tbody tr").first.locator("td a[data-drawer]")
    assert links.count() >= 9
    for place in range(links.count()):
        links.nth(place).click()
        page.wait_for_selector("#drawer[open] [data-drawer-title]")
        page.keyboard.press("Escape")


def test_a_bar_opens_its_deals_and_the_chart_has_a_table(signed_in: SignedIn) -> None:
    page = opened(signed_in("EXECUTIVE"))
    page.locator("#changes").scroll_into_view_if_needed()
    page.wait_for_selector("#changes [data-chart][data-drawn=true]")
    page.locator("#changes summary").click()
    page.locator("#changes [data-chart-action=table]").click()
    page.locator("#changes .chart__table a").first.click()
    page.wait_for_selector("#drawer[open] .drawer__total")


def test_files_and_a_picture_of_what_is_on_screen(signed_in: SignedIn) -> None:
    page = opened(signed_in("MANAGER"))
    for press, ending in (
        ("a[href*='format=xlsx']", ".xlsx"),
        ("a[href*='format=csv']", ".csv"),
        ("[data-board-png]", ".png"),
    ):
        page.locator(".board summary", has_text="Export").click()
        with page.expect_download() as download:
            page.locator(f".board {press}").first.click()
        assert download.value.suggested_filename.endswith(ending)
        assert download.value.path().stat().st_size > 500


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("role", "width"), [("MANAGER", 1280), ("MANAGER", 390), ("FINANCE", 1280)])
def test_no_serious_barrier(signed_in: SignedIn, role: str, width: int, theme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = opened(signed_in(role, width=width, theme=theme))
    found = axe.Axe().run(page).response["violations"]
    serious = [
        f"{item['id']}: {item['nodes'][0]['html'][:160]}" for item in found if item["impact"] in SERIOUS
    ]
    assert not serious, "\n".join(serious)


def test_a_phone_shows_no_sideways_scrolling(signed_in: SignedIn) -> None:
    page = opened(signed_in("MANAGER", width=360, height=780))
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
