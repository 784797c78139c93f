"""Pointing at a chart says the number, and the browser has nothing to complain of (`signed_in` fails on any error)."""

from __future__ import annotations

from tests.e2e.conftest import SignedIn


def test_a_bar_pointed_at_says_its_amount(signed_in: SignedIn) -> None:
    page = signed_in("EXECUTIVE")
    page.goto("/forecast/")
    page.wait_for_selector("#changes [data-drawn=true]")
    page.locator("#changes .chart__canvas").scroll_into_view_if_needed()
    box = page.locator("#changes .trace .point path").first.bounding_box()
    assert box
    for down in (5, 15, 25):
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + down)
        page.wait_for_timeout(150)
    page.wait_for_selector("#changes .hoverlayer .hovertext:has-text('$')")
