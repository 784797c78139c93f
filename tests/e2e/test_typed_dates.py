"""Dates typed key by key: nothing happens before the date is complete and meant, and then what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.browsing import Watch
from tests.e2e.conftest import SignedIn

if TYPE_CHECKING:
    from playwright.sync_api import Page


def _open(page: Page, address: str) -> Page:
    page.goto(address)
    page.wait_for_selector("html[data-ready=true]")
    return page


def _focus_first_part(page: Page, field: str) -> None:
    """As the Tab key would: onto the month."""
    page.eval_on_selector(field, "field => { field.focus(); field.showPicker = null; }")


@pytest.mark.parametrize(
    ("role", "address"),
    [("OPS", "/deals/"), ("OPS", "/quotas/"), ("OPS", "/people/"), ("OPS", "/metrics/ask/")],
)
def test_as_of_is_typed_to_its_end_and_asked_on_enter(signed_in: SignedIn, role: str, address: str) -> None:
    page = _open(signed_in(role), address)
    page.click("details.menu summary:has-text('Now')")
    _focus_first_part(page, "#as_of-control")
    page.keyboard.type("07212026")
    page.wait_for_timeout(300)
    assert "as_of" not in page.url
    page.keyboard.press("Enter")
    page.wait_for_url("**as_of=2026-07-21**")


def test_as_of_is_asked_on_leaving_but_not_on_giving_up_nor_out_of_bounds(signed_in: SignedIn) -> None:
    page = _open(signed_in("OPS"), "/deals/")
    page.click("details.menu summary:has-text('Now')")
    _focus_first_part(page, "#as_of-control")
    page.keyboard.type("07212026")
    page.keyboard.press("Escape")
    page.click("details.menu summary:has-text('Now')")
    _focus_first_part(page, "#as_of-control")
    page.keyboard.type("07210202")
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert "as_of" not in page.url
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("07212026")
    page.keyboard.press("Tab")  # the field's own button
    page.keyboard.press("Tab")
    page.wait_for_url("**as_of=2026-07-21**")


def test_the_instant_of_the_forecast_is_typed_to_its_end(signed_in: SignedIn) -> None:
    page = _open(signed_in("MANAGER"), "/forecast/")
    page.click("details.menu:has(#at-control) summary")
    _focus_first_part(page, "#at-control")
    page.keyboard.type("07212026\t0900AM")
    page.wait_for_timeout(300)
    assert "at=" not in page.url
    page.keyboard.press("Enter")
    page.wait_for_url("**at=2026-07-21T09%3A00**")


def test_the_close_date_of_selected_deals_is_typed_to_its_end(signed_in: SignedIn, watch: Watch) -> None:
    page = _open(signed_in("REP"), "/deals/")
    watch.expect("ERR_FAILED")
    sent: list[str] = []
    page.route("**/deals/bulk**", lambda route: (sent.append(route.request.post_data or ""), route.abort()))
    page.locator("#deals-rows tr[data-edit-url] input[data-select]").first.check()
    _focus_first_part(page, "input[data-bulk=close_date]")
    page.keyboard.type("03152027")
    page.wait_for_timeout(300)
    assert not sent
    with page.expect_request("**/deals/bulk**"):
        page.keyboard.press("Enter")
    assert len(sent) == 1
    assert "2027-03-15" in sent[0]


def test_a_close_date_is_pressed_typed_and_kept(signed_in: SignedIn) -> None:
    page = _open(signed_in("REP"), "/deals/")
    row = "#" + str(page.locator("#deals-rows tr[data-edit-url]").first.get_attribute("id"))
    cell = f"{row} inline-edit[data-field=close_date]"
    was = page.get_attribute(cell, "data-value")
    page.click(cell)
    page.keyboard.type("0315")
    page.keyboard.press("Backspace")
    page.keyboard.press("Escape")
    assert page.get_attribute(cell, "data-value") == was
    page.click(cell)
    page.keyboard.type("03152027")
    with page.expect_response("**/edit*") as answer:
        page.keyboard.press("Enter")
    assert "2027-03-15" in (answer.value.request.post_data or "")
    page.wait_for_selector(".toast:has-text('Undo')")
    page.keyboard.press("z")
    page.wait_for_selector(f"{cell}[data-value='{was}']")
