"""On a small laptop (1280) nothing that is needed is cut off, in English and in German; J reaches every list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.browsing import sign_in
from tests.e2e.conftest import SignedIn
from tests.e2e.server import Live

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

HIDDEN_PART = "box => Math.round(box.scrollWidth - box.clientWidth)"

CUT_OFF = """box => {
  const edge = box.getBoundingClientRect().right + 1;
  const beyond = node => [...node.querySelectorAll("*")].some(part => part.getBoundingClientRect().right > edge);
  return [...box.querySelectorAll("tr > :last-child")].filter(beyond).map(cell => cell.innerHTML); }"""


def _open(page: Page, address: str) -> Page:
    page.goto(address)
    page.wait_for_selector("html[data-ready=true]")
    return page


@pytest.fixture
def german(live: Live, browser: Browser) -> Iterator[Page]:
    """A page of the manager, who reads German."""
    context = browser.new_context(
        locale="de-DE", base_url=live.url, viewport={"width": 1280, "height": 800}, reduced_motion="reduce"
    )
    sign_in(context, live.url, live.logins["MANAGER"])
    yield context.new_page()
    context.close()


def test_the_last_column_is_in_sight(signed_in: SignedIn, german: Page) -> None:
    for page in (signed_in("MANAGER"), german):
        _open(page, "/deals/")
        assert page.locator("#deals-rows .table-scroll").evaluate(CUT_OFF) == []
        _open(page, "/forecast/")
        assert page.locator(".table-scroll:has(.board__table)").first.evaluate(HIDDEN_PART) <= 0
    assert german.locator("html[lang=de]").count()


def test_amounts_before_the_call_are_whole(signed_in: SignedIn) -> None:
    page = _open(signed_in("MANAGER"), "/deals/")
    notes = page.locator(".queue__what .cell-note")
    assert notes.count() == 5
    for note in notes.all():
        fits = "note => note.querySelector('.num').getBoundingClientRect().right <= note.getBoundingClientRect().right + 1"
        assert note.evaluate(fits), note.inner_text()
        assert note.evaluate(HIDDEN_PART) <= 0


def test_an_account_fits_the_drawer(signed_in: SignedIn) -> None:
    page = _open(signed_in("MANAGER"), "/deals/")
    page.locator("#deals-rows a[data-row-open]").first.click()
    page.locator("#drawer[open] a[href*='/accounts/']").first.click()
    page.wait_for_selector("#drawer .page__kicker:has-text('Account')")
    assert page.locator("#drawer .table thead th").all_inner_texts() == ["Deal", "Amount"]
    assert page.locator("#drawer .table-scroll").evaluate(HIDDEN_PART) <= 0


def test_labels_of_the_history_break_between_words(german: Page) -> None:
    page = _open(german, "/deals/")
    page.locator("#deals-rows a[data-row-open]").first.click()
    page.wait_for_selector("#drawer .deal-changes__field", state="attached")
    lines = "label => label.getClientRects().length && label.offsetHeight / parseFloat(getComputedStyle(label).lineHeight)"
    labels = page.locator("#drawer .deal-changes > :not(.deal-changes__one) .deal-changes__field")
    assert labels.count()
    for label in labels.all():
        words = (label.text_content() or "").replace("-", "- ").split()
        assert round(float(label.evaluate(lines))) <= len(words), words


def test_j_goes_on_from_the_queue_into_the_list_and_k_back(signed_in: SignedIn) -> None:
    page = _open(signed_in("MANAGER"), "/deals/")
    held = "document.activeElement.closest('[data-row]').id.split('-')[0]"
    rows = []
    for _ in range(9):
        page.keyboard.press("j")
        rows.append(page.evaluate(held))
    assert rows == ["queue"] * 5 + ["deal"] * 4
    for _ in range(4):
        page.keyboard.press("k")
    assert page.evaluate(held) == "queue"
