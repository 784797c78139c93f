"""Keys that mean what they say: closing is asked, the next key meets no other deal, nobody is in conflict with oneself."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from tests.e2e.browsing import Watch
from tests.e2e.conftest import SignedIn

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

ASKED = "dialog[data-decision]:modal"
EDITS = "**/deals/*/edit*"


def _open(page: Page, query: str = "") -> Page:
    page.goto(f"/deals/{query}")
    page.wait_for_selector("html[data-ready=true]")
    return page


def _first_row(page: Page, where: str = "#deals-rows tr[data-edit-url]") -> str:
    return f"#{page.locator(where).first.get_attribute('id')}"


def _pill(row: str, category: str) -> str:
    return f"{row} .pill[data-category={category}]"


def _category(page: Page, row: str) -> str:
    return str(page.locator(f"{row} .pill").first.get_attribute("data-category"))


def _focused(page: Page) -> str:
    return f"#{page.evaluate('document.activeElement.id')}"


def _back(page: Page) -> None:
    """Take the last act back and wait until it is said."""
    page.keyboard.press("z")
    page.wait_for_selector(".toast:has-text('Undone')")


def test_key_5_asks_says_what_will_happen_and_books_only_after_yes(signed_in: SignedIn) -> None:
    page = _open(signed_in("REP"), "?sort=-amount")
    row = _first_row(page)
    was, name = _category(page, row), page.inner_text(f"{row} .cell-title")
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.url) if r.method == "POST" else None)
    page.focus(row)
    page.keyboard.press("5")
    page.wait_for_selector(f"{ASKED} [data-closing-count='1']", state="attached")
    asked = page.inner_text(ASKED)
    assert name in asked
    assert page.inner_text(f"{row} .deal-amount").strip() in asked
    assert "close date" in asked
    page.keyboard.press("3")
    page.keyboard.press("Escape")
    page.wait_for_selector(ASKED, state="detached")
    assert sent == []
    assert _category(page, row) == was
    page.focus(row)
    page.keyboard.press("5")
    page.click(f"{ASKED} button:has-text('Close as won'):enabled")
    page.wait_for_selector(_pill(row, "WON"))
    page.wait_for_selector(".toast:has-text('Won')")
    _back(page)
    page.wait_for_selector(_pill(row, was))


def test_bulk_menu_page_and_select_ask_too(signed_in: SignedIn) -> None:
    page = _open(signed_in("REP"), "?sort=-amount")
    rows = [f"#{page.locator('#deals-rows tr[data-edit-url]').nth(i).get_attribute('id')}" for i in (0, 1)]
    for row in rows:
        page.focus(row)
        page.keyboard.press("x")
    page.click("[data-bulk-bar] [data-value=WON]")
    page.wait_for_selector(f"{ASKED} [data-closing-count='2']", state="attached")
    assert "2 deals" in page.inner_text(ASKED)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.click(f"{rows[0]} inline-edit[data-field=category]")
    page.select_option(f"{rows[0]} select.edit-field", "LOST")
    page.wait_for_selector(f"{ASKED}:has-text('Close as lost')")
    page.keyboard.press("Escape")
    page.goto(f"/deals/{rows[0].removeprefix('#deal-')}")
    page.wait_for_selector("html[data-ready=true]")
    page.click(".deal [data-set=category][data-value=WON]")
    page.wait_for_selector(f"{ASKED} [data-closing-count='1']", state="attached")


def test_a_card_dragged_to_won_is_asked_about_and_stays_when_not(signed_in: SignedIn) -> None:
    page = _open(signed_in("MANAGER", width=1600), "?view=board")
    card = page.locator("[data-drop=PIPELINE] .deal-card[data-edit-url]").first
    name = f"#{card.get_attribute('id')}"
    card.drag_to(page.locator("[data-drop=WON]"))
    page.wait_for_selector(f"{ASKED} [data-closing-count]", state="attached")
    page.click(f"{ASKED} button:has-text('Cancel')")
    page.wait_for_selector(ASKED, state="detached")
    assert page.locator(f"[data-drop=PIPELINE] {name}").count() == 1


def _queue_item(page: Page) -> Locator:
    return page.locator(".queue__item[data-edit-url]").first


def test_the_focus_stays_on_the_settled_deal_until_j(signed_in: SignedIn) -> None:
    page = _open(signed_in("REP"))
    item = f"#{_queue_item(page).get_attribute('id')}"
    following = f"#{page.locator('.queue__item').nth(1).get_attribute('id')}"
    other = _category(page, following)
    was = _category(page, item)
    page.focus(item)
    page.keyboard.press("4")
    page.wait_for_selector(f"{item}.is-settled")
    assert _focused(page) == item
    page.keyboard.press("3" if was != "PIPELINE" else "2")
    page.wait_for_selector(_pill(item, "PIPELINE" if was != "PIPELINE" else "UPSIDE"))
    assert _category(page, following) == other
    page.wait_for_selector(f"{item}:not([aria-busy])")
    page.keyboard.press("j")
    assert _focused(page) == following
    page.focus(item)
    page.keyboard.press({"COMMIT": "1", "UPSIDE": "2", "PIPELINE": "3"}[was])
    page.wait_for_selector(_pill(item, was))


def test_keys_pressed_quickly_are_done_one_after_another(signed_in: SignedIn) -> None:
    page = _open(signed_in("REP"))
    item = f"#{_queue_item(page).get_attribute('id')}"
    was = _category(page, item)
    answers: list[int] = []
    page.on("response", lambda r: answers.append(r.status) if "/edit" in r.url else None)
    page.focus(item)
    for key in "12341":
        page.keyboard.press(key)
    page.wait_for_selector(f"{item}:not([aria-busy])")
    assert page.locator(ASKED).count() == 0
    assert set(answers) == {200}
    assert len(answers) >= 5
    assert _category(page, item) == "COMMIT"
    page.reload()
    deal = item.removeprefix("#queue-")
    page.goto(f"/deals/{deal}")
    page.wait_for_selector("html[data-ready=true]")
    assert _category(page, ".deal__split") == "COMMIT"
    page.keyboard.press({"COMMIT": "1", "UPSIDE": "2", "PIPELINE": "3"}[was])
    page.wait_for_selector(_pill(".deal__split", was))


def test_a_conflict_says_labels_and_keeps_keys_and_palette_away(signed_in: SignedIn, watch: Watch) -> None:
    watch.expect("409")
    rep = _open(signed_in("REP"))
    row = _first_row(rep)
    was = _category(rep, row)
    theirs = "UPSIDE" if was != "UPSIDE" else "PIPELINE"
    rep.route("**/events*", lambda route: route.abort())
    rep.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")  # hears of nothing
    rep.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    manager = signed_in("MANAGER")
    manager.goto(f"/deals/{row.removeprefix('#deal-')}")
    manager.wait_for_selector("html[data-ready=true]")
    manager.click(f".deal [data-set=category][data-value={theirs}]")
    manager.wait_for_selector(_pill(".deal__split", theirs))
    rep.focus(row)
    rep.keyboard.press("4")
    rep.wait_for_selector(ASKED)
    said = rep.inner_text(ASKED)
    assert "Omitted" in said
    assert "OMITTED" not in said
    assert theirs.capitalize() in said
    rep.keyboard.press("z")
    rep.keyboard.press("Control+k")
    rep.keyboard.press("1")
    assert rep.locator("#palette[open]").count() == 0
    assert rep.locator(ASKED).count() == 1
    rep.click(f"{ASKED} button:has-text('Keep theirs')")
    manager.keyboard.press({"COMMIT": "1", "UPSIDE": "2", "PIPELINE": "3"}[was])
    manager.wait_for_selector(_pill(".deal__split", was))


def test_escape_clears_the_selection_and_an_open_deal_hides_the_bar(signed_in: SignedIn) -> None:
    page = _open(signed_in("REP"))
    page.focus(_first_row(page))
    page.keyboard.press("x")
    page.wait_for_selector("[data-bulk-bar]:visible")
    page.keyboard.press("Enter")
    page.wait_for_selector("#drawer-host .deal")
    assert page.locator("[data-bulk-bar]").is_hidden()
    page.keyboard.press("Escape")
    page.wait_for_selector("[data-bulk-bar]:visible")
    page.keyboard.press("Escape")
    assert page.locator("[data-bulk-bar]").is_hidden()
    assert page.locator("input[data-select]:checked").count() == 0


def test_a_deal_made_by_mistake_is_removed_and_brought_back(signed_in: SignedIn) -> None:
    page, name = signed_in("REP"), f"Mistake {secrets.token_hex(3)}"
    page.goto("/deals/new")
    page.fill("#new-name", name)
    page.click("button:has-text('Create deal')")
    page.wait_for_selector(f"h1:has-text('{name}')")
    page.wait_for_selector("html[data-ready=true]")
    page.click("[data-remove]")
    page.wait_for_selector(".notice:has-text('removed this deal')")
    page.keyboard.press("z")
    page.wait_for_selector("[data-remove]")
    page.click("[data-remove]")
    page.click("button:has-text('Bring it back')")
    page.wait_for_selector("[data-remove]")
    page.click("[data-remove]")
    page.wait_for_selector(".notice:has-text('removed this deal')")
    _open(page)
    assert page.locator(f"text={name}").count() == 0


def test_the_filter_applies_itself_and_j_starts_in_the_list(signed_in: SignedIn) -> None:
    page = _open(signed_in("REP"))
    name = page.locator("#deals-rows tr[data-deal] .cell-title").first.inner_text()
    said = page.inner_text("#deals-answer")
    page.keyboard.press("/")
    page.keyboard.type(name[:12])
    page.wait_for_url("**/deals/?**q=**")
    page.wait_for_selector("#deals-rows[data-first-list]")
    shown = page.locator("#deals-rows tr[data-deal]").all_inner_texts()
    assert shown
    assert all(name[:12].split()[0].lower() in row.lower() for row in shown)
    assert page.evaluate("document.activeElement.matches('[data-filter]')")
    assert page.inner_text("#deals-answer") == said
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.closest('#deals-rows') !== null")


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
def test_the_board_is_in_the_first_screen(signed_in: SignedIn, width: int, height: int) -> None:
    page = _open(signed_in("REP", width=width, height=height), "?view=board")
    page.wait_for_load_state("networkidle")
    box = page.locator("[data-board]").bounding_box()
    assert box is not None
    assert box["y"] < height * 0.75
    assert page.locator("#queue-fold .queue__item").first.is_hidden()
    page.click("#queue-fold > summary")
    assert page.locator("#queue-fold .queue__item").first.is_visible()


def test_two_clicks_on_save_are_one_save_of_quotas(signed_in: SignedIn) -> None:
    page = signed_in("OPS")
    page.goto("/quotas/")
    page.wait_for_selector("[data-quota-grid][data-grid-ready]")
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.url) if r.url.endswith("/quotas/save") else None)
    cell = page.locator("tr[aria-level='5']:visible td[data-cell]").nth(2)
    cell.click()
    page.keyboard.type("4321" if cell.get_attribute("data-value") != "4321" else "4322")
    page.keyboard.press("Enter")
    page.evaluate("() => { const b = document.querySelector('[data-grid-save]'); b.click(); b.click(); }")
    page.wait_for_selector(".toast:has-text('1 quota saved')")
    assert len(sent) == 1
    page.locator(".toast__btn", has_text="Undo").click()
    page.wait_for_selector(".toast:has-text('Taken back')")
