"""Sales operations types quotas with the keyboard, pastes a block, saves once, undoes; a manager only reads."""

from tests.e2e.conftest import SignedIn

PASTE = """(text) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""


def test_type_paste_save_undo(signed_in: SignedIn) -> None:
    page = signed_in("OPS")
    page.goto("/quotas/")
    page.wait_for_selector("[data-quota-grid][data-grid-ready]")
    cells = page.locator("tr[aria-level='5']:visible td[data-cell]")
    first = cells.nth(0)
    before = first.inner_text()
    first.click()
    page.keyboard.type("123456")
    page.keyboard.press("Tab")
    page.keyboard.type("222,222")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert page.locator("[data-grid-count]").inner_text() == "2"
    first.focus()
    page.evaluate(PASTE, "1000\t2000\n3000\t4000\n")
    assert page.locator("[data-grid-count]").inner_text() == "4"
    page.locator("[data-grid-save]").click()
    page.wait_for_selector(".toast:has-text('4 quotas saved')")
    page.wait_for_selector(f"td[data-cell='{first.get_attribute('data-cell')}']:has-text('1,000')")
    page.locator(".toast__btn", has_text="Undo").click()
    page.wait_for_selector(".toast:has-text('Taken back')")
    key = first.get_attribute("data-cell")
    page.wait_for_selector(f"td[data-cell='{key}']:not(:has-text('$1,000'))")
    assert page.locator(f"td[data-cell='{key}']").inner_text() == before


def test_a_bad_number_is_marked_and_nothing_is_lost(signed_in: SignedIn, watch) -> None:
    watch.expect("422")
    page = signed_in("OPS")
    page.goto("/quotas/")
    page.wait_for_selector("[data-quota-grid][data-grid-ready]")
    cell = page.locator("tr[aria-level='5']:visible td[data-cell]").nth(1)
    cell.click()
    page.keyboard.press("Enter")
    page.keyboard.type("12o0")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+s")
    page.wait_for_selector("td[data-cell][aria-invalid='true']")
    assert cell.inner_text() == "12o0"
    assert cell.get_attribute("title")
    page.locator("[data-grid-discard]").click()
    assert page.locator("[data-grid-bar]").is_hidden()


def test_a_manager_reads_and_sees_the_history(signed_in: SignedIn) -> None:
    page = signed_in("MANAGER", width=390)
    page.goto("/quotas/")
    assert page.locator("[data-quota-grid]").count() == 0
    page.locator("td a.drill").first.click()
    page.wait_for_selector("#drawer-host .timeline")
