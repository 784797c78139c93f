"""At the width of a phone nothing is cut off and nothing lies on something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.e2e.conftest import SignedIn

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
