"""At the width of a phone nothing is cut off and nothing lies on something else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import SignedIn
from tests.e2e.server import Live
from tests.e2e.test_import_journey import answer_everything

if TYPE_CHECKING:
    from playwright.sync_api import Page

OVERLAPS = """
() => [...document.querySelectorAll('.table--cards tbody tr')].flatMap(row => {
  const text = node => { const range = document.createRange(); range.selectNodeContents(node);
                         return [...range.getClientRects()].filter(r => r.width && r.height); };
  const cells = [...row.cells].map(cell => ({ cell, rects: text(cell) }));
  const hits = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2;
  return cells.flatMap(({ cell, rects }, i) => cells.slice(i + 1)
    .filter(other => rects.some(a => other.rects.some(b => hits(a, b))))
    .map(other => `${cell.innerText} / ${other.cell.innerText}`));
})
"""


def _right_edge(page: Page, selector: str) -> float:
    box = page.locator(selector).bounding_box()
    assert box is not None
    return box["x"] + box["width"]


def test_the_forecast_says_how_fresh_it_is_without_scrolling_sideways(signed_in: SignedIn) -> None:
    page = signed_in("EXECUTIVE", width=390, height=844)
    page.goto("/forecast/")
    assert "Updated" in page.locator(".freshness").inner_text()
    assert _right_edge(page, ".freshness") <= 390
    hidden = page.locator(".topbar__freshness").evaluate("node => node.scrollWidth - node.clientWidth")
    assert hidden <= 0


def test_what_the_examination_found_is_readable(signed_in: SignedIn) -> None:
    page = signed_in("ADMIN", width=390, height=844)
    page.goto("/system/")
    page.get_by_text("backup tool").wait_for()
    assert page.evaluate(OVERLAPS) == []
    empty = page.locator(".table--cards tbody td:empty").evaluate_all(
        "all => all.filter(n => n.offsetHeight).length"
    )
    assert empty == 0, "labels of nothing"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_an_import_can_be_matched_and_repaired_on_a_phone(
    signed_in: SignedIn, live: Live, theme: str
) -> None:
    page = signed_in("ADMIN", width=390, height=844, theme=theme)
    page.goto("/imports/new")
    page.set_input_files("input[name=files]", str(live.folder / "demo" / "crm-export-with-mistakes.csv"))
    page.get_by_role("button", name="Read the files").click()
    page.wait_for_url("**/match")
    _is_readable(page)
    shown = page.locator(".import-samples").evaluate_all("all => all.map(node => node.clientWidth)")
    assert min(shown) > 100, "values are shown beside their label"
    page.get_by_role("button", name="Check every row").click()
    for _ in range(4):
        page.wait_for_url(re.compile("/(repair|confirm)$"))
        _is_readable(page)
        if page.url.endswith("/confirm"):
            break
        answer_everything(page)
    assert page.get_by_role("heading", name="Problems by cause").is_visible()
    page.goto(page.url.replace("/confirm", "/repair"))
    _is_readable(page)
    page.goto(page.url.replace("/repair", "/confirm"))
    page.get_by_role("button", name="Discard").first.click()
    page.get_by_role("button", name="Discard the import").click()
    page.wait_for_url("**/imports/")


def _is_readable(page: Page) -> None:
    """Nothing lies on something else, and nothing to press lies beyond the edge."""
    assert page.evaluate(OVERLAPS) == []
    edges = page.locator("main :is(select, button, input:not([type=hidden]))").evaluate_all(
        "all => all.filter(n => n.offsetWidth > 1).map(n => [n.getBoundingClientRect().right, n.name || n.innerText])"
    )
    assert [name for right, name in edges if right > 390] == []


def test_the_current_tab_is_in_sight_and_more_are_hinted_at(signed_in: SignedIn) -> None:
    page = signed_in("OPS", width=390, height=844)
    for path in ("/setup/company", "/setup/rates", "/setup/categories"):
        page.goto(path)
        current = page.locator(".tabs [aria-current=page]")
        box = current.bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= box["x"] + box["width"] <= 390, path
    shade = page.locator(".tabs").evaluate("node => getComputedStyle(node).backgroundAttachment")
    assert "scroll" in shade
    assert "local" in shade


APART = """
() => [...document.querySelectorAll('.table--cards tbody tr')].filter(row => {
  const edge = (cell, side) => { const range = document.createRange(); range.selectNodeContents(cell);
                                 return range.getBoundingClientRect()[side]; };
  const [when, who] = row.cells;
  return edge(when, 'top') === edge(who, 'top') && edge(who, 'left') - edge(when, 'right') < 8;
}).map(row => row.innerText)
"""


def test_time_and_actor_of_an_event_stand_apart(signed_in: SignedIn) -> None:
    page = signed_in("ADMIN", width=390, height=844)
    page.goto("/audit/")
    page.locator(".table--cards tbody tr").first.wait_for()
    assert page.evaluate(APART) == []
    assert page.evaluate(OVERLAPS) == []
