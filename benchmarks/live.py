"""How soon a rep's change is on the manager's open page: browser, web server and database as people use them."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from benchmarks.measuring import Result, seconds
from benchmarks.serving import cookie_of, served
from tests.e2e.browsing import ARGUMENTS, chromium_path

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROUNDS = 7
APART = 1.5
"""Seconds between two changes: the page looks again once a second at most, and that must not be part of the time."""
ANSWER = "p.answer"


def _page(browser: Browser, url: str, session: str, path: str) -> Page:
    context = browser.new_context(base_url=url, viewport={"width": 1280, "height": 800}, locale="en-US")
    name, value = session.split("=", 1)
    context.add_cookies([{"name": name, "value": value, "url": url}])
    page = context.new_page()
    page.goto(path)
    page.wait_for_selector("html[data-ready=true]")
    return page


def _turn(manager: Page, rep: Page, key: str) -> float:
    """Seconds from a key pressed on a deal of the rep until the manager's answer says something else."""
    before = manager.locator(ANSWER).first.inner_text()
    rep.wait_for_timeout(APART * 1000)

    def change() -> None:
        rep.keyboard.press(key)
        manager.wait_for_function(
            "([place, before]) => document.querySelector(place).innerText !== before", arg=[ANSWER, before]
        )

    return seconds(change)


def live_change() -> Iterator[Result]:
    """A rep's key, on the manager's page, beside the manager opening the page anew. What was done is undone."""
    from playwright.sync_api import sync_playwright

    path = chromium_path()
    if path is None:
        raise SystemExit(
            "live_change needs a Chromium: install the package chromium, or set CHROMIUM to its path"
        )
    with served() as live:
        # Several companies share the folder in which passwords are told, so nobody signs in by one.
        sessions = [cookie_of(live, role) for role in ("MANAGER", "REP")]
        options: dict[str, Any] = {"executable_path": path, "args": list(ARGUMENTS)}
        with sync_playwright() as driver, driver.chromium.launch(**options) as browser:
            yield _measured(browser, live.url, *sessions)


def _measured(browser: Browser, url: str, of_manager: str, of_rep: str) -> Result:
    manager = _page(browser, url, of_manager, "/forecast/")
    rep = _page(browser, url, of_rep, "/deals/?category=UPSIDE,PIPELINE&closing=quarter&sort=-amount")
    manager.wait_for_selector("html[data-live=live]")
    said = manager.locator(ANSWER).first.inner_text()
    rep.locator("#deals-rows tr[data-edit-url]").first.focus()

    def anew() -> None:
        manager.reload()
        manager.wait_for_selector("html[data-ready=true]")

    pairs = []
    for place in range(ROUNDS * 2 + 2):
        took = _turn(manager, rep, "z" if place % 2 else "1")
        pairs.append((took, seconds(anew)))
        manager.wait_for_selector("html[data-live=live]")
    assert manager.locator(ANSWER).first.inner_text() == said, "the last change was not taken back"
    pairs = pairs[2:]
    ratios = sorted(ours / theirs for ours, theirs in pairs)
    ours, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    worst = max(ours for ours, _ in pairs)
    return Result(
        "live_change", f"key pressed to manager's page; the slowest of {len(pairs)} took {worst * 1e3:.0f} ms",
        ours * 1e3, theirs * 1e3, "the page opened anew", ours / theirs, 1.0, ratios[0], ratios[-1],
        "taken back", {"slowest_ms": round(worst * 1e3)},
    )  # fmt: skip
