"""The administrator brings a careless export in: upload, match, repair, confirm, progress, done, undo."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tests.e2e.conftest import SignedIn
from tests.e2e.server import Live

if TYPE_CHECKING:
    from playwright.sync_api import Page


def deals(live: Live) -> int:
    """How many deals there are, as the command line says."""
    return int(json.loads(live.manage("figure", "deal_count", "--json"))["sums"]["deal_count"])


def answer_everything(page: Page) -> None:
    """Day first, a comma for decimals, and what the wizard suggests for the rest."""
    for question in page.locator("fieldset").all():
        if question.locator("input:checked").count() == 0:
            question.locator("input[type=radio]").first.check()
    page.get_by_role("button", name=re.compile("Answer and check")).click()
    page.wait_for_load_state()


def test_a_careless_export_is_repaired_imported_and_undone(signed_in: SignedIn, live: Live) -> None:
    before = deals(live)
    page = signed_in("ADMIN")
    page.goto("/imports/new")
    page.set_input_files("input[name=files]", str(live.folder / "demo" / "crm-export-with-mistakes.csv"))
    page.get_by_role("button", name="Read the files").click()
    page.wait_for_url("**/match")
    assert "Salesforce report" in page.locator("main").inner_text()
    page.get_by_role("button", name="Check every row").click()
    page.wait_for_url("**/repair")
    assert "Negotiaton" in page.locator("main").inner_text()
    for _ in range(4):
        if not page.url.endswith("/repair"):
            break
        answer_everything(page)
    page.wait_for_url("**/confirm")
    assert deals(live) == before, "nothing is written before the last step"
    page.locator("main form button.btn--primary").last.click()
    page.get_by_role("button", name=re.compile("Undo this import")).or_(
        page.get_by_role("link", name=re.compile("Undo this import"))
    ).first.wait_for(timeout=30_000)
    imported = deals(live)
    assert 300 < imported - before < 400

    page.get_by_text("Undo this import").first.click()
    asked = page.locator("dialog[open]")
    assert f"{imported - before} deals" in asked.inner_text(), "it is asked once, with what goes"
    assert deals(live) == imported
    asked.get_by_role("button", name="Cancel").click()
    page.get_by_text("Undo this import").first.click()
    page.locator("dialog[open] button.btn--danger").click()
    page.get_by_text(re.compile("undone|Undone")).first.wait_for(timeout=30_000)
    assert deals(live) == before
