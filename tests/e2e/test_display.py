"""What somebody chooses in the user menu goes with the login, not with the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.browsing import sign_in
from tests.e2e.server import Live

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SHOWN = ("theme", "density", "keys", "lang")


def shown(page: Page) -> dict[str, str]:
    """Theme, density, keys and language of the page as the server painted it first."""
    page.goto("/account/")
    root = page.locator("html")
    return {name: str(root.get_attribute(name if name == "lang" else f"data-{name}")) for name in SHOWN}


def fresh(browser: Browser, live: Live, cookie: str = "") -> Page:
    """A page of a browser of its own, signed in as the executive; `cookie` is what somebody before left there."""
    context = browser.new_context(base_url=live.url, locale="en-US", reduced_motion="reduce")
    if cookie:
        context.add_cookies([{"name": "salesops_ui", "value": cookie, "url": live.url}])
    sign_in(context, live.url, live.logins["EXECUTIVE"])
    return context.new_page()


def choose(page: Page, **wanted: str) -> None:
    """In the user menu; each choice has reached the server before the next."""
    page.locator("details.menu:has([data-keep-url]) > summary").click()
    for name, value in wanted.items():
        with page.expect_response("**/account/display") as kept:
            page.locator(f"[data-pref={name}][data-value={value}]").click()
        assert kept.value.status == 204


def test_a_second_browser_starts_with_what_was_chosen_in_the_first(browser: Browser, live: Live) -> None:
    first = fresh(browser, live)
    shown(first)
    choose(first, theme="dark", density="compact", keys="off")
    first.locator("button[name=language][value=de]").click()
    first.wait_for_load_state()
    wanted = {"theme": "dark", "density": "compact", "keys": "off", "lang": "de"}
    second = fresh(browser, live, cookie="theme.light_density.comfortable_nav.slim_keys.on")
    try:
        assert shown(first) == shown(second) == wanted
        assert second.evaluate("document.documentElement.dataset.nav") == "slim", (
            "the width belongs to the screen"
        )
    finally:
        choose(second, theme="auto", density="comfortable", keys="on")
        second.locator("button[name=language][value=en]").click()
        second.wait_for_load_state()
        first.context.close()
        second.context.close()
