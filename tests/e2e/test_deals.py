"""A rep's five minutes before the call: keys, edits in place, undo, conflicts; and the manager sees it at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.browsing import Watch
from tests.e2e.conftest import SignedIn

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

ROWS = "#deals-rows tr[data-deal]:has(.deal-category .pill)"


def _open(page: Page, query: str = "") -> Page:
    page.goto(f"/deals/{query}")
    page.wait_for_selector("html[data-ready=true]")
    return page


def _row(page: Page, category: str = "") -> str:
    pill = f".pill[data-category={category}]" if category else ".pill"
    return "#" + str(
        page.locator(f"#deals-rows tr[data-edit-url]:has(.deal-category {pill})").first.get_attribute("id")
    )


def _other(category: str) -> tuple[str, str]:
    return ("2", "UPSIDE") if category != "UPSIDE" else ("1", "COMMIT")


def _category(page: Page, row: str) -> str:
    return str(page.locator(f"{row} .deal-category .pill").first.get_attribute("data-category"))


def _pill(row: str, category: str) -> str:
    return f"{row} .deal-category .pill[data-category={category}]"


def test_a_key_sets_the_category_at_once_and_z_takes_it_back(signed_in: SignedIn) -> None:
    page = _open(signed_in("REP"))
    row = _row(page)
    was = _category(page, row)
    key, category = _other(was)
    page.focus(row)
    held: list[Route] = []
    page.route("**/deals/*/edit*", lambda route: held.append(route))
    with page.expect_request("**/deals/*/edit*"):
        page.keyboard.press(key)
    page.wait_for_selector(_pill(row, category))  # before the server has heard of it
    held[0].continue_()
    page.unroute_all()
    page.wait_for_selector(".toast:has-text('Undo')")
    assert page.locator(f"{row}:focus").count() == 1
    page.keyboard.press("z")
    page.wait_for_selector(_pill(row, was))
    page.reload()
    assert _category(page, row) == was


def test_z_takes_the_last_change_back_after_its_toast_has_gone_and_says_when_there_is_none(
    signed_in: SignedIn,
) -> None:
    page = _open(signed_in("REP"))
    row = _row(page)
    was = _category(page, row)
    key, category = _other(was)
    page.focus(row)
    page.keyboard.press(key)
    page.wait_for_selector(_pill(row, category))
    page.click(".toast:has-text('Undo') .toast__close")
    page.focus(row)
    page.keyboard.press("z")
    page.wait_for_selector(_pill(row, was))
    page.wait_for_selector(".toast:has-text('Nothing to undo')", state="detached")
    page.keyboard.press("z")
    page.wait_for_selector(".toast:has-text('Nothing to undo')")


def test_editing_in_place_and_a_refusal_with_its_reason(signed_in: SignedIn, watch: Watch) -> None:
    watch.expect("422")
    page = _open(signed_in("REP"))
    row = _row(page)
    shown = page.inner_text(f"{row} .deal-amount").strip()
    page.click(f"{row} inline-edit[data-field=amount]")
    page.fill(f"{row} .edit-field", "12.5k")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{row} .deal-amount:has-text('12,500')")
    page.keyboard.press("z")
    page.wait_for_selector(f"{row} .deal-amount:has-text('{shown}')")
    page.click(f"{row} inline-edit[data-field=amount]")
    page.fill(f"{row} .edit-field", "plenty")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast:has-text('Write a number')")
    field = f"{row} .edit-field[aria-invalid=true]"
    page.wait_for_selector(field)
    assert page.input_value(field) == "plenty", "what was typed is not lost"
    page.keyboard.press("Tab")
    page.wait_for_selector(field, state="detached")
    assert page.inner_text(f"{row} .deal-amount").strip() == shown
    page.click(f"{row} inline-edit[data-field=amount]")
    assert page.input_value(field) == "plenty"
    page.keyboard.press("Escape")
    page.click(f"{row} inline-edit[data-field=amount]")
    assert page.input_value(f"{row} .edit-field") not in {"plenty", ""}


def test_several_at_once_are_one_step_to_undo(signed_in: SignedIn) -> None:
    page = _open(signed_in("MANAGER"), "?sort=-amount&category=PIPELINE")
    rows = [f"#{page.locator('#deals-rows tr[data-edit-url]').nth(i).get_attribute('id')}" for i in (0, 1)]
    for row in rows:
        page.focus(row)
        page.keyboard.press("x")
    assert page.inner_text("[data-selected-count]") == "2"
    page.keyboard.press("2")
    page.wait_for_selector(".toast:has-text('2 deals changed')")
    assert {_category(page, row) for row in rows} == {"UPSIDE"}
    page.keyboard.press("z")
    for row in rows:
        page.wait_for_selector(_pill(row, "PIPELINE"))


def test_a_conflict_shows_both_values(signed_in: SignedIn, watch: Watch) -> None:
    watch.expect("409")
    rep = _open(signed_in("REP"))
    row = _row(rep)
    was = rep.inner_text(f"{row} .deal-next").strip()
    manager = signed_in("MANAGER")
    manager.goto(f"/deals/{row.removeprefix('#deal-')}")
    manager.wait_for_selector("html[data-ready=true]")
    rep.click(f"{row} inline-edit[data-field=next_step]")
    rep.fill(f"{row} .edit-field", "Mine")
    manager.click(".deal inline-edit[data-field=next_step]")
    manager.fill(".deal .edit-field", "Theirs")
    with manager.expect_response("**/edit"):  # the page shows it before the server has it
        manager.keyboard.press("Enter")
    rep.focus(f"{row} .edit-field")
    rep.keyboard.press("Enter")
    rep.wait_for_selector("dialog:modal:has-text('Theirs')")
    assert "Mine" in rep.inner_text("dialog:modal")
    rep.click("dialog:modal button:has-text('Use mine')")
    rep.wait_for_selector(f"{row} .deal-next:has-text('Mine')")
    manager.wait_for_selector(".deal inline-edit[data-field=next_step]:has-text('Mine')", timeout=3000)
    rep.click(f"{row} inline-edit[data-field=next_step]")
    rep.fill(f"{row} .edit-field", "" if was == "–" else was)
    rep.keyboard.press("Enter")
    rep.wait_for_selector(f"{row} .deal-next:not(:has-text('Mine'))")


def test_the_managers_open_page_shows_a_reps_change_by_itself(signed_in: SignedIn) -> None:
    rep, manager = _open(signed_in("REP")), signed_in("MANAGER")
    row = _row(rep)
    was = _category(rep, row)
    key, category = _other(was)
    query = f"?q={rep.inner_text(f'{row} .cell-title').split(':')[0]}&size=200"
    _open(manager, query)
    manager.wait_for_selector("html[data-live=live]")
    manager.wait_for_selector(row)
    manager.wait_for_timeout(600)
    rep.focus(row)
    for press, shown in ((key, category), ("z", was)):
        rep.keyboard.press(press)
        manager.wait_for_selector(_pill(row, shown), timeout=10_000)
        rep.wait_for_selector(".toast:has-text('Undo')" if press == key else _pill(row, was))


def test_the_board_moves_by_drag_and_by_menu(signed_in: SignedIn) -> None:
    page = _open(signed_in("MANAGER"), "?view=board")
    page.wait_for_selector(".my-number")
    card = page.locator("[data-drop=PIPELINE] .deal-card[data-edit-url]").first
    name = f"#{card.get_attribute('id')}"
    card.drag_to(page.locator("[data-drop=UPSIDE] .deal-column__head"))
    page.wait_for_selector(f"[data-drop=UPSIDE] {name}")
    page.wait_for_selector(".toast:has-text('Upside')")
    page.click(f"{name} details.menu summary")
    page.click(f"{name} [data-move=PIPELINE]")
    page.wait_for_selector(f"[data-drop=PIPELINE] {name}")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_has_cards_with_room_for_a_thumb(signed_in: SignedIn, theme: str) -> None:
    page = _open(signed_in("REP", width=390, height=844, theme=theme))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert (
        page.locator("#deals-rows tr[data-deal]").first.evaluate("e => getComputedStyle(e).display") == "grid"
    )


def test_a_new_deal_from_the_drawer_asks_for_what_is_missing(signed_in: SignedIn, watch: Watch) -> None:
    watch.expect("422")
    page = _open(signed_in("REP"))
    page.click("a:has-text('New deal')")
    page.wait_for_selector("#drawer-host form")
    page.click("#drawer-host button[type=submit]")
    page.wait_for_selector("#drawer-host .notice:has-text('Give the deal a name')")
    page.fill("#drawer-host #new-name", "Written in a browser")
    page.fill("#drawer-host #new-amount", "12k")
    with page.expect_request(
        lambda request: request.method == "POST" and request.url.endswith("/deals/new")
    ) as sent:
        page.click("#drawer-host button[type=submit]")
    assert "idempotency" in (sent.value.post_data or "") + str(sent.value.headers).lower()
    page.wait_for_selector("h1:has-text('Written in a browser')")
    assert "12,000" in page.inner_text(".deal .lede")
