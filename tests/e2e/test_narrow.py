"""At 200 % zoom, at 320 px and read from right to left, nothing is cut off and no page scrolls sideways.

Tables, grids and boards may scroll inside a box of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import SignedIn
from tests.e2e.screenshots import settle
from tests.e2e.server import Live

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGES = {
    "MANAGER": ("/forecast/", "/deals/", "/deals/?view=board", "/people/", "/quotas/"),
    "ADMIN": ("/imports/new", "/imports/"),
}
ZOOMED, NARROW = (640, 2), (320, 1)
CUT_OFF = """
() => {
  const width = document.documentElement.clientWidth, found = [];
  const name = node => `${node.tagName}.${node.className} "${(node.innerText ?? "").trim().slice(0, 40)}"`;
  const scrolls = node => {
    for (let p = node.parentElement; p && p !== document.body; p = p.parentElement)
      if (["auto", "scroll"].includes(getComputedStyle(p).overflowX)) return true;
    return false;
  };
  const over = document.documentElement.scrollWidth - width;
  if (over > 0) found.push(`the page is ${over} px too wide`);
  for (const node of document.body.querySelectorAll("*")) {
    if (!node.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })) continue;
    if (node.closest(".visually-hidden, .skip-link, svg, dialog:not([open]), [aria-hidden=true]")) continue;
    const box = node.getBoundingClientRect(), style = getComputedStyle(node);
    if (box.width <= 1) continue;
    if ((box.right > width + 1 || box.left < -1) && !scrolls(node)) found.push(`outside: ${name(node)}`);
    if (["hidden", "clip"].includes(style.overflowX) && node.clientWidth > 1 && style.textOverflow !== "ellipsis"
        && node.scrollWidth > node.clientWidth + 1) found.push(`cut off: ${name(node)}`);
  }
  return found;
}
"""
MENUS = "details[data-menu] > summary:visible"
OPENED = """
summary => new Promise(done => {
  const panel = summary.parentElement.querySelector(".menu__panel");
  const measure = () => {
    const { left, right } = panel.getBoundingClientRect();
    summary.parentElement.open = false;
    done(left < 0 || right > innerWidth ? `menu from ${left} to ${right} px: ${panel.innerText.slice(0, 40)}` : "");
  };
  summary.parentElement.addEventListener("toggle", () => requestAnimationFrame(
    () => Promise.all(panel.getAnimations().map(animation => animation.finished)).then(measure)), { once: true });
  summary.click();
})
"""


def cut_off(page: Page, where: str) -> list[str]:
    """What is cut off."""
    return [f"{where}: {text}" for text in page.evaluate(CUT_OFF)]


def with_menus(page: Page, where: str) -> list[str]:
    """What is cut off, also of the menus of header and tools, each opened once."""
    said = [menu.evaluate(OPENED) for menu in page.locator(MENUS).all()[-4:]]
    return cut_off(page, where) + [f"{where}: {text}" for text in said if text]


def reshape(page: Page, width: int, scale: int) -> None:
    """What the browser's zoom does: fewer CSS pixels, each drawn larger."""
    session = page.context.new_cdp_session(page)
    metrics = {"width": width, "height": 800, "deviceScaleFactor": scale, "mobile": False}
    session.send("Emulation.setDeviceMetricsOverride", metrics)


@pytest.mark.parametrize("role", PAGES)
def test_nothing_is_cut_off_when_zoomed_narrow_or_mirrored(signed_in: SignedIn, role: str) -> None:
    page, found = signed_in(role), []
    for path in PAGES[role]:
        page.goto(path)
        settle(page)
        turn = "direction => { document.documentElement.dir = direction; }"
        page.evaluate(turn, "rtl")
        found += cut_off(page, f"{path}, from right to left")
        reshape(page, *NARROW)
        found += with_menus(page, f"{path}, 320 px, from right to left")
        page.evaluate(turn, "ltr")
        found += with_menus(page, f"{path}, 320 px")
        reshape(page, *ZOOMED)
        found += cut_off(page, f"{path}, 200 %")
        reshape(page, 1280, 1)
    assert not found, "\n".join(dict.fromkeys(found))


def test_the_import_wizard_fits_when_zoomed(signed_in: SignedIn, live: Live) -> None:
    page, found = signed_in("ADMIN", width=640), []
    page.goto("/imports/new")
    page.set_input_files("input[name=files]", str(live.folder / "demo" / "crm-export-with-mistakes.csv"))
    page.get_by_role("button", name="Read the files").click()
    for step, button in (("match", "Check every row"), ("repair", "")):
        page.wait_for_url(f"**/{step}")
        for width, scale in (ZOOMED, NARROW):
            reshape(page, width, scale)
            found += cut_off(page, f"{step}, {width} px")
        if button:
            page.get_by_role("button", name=button).click()
    assert not found, "\n".join(found)


RENAME = """
from organization.models import User
from salesops.audit.record import record
user = User.objects.get(email={email!r})
User.objects.filter(pk=user.pk).update(name={name!r})
if {name!r} != {kept!r}:
    record(actor_id=user.pk, actor_name={name!r}, verb="SIGN_IN_FAILED", object_type="session", object_id="", label="y" * 300)
print("renamed")
"""


@pytest.fixture
def long_name(live: Live) -> Iterator[str]:
    """A login whose name is one word of 200 letters, also in the audit trail."""
    login, word = live.logins["FINANCE"], "x" * 200
    told = {"email": login["email"], "kept": login["name"]}
    assert "renamed" in live.manage("shell", "-c", RENAME.format(name=word, **told))
    yield word
    assert "renamed" in live.manage("shell", "-c", RENAME.format(name=login["name"], **told))


def test_one_long_word_pushes_nothing_out(signed_in: SignedIn, long_name: str) -> None:
    for width in (1280, 390):
        page = signed_in("ADMIN", width=width)
        for path in (f"/users/?q={long_name[:8]}", f"/audit/?actor={long_name[:8]}"):
            page.goto(path)
            settle(page)
            assert long_name in page.locator("main").inner_text()
            assert cut_off(page, f"{path}, {width} px") == []
            hidden = page.locator(".table-scroll").evaluate("node => node.scrollWidth - node.clientWidth")
            assert hidden <= 0, f"{path}, {width} px: {hidden} px of the table are out of sight"
