"""The shell in a real browser, on the style guide: accessibility, keyboard, drawer, edits, undo, themes, widths."""

import json
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as django_settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test.testcases import LiveServerThread

from tests.e2e.browsing import ARGUMENTS, Watch, chromium_path

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.browser
OpenPage = Callable[..., "Page"]
DRAWN = "body:not(:has([data-chart]:not([data-drawn=true])))"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The style guide served to nobody in particular; it asks the database nothing."""
    before = django_settings.DEBUG
    django_settings.DEBUG = True
    thread = LiveServerThread("127.0.0.1", StaticFilesHandler, connections_override={})
    thread.daemon = True
    thread.start()
    thread.is_ready.wait()
    yield f"http://127.0.0.1:{thread.port}"
    thread.terminate()
    django_settings.DEBUG = before


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = chromium_path()
    if path is None:
        pytest.skip("no Chromium on this machine: install the package chromium, or set CHROMIUM to its path")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def watch(address: str) -> Watch:
    return Watch(address)


@pytest.fixture
def open_page(chromium: Any, address: str, watch: Watch) -> Iterator[OpenPage]:
    contexts = []

    def opened(*, width: int = 1280, theme: str = "light", charts: bool = False, scale: float = 1) -> "Page":
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, color_scheme=theme, base_url=address, locale="en-US",
            reduced_motion="reduce", has_touch=width < 500, is_mobile=width < 500, device_scale_factor=scale,
        )  # fmt: skip
        contexts.append(context)
        page = context.new_page()
        watch.attach(page)
        page.goto("/styleguide")
        page.wait_for_selector("html[data-ready=true]", state="attached")
        page.evaluate("document.activeElement.blur()")
        if charts:
            page.evaluate("document.querySelectorAll('[data-chart]').forEach(node => node.scrollIntoView())")
            page.wait_for_selector(DRAWN)
            page.evaluate("scrollTo(0, 0)")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert not watch.found, "The browser complained:\n" + "\n".join(watch.found)


def serious(page: "Page") -> list[str]:
    """What axe finds of weight on the page as it stands."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['target']}"
        for one in found
        if one["impact"] in {"serious", "critical"}
    ]


def answering(
    status: int, body: dict[str, object], headers: dict[str, str] | None = None
) -> Callable[["Route"], None]:
    return lambda route: route.fulfill(
        status=status, body=json.dumps(body), content_type="application/json", headers=headers or {}
    )


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")])
def test_no_serious_accessibility_findings(open_page: OpenPage, width: int, theme: str) -> None:
    page = open_page(width=width, theme=theme, charts=True)
    assert serious(page) == []
    page.locator("a[data-drawer]").first.click()
    page.wait_for_selector("#drawer[open] [data-drawer-title]", state="attached")
    assert serious(page) == []


@pytest.mark.parametrize("width", [320, 390, 640, 768, 1024, 1280])
def test_nothing_sticks_out_at_any_width(open_page: OpenPage, width: int) -> None:
    page = open_page(width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_tree_is_walked_with_the_keyboard(open_page: OpenPage) -> None:
    page = open_page()
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.dataset.node") == "p0"
    page.keyboard.press("ArrowLeft")
    assert page.locator("tr[data-node=p1]").is_hidden()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("tr[data-node=p1]")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.dataset.node") == "p1"
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.dataset.node") == "p0"


def test_the_drawer_opens_beside_the_table_and_gives_the_focus_back(open_page: OpenPage) -> None:
    page = open_page()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_selector("#drawer[open] [data-drawer-title]", state="attached")
    assert page.inner_text("#drawer-title") == "Commit of Marcus Okonkwo"
    assert page.locator("#drawer:modal").count() == 0
    page.keyboard.press("Escape")
    page.wait_for_selector("#drawer:not([open])", state="attached")
    assert page.evaluate("document.activeElement.dataset.node") == "p1"


def test_the_drawer_is_a_sheet_on_phones(open_page: OpenPage) -> None:
    page = open_page(width=390)
    page.locator("a[data-drawer]").first.tap()
    page.wait_for_selector("#drawer:modal [data-drawer-title]", state="attached")
    page.keyboard.press("Escape")
    page.wait_for_selector("#drawer:not([open])", state="attached")


def edit_first_call(page: "Page", text: str) -> None:
    page.locator("inline-edit").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".edit-field")
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def test_an_edit_is_confirmed_and_undone(open_page: OpenPage) -> None:
    page = open_page()
    toast = json.dumps({"salesops:toast": {"message": "Call set.", "undo": "/undo/1"}})
    sent: list[str] = []

    def save(route: "Route") -> None:
        sent.append(route.request.post_data or "")
        answering(200, {"value": "9", "display": "$9", "version": 4}, {"HX-Trigger": toast})(route)

    page.route("**/styleguide/edit", save)
    page.route("**/undo/1", lambda route: (sent.append(route.request.method), route.fulfill(status=204)))
    edit_first_call(page, "9")
    page.wait_for_selector(".toast__btn")
    assert sent == ["field=call&value=9&version=3"]
    assert page.locator("inline-edit").first.inner_text() == "$9"
    assert page.locator("inline-edit").first.get_attribute("data-version") == "4"
    page.keyboard.press("z")
    page.get_by_text("Undone.", exact=True).first.wait_for(state="attached")
    assert sent[1:] == ["POST"]


