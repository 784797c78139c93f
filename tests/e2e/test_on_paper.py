"""What is printed is whole and dated, without having been scrolled to."""

from __future__ import annotations

import re

from tests.e2e.conftest import SignedIn


def test_a_forecast_printed_unseen_has_its_charts_and_the_date(signed_in: SignedIn) -> None:
    page = signed_in("MANAGER", height=600)
    page.goto("/forecast/")
    page.wait_for_selector("#pacing [data-chart]", state="attached")
    page.wait_for_selector("#changes [data-drawn=true]")
    freshness = ".freshness time[data-time=relative]"
    shown = page.locator(freshness).first.inner_text()
    assert page.locator("#pacing [data-chart]:not([data-drawn])").count() == 1
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.wait_for_selector("#pacing [data-drawn=true]", state="attached", timeout=3000)
    assert re.search(r"20[0-9][0-9]", page.locator(freshness).first.inner_text())
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(freshness).first.inner_text() == shown
