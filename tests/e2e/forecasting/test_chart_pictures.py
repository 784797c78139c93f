"""A chart saved as a picture says by itself what it shows, legibly in either theme."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from tests.e2e.conftest import SignedIn

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

SVG = "{http://www.w3.org/2000/svg}"
LEGIBLE = 4.5
"""Contrast that WCAG 2.2 asks of text."""


def saved(page: Page, chart: Locator, kind: str) -> Path:
    chart.locator("summary").click()
    with page.expect_download() as download:
        chart.locator(f"[data-chart-action={kind}]").click()
    return Path(download.value.path())


def light_of(colour: str) -> float:
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True)) + 0.05


def contrast(one: str, other: str) -> float:
    dark, light = sorted((light_of(one), light_of(other)))
    return light / dark


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_a_saved_chart_says_what_it_shows(signed_in: SignedIn, theme: str, width: int) -> None:
    page = signed_in("MANAGER", theme=theme, width=width)
    page.goto("/forecast/")
    chart = page.locator("#changes [data-chart]")
    chart.scroll_into_view_if_needed()
    page.wait_for_selector("#changes [data-chart][data-drawn=true]")
    title, facts = chart.locator(".chart__title").inner_text(), chart.get_attribute("data-chart-facts") or ""
    assert page.locator(".topbar__period summary").inner_text().strip() in facts
    assert page.locator(".topbar__scope").inner_text().strip() in facts
    assert re.search(r"As of \d+ \w+ \d{4}, \d\d:\d\d ", facts), facts
    drawing = ElementTree.parse(saved(page, chart, "svg")).getroot()
    lines = drawing.findall(f"{SVG}text")
    assert " ".join(line.text or "" for line in lines) == f"{title} {facts}"
    paper = drawing.find(f"{SVG}rect")
    assert paper is not None
    for line in lines:
        assert contrast(line.get("fill", ""), paper.get("fill", "")) >= LEGIBLE, (line.text, theme)
    inside = drawing.find(f"{SVG}svg")
    assert inside is not None, "the chart itself"
    assert float(inside.get("y", 0)) >= max(float(line.get("y", 0)) for line in lines), "below its heading"
    png = saved(page, chart, "png").read_bytes()
    assert struct.unpack(">II", png[16:24]) == tuple(
        2 * int(drawing.get(side, 0)) for side in ("width", "height")
    )
