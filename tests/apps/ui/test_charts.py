"""Figures must be what plotly understands, in our colours, and inert."""

import datetime as dt
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import plotly
import plotly.graph_objects as go
import pytest
from django.conf import settings

from salesops.ui import charts


def with_colours(node: Any) -> Any:
    """Tokens replaced as the browser does, so that plotly's validators can judge the rest."""
    if isinstance(node, str) and node.startswith("token:"):
        return "rgb(1, 2, 3)"
    if isinstance(node, dict):
        return {key: with_colours(value) for key, value in node.items()}
    if isinstance(node, list):
        return [with_colours(value) for value in node]
    return node


WEEKS = [dt.date(2026, 10, 5), dt.date(2026, 10, 12)]
FIGURES = {
    "waterfall": charts.waterfall(
        [
            charts.Step("Opening", Decimal("100.10"), total=True),
            charts.Step("Lost & gone", Decimal("-40"), url="/x"),
        ],
        currency="EUR",
    ),
    "lines": charts.figure(
        [*charts.band(WEEKS, [1, 2], [3, 4]), charts.step_line(WEEKS, [Decimal(1), None], name="Won")],
        currency="USD",
    ),
    "bars": charts.figure(
        [charts.bars(["A", "B"], [1, 2], horizontal=True, texts=["1", "2"], urls=["/a", "/b"])]
    ),
    "heatmap": charts.heatmap(["Ann"], ["Jan", "Feb"], [[Decimal("0.9"), None]]),
    "sankey": charts.sankey(
        [("Qualify", charts.token("accent")), ("Won", charts.category_colour("WON"))], [(0, 1, 5)]
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_plotly_accepts_the_figure(name: str) -> None:
    go.Figure(with_colours(FIGURES[name]))
    json.dumps(FIGURES[name], allow_nan=False)


def test_colours_are_tokens_and_not_values() -> None:
    assert "#" not in json.dumps(FIGURES["waterfall"])
    assert charts.category_colour("COMMIT", 0.2) == "token:cat-commit/0.2"


def test_labels_cannot_carry_markup() -> None:
    figure = charts.figure([charts.bars(['<a href="javascript:alert(1)">x</a>'], [1])])
    assert "<a" not in json.dumps(figure)
    assert charts.label("A & <b>") == "A &amp; &lt;b&gt;"


def test_waterfall_says_sign_and_amount_in_words() -> None:
    trace = FIGURES["waterfall"]["data"][0]
    assert trace["text"] == ["€100", "−€40"]
    assert trace["measure"] == ["absolute", "relative"]
    assert trace["customdata"] == ["", "/x"]


def test_the_map_sheet_is_still_known_by_the_id_the_chart_host_reserves() -> None:
    script = (Path(settings.BASE_DIR) / "static" / "js" / "charts.js").read_text()
    reserved = re.search(r'MAP_SHEET = "([0-9a-f]{64})"', script)
    assert reserved is not None
    packaged = (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_text()
    assert f'getElementById("{reserved.group(1)}")' in packaged
    assert '.matches(".no-inline-styles")' in packaged


def test_ticks_are_round_cover_the_reach_and_read_like_amounts() -> None:
    ticks = charts.money_ticks((0, 1_240_000), "USD")
    assert ticks["ticktext"] == ["$0", "$250K", "$500K", "$750K", "$1M", "$1.25M"]
    assert charts.money_ticks((-30, 70), "EUR")["ticktext"][0] == "−€40"
    assert charts.money_ticks((0, 0), "EUR") == {}


def test_a_waterfall_reaches_as_far_as_its_highest_step() -> None:
    figure = charts.waterfall(
        [
            charts.Step("Opening", Decimal(50), total=True),
            charts.Step("Created", Decimal(60)),
            charts.Step("Lost", Decimal(-90)),
        ],
        currency="EUR",
    )
    assert figure["layout"]["yaxis"]["tickvals"][-1] >= 110
