"""`make screenshots`: every screen as every role that has it, light and dark, at 1280 and 390 px, into var/screenshots.

On the database of the running installation's services, in a throw-away database with the demo company.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.e2e.browsing import ARGUMENTS, Watch, chromium_path, sign_in
from tests.e2e.screens import SCREENS, Screen
from tests.e2e.server import Database, Live, make_live

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

THEMES = ("light", "dark")
README_PICTURE = Path(__file__).resolve().parents[2] / "docs" / "images" / "forecast.png"
README_BYTES = 200_000
WIDTHS = {1280: 800, 390: 844}


def wanted(arguments: argparse.Namespace) -> list[tuple[Screen, str, str, int]]:
    """Screen, role, theme, width of each photograph."""
    return [
        (screen, role, theme, width)
        for screen in SCREENS
        if not arguments.only or any(part in screen.name for part in arguments.only)
        for role in screen.roles
        if not arguments.role or role in arguments.role
        for theme in arguments.theme or THEMES
        for width in arguments.width or WIDTHS
    ]


def photograph(page: Page, screen: Screen, target: Path, *, whole: bool) -> None:
    """Loads a screen, waits until it is quiet, takes the picture."""
    visit(page, screen)
    target.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(target), full_page=whole, animations="disabled")


def visit(page: Page, screen: Screen) -> None:
    """Goes to a screen the way it is declared, and waits until it is quiet."""
    page.goto(screen.path, wait_until="load")
    for link in screen.follow.split(" then ") if screen.follow else ():
        page.goto(str(page.locator(link).first.get_attribute("href", timeout=5000)), wait_until="load")
    if screen.click:
        page.locator(screen.click).first.click(timeout=5000)
        page.wait_for_timeout(400)
    settle(page)


def settle(page: Page) -> None:
    """Charts and fragments have arrived: no request for a third of a second, event streams aside."""
    page.wait_for_timeout(150)
    page.locator(".htmx-request").first.wait_for(state="detached", timeout=5000)
    page.wait_for_timeout(200)


def take_all(live: Live, browser: Browser, folder: Path, arguments: argparse.Namespace) -> list[str]:
    """All wanted photographs; returns what the browser complained about."""
    states: dict[str, Any] = {}
    complaints: list[str] = []
    for screen, role, theme, width in wanted(arguments):
        watch = Watch(live.url)
        options: dict[str, Any] = {
            "viewport": {"width": width, "height": WIDTHS.get(width, 800)}, "color_scheme": theme, "base_url": live.url,
            "reduced_motion": "reduce", "locale": "en-US",
        }  # fmt: skip
        if role not in states:
            first = browser.new_context(**options)
            sign_in(first, live.url, live.logins[role])
            states[role] = first.storage_state()
            first.close()
        context = browser.new_context(**options, storage_state=states[role])
        page = context.new_page()
        watch.attach(page)
        name = f"{screen.name}--{role.lower()}--{theme}--{width}"
        try:
            photograph(page, screen, folder / f"{name}.png", whole=arguments.whole)
        except Exception as error:
            watch.found.append(str(error).splitlines()[0])
        complaints += [f"{name}: {text}" for text in watch.found]
        context.close()
    return complaints


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Photograph every screen as every role.")
    parser.add_argument("only", nargs="*", help="parts of screen names; default all")
    parser.add_argument("--role", action="append", help="only this role (REP, MANAGER …); repeatable")
    parser.add_argument("--theme", action="append", choices=THEMES)
    parser.add_argument("--width", action="append", type=int)
    parser.add_argument("--whole", action="store_true", help="the whole page, not the first viewport")
    parser.add_argument("--deals", type=int, default=12_000)
    parser.add_argument(
        "--into", type=Path, default=Path(os.environ.get("SALESOPS_VAR", "var")) / "screenshots"
    )
    parser.add_argument("--readme", action="store_true", help="only the README's picture, into docs/images")
    parser.add_argument(
        "--at", help="address of a running product with the demo company, instead of a new one"
    )
    arguments = parser.parse_args()
    if arguments.readme:
        arguments.only, arguments.role = ["home"], ["EXECUTIVE"]
        arguments.theme, arguments.width, arguments.whole = ["light"], [1280], False
    return arguments


def keep_for_readme(folder: Path) -> None:
    """Copies the forecast's photograph into the documentation. Raises when it would make the repository heavy."""
    picture = (folder / "home--executive--light--1280.png").read_bytes()
    if len(picture) > README_BYTES:
        raise ValueError(f"The picture has {len(picture):,} bytes; {README_BYTES:,} are allowed.")
    README_PICTURE.parent.mkdir(parents=True, exist_ok=True)
    README_PICTURE.write_bytes(picture)


def main() -> int:
    """Takes the photographs; exit code 1 when a page complained, 3 when there is no browser."""
    arguments = _arguments()
    path = chromium_path()
    if path is None:
        sys.stdout.write(
            "No Chromium on this machine: install the package chromium, or set CHROMIUM to its path.\n"
        )
        return 3
    from playwright.sync_api import sync_playwright

    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as driver:
        database = Database(os.environ["DATABASE_URL"])
        live = None
        browser = driver.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            if arguments.at:
                live = Live(arguments.at.rstrip("/"), dict(os.environ), Path(os.environ["SALESOPS_VAR"]))
            else:
                database.create()
                live = make_live(database.url, Path(scratch), deals=arguments.deals)
            complaints = take_all(live, browser, arguments.into, arguments)
            if arguments.readme:
                keep_for_readme(arguments.into)
        finally:
            browser.close()
            if live is not None:
                live.stop()
            if not arguments.at:
                database.drop()
    count = len(wanted(arguments))
    sys.stdout.write(f"{count} photographs in {arguments.into} ({time.monotonic() - began:.0f} s)\n")
    sys.stdout.write(("\n".join(complaints) or "No page complained.") + "\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
