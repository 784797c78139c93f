"""A form of the set-up that somebody else saved meanwhile, in the browser: told in place, nothing typed is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.browsing import Watch
from tests.e2e.conftest import SignedIn

if TYPE_CHECKING:
    from playwright.sync_api import Page

FIELD = "#drawer-host input[name=name]"


def _open(page: Page) -> str:
    """The set-up form of the last territory, in the drawer; its name."""
    page.goto("/setup/territories/")
    page.wait_for_selector("html[data-ready=true]")
    page.locator("main a[data-row-open]").last.click()
    page.wait_for_selector("#drawer-host input[name=seen]", state="attached")
    return page.input_value(FIELD)


def test_who_saves_second_reads_it_in_the_drawer_and_may_save_again(
    signed_in: SignedIn, watch: Watch
) -> None:
    watch.expect("409")
    first, second = signed_in("OPS"), signed_in("OPS")
    name, _ = _open(first), _open(second)
    _save(first, f"{name} A")
    first.wait_for_selector(f"main a:has-text('{name} A')")
    _save(second, f"{name} B")
    second.wait_for_selector(f"#drawer-host .field__error:has-text('By now: {name} A')")
    assert second.input_value(FIELD) == f"{name} B"
    _save(second, name)
    second.wait_for_selector("#drawer-host input", state="detached")
    assert _open(second) == name


def _save(page: Page, name: str) -> None:
    page.fill(FIELD, name)
    page.click("#drawer-host .form__actions button[type=submit]")
