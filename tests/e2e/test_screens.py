"""Every declared screen: answers without complaint, is accessible in both themes, fits a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import SignedIn
from tests.e2e.screens import SCREENS, Screen
from tests.e2e.screenshots import settle, visit

if TYPE_CHECKING:
    from playwright.sync_api import Page

WEIGHTY = {"serious", "critical"}


def findings(page: Page) -> list[str]:
    """What axe finds of weight, with the first element it means."""
    from axe_playwright_python.sync_playwright import Axe

    violations = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:160]}" for v in violations if v["impact"] in WEIGHTY]


def lasting(page: Page, where: str) -> list[str]:
    """Findings that stay: while a theme's colours fade over, text and ground have no contrast for a moment."""
    found = findings(page)
    if found:
        page.wait_for_timeout(1500)
        found = findings(page)
    return [f"{where}: {finding}" for finding in found]


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_screen_is_whole_accessible_and_fits_a_phone(signed_in: SignedIn, screen: Screen) -> None:
    page = signed_in(screen.roles[0])
    visit(page, screen)
    assert page.locator("h1").count() == 1
    found = lasting(page, "light, 1280 px")
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(400)
    found += lasting(page, "dark, 1280 px")
    page.set_viewport_size({"width": 390, "height": 844})
    settle(page)
    found += lasting(page, "dark, 390 px")
    page.emulate_media(color_scheme="light")
    page.wait_for_timeout(400)
    found += lasting(page, "light, 390 px")
    assert not found, "\n".join(found)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{wide} px stick out at 390 px"


@pytest.mark.parametrize(
    ("screen", "role"),
    [(screen, role) for screen in SCREENS for role in screen.roles[1:]],
    ids=lambda value: value.name if isinstance(value, Screen) else value,
)
def test_every_role_that_has_a_screen_gets_it(signed_in: SignedIn, screen: Screen, role: str) -> None:
    page = signed_in(role)
    visit(page, screen)
    assert page.locator("main").inner_text().strip()


def test_the_shots_list_is_complete(signed_in: SignedIn) -> None:
    """Whatever the navigation offers to somebody is a declared screen."""
    declared = {screen.path.split("?")[0] for screen in SCREENS}
    for role in ("REP", "OPS", "ADMIN", "AUDITOR"):
        page = signed_in(role)
        page.goto("/")
        offered = page.locator("nav a[href^='/']").evaluate_all(
            "links => links.map(link => link.getAttribute('href'))"
        )
        missing = {path.split("?")[0] for path in offered} - declared
        assert not missing, f"{role}: {missing}"
