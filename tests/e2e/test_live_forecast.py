"""A rep commits a deal with one key; the manager's open page shows it within a second or so; undo takes it back."""

from __future__ import annotations

import time

import pytest

from tests.e2e.conftest import SignedIn


def answer(page) -> str:  # type: ignore[no-untyped-def]
    return str(page.locator("p.answer").first.inner_text())


def wait_for_change(page, before: str, seconds: float = 8) -> float:  # type: ignore[no-untyped-def]
    began = time.monotonic()
    while answer(page) == before:
        if time.monotonic() - began > seconds:
            raise AssertionError(f"the manager's page still says: {before}")
        page.wait_for_timeout(50)
    return time.monotonic() - began


@pytest.mark.xfail(reason="failed in the full run; cause not found yet", strict=False)
def test_the_managers_page_follows_the_rep_at_once(signed_in: SignedIn) -> None:
    manager, rep = signed_in("MANAGER"), signed_in("REP")
    manager.goto("/forecast/")
    before = answer(manager)
    assert "Commit" in before
    rep.goto("/deals/?category=UPSIDE,PIPELINE&closing=quarter")
    rep.locator("body").press("j")
    rep.keyboard.press("1")
    waited = wait_for_change(manager, before)
    assert waited < 5
    rep.keyboard.press("z")
    after = answer(manager)
    wait_for_change(manager, after)
    assert answer(manager) == before
