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
    assert page.locator("[data-grid-count]").inner_text() == "1 change not saved"
    page.keyboard.type("222,222")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert page.locator("[data-grid-count]").inner_text() == "2 changes not saved"
    first.focus()
    page.evaluate(PASTE, "1000\t2000\n3000\t4000\n")
    assert page.locator("[data-grid-count]").inner_text() == "4 changes not saved"
    page.keyboard.press("Control+z")
    assert page.locator("[data-grid-count]").inner_text() == "2 changes not saved", "a paste is one act"
    page.evaluate(PASTE, "1000\t2000\n3000\t4000\n")
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
    page.keyboard.type("gp")
    assert page.input_value("td[data-cell] .edit-field") == "gp", "letters are typed, not shortcuts"
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.keyboard.type("12o0")
    page.keyboard.press("Enter")
    page.wait_for_selector("td[data-cell][aria-invalid='true']")
    assert cell.inner_text().split("\n") == ["12o0", "is not a number with a decimal point"]
    page.wait_for_selector("#live:has-text('1 cell cannot be saved as it is')", state="attached")
    page.keyboard.press("Control+s")
    page.wait_for_selector(".toast:has-text('Nothing saved')")
    assert cell.inner_text().startswith("12o0")
    assert cell.get_attribute("title")
    page.locator("[data-grid-discard]").click()
    assert page.locator("[data-grid-bar]").is_hidden()


def test_what_is_pasted_is_checked_at_once_and_the_sums_follow(signed_in: SignedIn) -> None:
    page = signed_in("OPS")
    page.goto("/quotas/")
    page.wait_for_selector("[data-quota-grid][data-grid-ready]")
    row = page.locator("tr[aria-level='5']:visible").first
    row.locator("td[data-cell]").nth(0).focus()
    parent = row.get_attribute("data-parent")
    year, whole = row.locator("td").nth(4), page.locator(f"tr[data-node='{parent}'] td").nth(5)
    before = year.inner_text(), whole.inner_text()
    page.evaluate(PASTE, "1.000,50\t$2,000\t3000\tfoo")
    page.wait_for_selector("td[data-cell][aria-invalid='true'] .edit-error")
    assert row.locator("td[aria-invalid='true']").count() == 2
    assert row.locator("td[data-cell]").nth(1).inner_text() == "$2,000", "shown as it was read"
    assert year.inner_text() != before[0]
    assert whole.inner_text() != before[1], "what the reports carry"
    page.locator("[data-grid-discard]").click()
    page.wait_for_function(
        "([node, text]) => document.querySelectorAll(`tr[data-node='${node}'] td`)[5].innerText === text",
        arg=[parent, before[1]],
    )
    assert year.inner_text() == before[0]
    assert page.locator("td[aria-invalid='true']").count() == 0


def test_a_manager_reads_and_sees_the_history(signed_in: SignedIn) -> None:
    page = signed_in("MANAGER", width=390)
    page.goto("/quotas/")
    assert page.locator("[data-quota-grid]").count() == 0
    page.locator("td a.drill").first.click()
    page.wait_for_selector("#drawer-host .timeline")