def test_a_conflict_shows_both_values(open_page: OpenPage, watch: Watch) -> None:
    watch.expect("409")
    page = open_page()
    page.route(
        "**/styleguide/edit", answering(409, {"value": "7", "display": "$7", "version": 8, "by": "Ann"})
    )
    edit_first_call(page, "9")
    dialog = page.locator("dialog.dialog[open]")
    dialog.wait_for()
    assert "$7 · Ann" in dialog.inner_text()
    assert "9" in dialog.inner_text()
    page.keyboard.press("Escape")
    assert page.locator("inline-edit").first.inner_text() == "$7"


def test_a_refused_edit_says_why_and_keeps_what_was_typed(open_page: OpenPage, watch: Watch) -> None:
    watch.expect("422")
    page = open_page()
    before = page.locator("inline-edit").first.inner_text()
    page.route("**/styleguide/edit", answering(422, {"message": "A call needs a note."}))
    edit_first_call(page, "9")
    page.get_by_text("A call needs a note.").first.wait_for()
    assert page.input_value("inline-edit .edit-field[aria-invalid=true]") == "9"
    page.keyboard.press("Escape")
    assert page.locator("inline-edit").first.inner_text() == before


def test_single_letter_keys_can_be_switched_off(open_page: OpenPage) -> None:
    page = open_page()
    page.keyboard.press("?")
    page.wait_for_selector("#shortcuts[open]")
    page.keyboard.press("Escape")
    page.evaluate("document.documentElement.dataset.keys = 'off'")
    page.keyboard.press("?")
    assert page.locator("#shortcuts[open]").count() == 0
    page.keyboard.press("Control+k")
    page.wait_for_selector("#palette[open]")


def test_the_palette_finds_and_goes(open_page: OpenPage) -> None:
    page = open_page()
    item = {
        "label": "Style guide",
        "url": "/styleguide?found=1",
        "group": "Pages",
        "hint": "",
        "drawer": False,
        "event": "",
    }
    page.route(re.compile(r"/palette(\?|$)"), answering(200, {"items": [item]}))
    page.evaluate("document.body.dataset.paletteUrl = '/palette'")
    page.keyboard.press("Control+k")
    page.wait_for_selector("[role=option]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/styleguide?found=1")


def test_a_change_of_theme_restyles_charts_without_a_reload(open_page: OpenPage) -> None:
    page = open_page(charts=True)
    fill = "getComputedStyle(document.querySelector('.waterfalllayer .point path')).fill"
    light = page.evaluate(fill)
    page.emulate_media(color_scheme="dark")
    for _ in range(50):
        if page.evaluate(fill) != light:
            break
        page.wait_for_timeout(200)
    assert page.evaluate(fill) != light


def test_every_chart_has_its_table(open_page: OpenPage) -> None:
    page = open_page(charts=True)
    chart = page.locator("[data-chart]").first
    chart.locator("summary").click()
    chart.locator("[data-chart-action=table]").click()
    assert chart.locator("tbody tr").count() == 8
    assert chart.locator(".chart__canvas").is_hidden()
    with page.expect_download() as download:
        chart.locator("summary").click()
        chart.locator("[data-chart-action=table]").click()
        chart.locator("summary").click()
        chart.locator("[data-chart-action=svg]").click()
    assert download.value.suggested_filename.endswith(".svg")


def test_styles_stand_a_policy_without_unsafe_inline(open_page: OpenPage, watch: Watch, address: str) -> None:
    page = open_page()

    def strict(route: "Route") -> None:
        answer = route.fetch()
        policy = answer.headers.get("content-security-policy", "").replace(" 'unsafe-inline'", "")
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": policy})

    page.route("**/styleguide", strict)
    page.goto("/styleguide")
    page.wait_for_selector("html[data-ready=true]", state="attached")
    page.evaluate("document.querySelectorAll('[data-chart]').forEach(node => node.scrollIntoView())")
    page.wait_for_selector(DRAWN)
