"""Fixtures of the browser tests: `live` (the product, running), `browser`, `signed_in(role)`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.browsing import ARGUMENTS, Watch, chromium_path, sign_in
from tests.e2e.server import Database, Live, make_live

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SignedIn = Callable[..., "Page"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    here = Path(__file__).parent
    for item in items:
        if here in Path(item.path).parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="package")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """The product with a small demo company, on its own database and port, for the whole session."""
    running = os.environ.get("E2E_AT")  # a product with the demo company that runs already: for quick turns
    if running:
        yield Live(running.rstrip("/"), dict(os.environ), Path(os.environ["SALESOPS_VAR"]))
        return
    database = Database(os.environ["DATABASE_URL"])
    database.create()
    server: Live | None = None
    try:
        server = make_live(database.url, tmp_path_factory.mktemp("live"))
        yield server
    finally:
        if server is not None:
            server.stop()
        database.drop()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium without a window; the tests are skipped, saying why, where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium on this machine: install the package chromium, or set CHROMIUM to its path")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def _sessions() -> dict[str, Any]:
    """Cookies of each role, so that the form is filled once per role."""
    return {}


@pytest.fixture
def watch(live: Live) -> Watch:
    """What goes wrong on the test's pages; `watch.expect(text)` allows what the test provokes."""
    return Watch(live.url)


@pytest.fixture
def signed_in(live: Live, browser: Browser, watch: Watch, _sessions: dict[str, Any]) -> Iterator[SignedIn]:
    """`signed_in("MANAGER", width=390, theme="dark")` gives a page of that role; any error on it fails the test."""
    contexts = []

    def open_page(role: str, *, width: int = 1280, height: int = 800, theme: str = "light") -> Page:
        options: dict[str, Any] = {
            "viewport": {"width": width, "height": height}, "color_scheme": theme, "base_url": live.url,
            "accept_downloads": True, "reduced_motion": "reduce", "locale": "en-US", "timezone_id": "UTC",
        }  # fmt: skip
        if role not in _sessions:
            context = browser.new_context(**options)
            sign_in(context, live.url, live.logins[role])
            _sessions[role] = context.storage_state()
            context.close()
        context = browser.new_context(**options, storage_state=_sessions[role])
        contexts.append(context)
        page = context.new_page()
        watch.attach(page)
        context.on("page", watch.attach)
        return page

    yield open_page
    for context in contexts:
        context.close()
    server = (
        f"\nThe server's log ends:\n{live.log_tail(2500)}"
        if any(" 500" in f or f[:1] == "5" for f in watch.found)
        else ""
    )
    assert not watch.found, "The browser complained:\n" + "\n".join(watch.found) + server
