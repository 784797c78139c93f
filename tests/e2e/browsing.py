"""A browser that watches: a page fails its test for console errors, refused content and requests to elsewhere."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run", "--disable-dev-shm-usage", "--force-color-profile=srgb",
)  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
HARMLESS = ("favicon",)


def chromium_path() -> str | None:
    """A Chromium of this machine: CHROMIUM, or the first of the usual names on the PATH; None when there is none."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named if os.access(named, os.X_OK) else None
    return next((path for path in map(shutil.which, NAMES) if path), None)


@dataclass
class Watch:
    """What went wrong on the pages of one context."""

    home: str
    expected: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)

    def attach(self, page: Page) -> None:
        """Listens to one page."""
        page.on("console", lambda message: message.type == "error" and self._note(f"console: {message.text}"))
        page.on("pageerror", lambda error: self._note(f"script: {error}"))
        page.on("request", lambda request: self._request(request.url))
        page.on(
            "response", lambda r: r.status >= 500 and self._note(f"{r.status} {r.request.method} {r.url}")
        )

    def _request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != urlsplit(self.home).netloc:
            self._note(f"request to elsewhere: {url}")

    def _note(self, text: str) -> None:
        if not any(word in text for word in (*HARMLESS, *self.expected)):
            self.found.append(text)

    def expect(self, text: str) -> None:
        """An error that the test provokes on purpose (part of its text)."""
        self.expected.append(text)


def sign_in(context: BrowserContext, home: str, login: dict[str, str]) -> None:
    """Through the form, as anybody would; the context keeps the session."""
    page = context.new_page()
    page.goto(f"{home}/accounts/login/")
    page.fill("input[name=login]", login["email"])
    page.fill("input[name=password]", login["password"])
    page.click("form[action*='/accounts/login'] button[type=submit], main form button[type=submit]")
    page.wait_for_url(lambda url: "/accounts/login" not in url)
    page.close()
