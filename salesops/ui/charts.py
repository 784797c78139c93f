"""Figures as plotly JSON in our own theme. Colours are design tokens, resolved by the chart host in the browser.

A figure is a plain ``dict`` (``data``, ``layout``), cheap to build and to cache; tests hold it against plotly's own
validators. Text that people entered must pass :func:`label`: plotly reads a few HTML tags in labels.
"""

from __future__ import annotations

import datetime as dt
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import JsonResponse

from salesops.ui import formats

Figure = dict[str, Any]
Amount = Decimal | int | float | None

CATEGORY_TOKENS: dict[str, str] = {
    "WON": "cat-won",
    "COMMIT": "cat-commit",
    "UPSIDE": "cat-upside",
    "PIPELINE": "cat-pipeline",
    "LOST": "cat-lost",
    "OMITTED": "cat-omitted",
}


def token(name: str, alpha: float | None = None) -> str:
    """A colour by the name of its CSS token, optionally translucent."""
    return f"token:{name}" if alpha is None else f"token:{name}/{alpha:g}"


def category_colour(category: str, alpha: float | None = None) -> str:
    """The colour of a category, the same as in tables and tiles."""
    return token(CATEGORY_TOKENS.get(str(category), "ink-3"), alpha)


def label(text: object) -> str:
    """Text made harmless for plotly, which would read ``<b>`` or ``<a href>`` in it.

    Nor do templates write ``<b>``: plotly makes a style attribute of it, which the content policy refuses.
    """
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def plain(value: Any) -> Any:
    """JSON-ready copy: Decimal to float (pixels need no cents), dates to ISO, lazy text to str."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    return str(value)


def _reach(traces: Sequence[Mapping[str, Any]], axis: str) -> tuple[float, float]:
    """Smallest and largest value drawn, zero included."""
    known = [
        float(value)
        for trace in traces
        for value in trace.get(axis, ())
        if isinstance(value, Decimal | int | float)
    ]
    return min([0.0, *known]), max([0.0, *known])


def money_ticks(reach: tuple[float, float], currency: str) -> dict[str, Any]:
    """Four to seven round ticks over the reach, written as amounts are everywhere else (also in German)."""
    low, high = reach
    span = high - low
    if span <= 0:
        return {}
    unit = 10.0 ** math.floor(math.log10(span / 5))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if span / (unit * factor) <= 6)
    values = [step * n for n in range(math.floor(low / step), math.ceil(high / step) + 1)]
    texts = [formats.money(round(value), currency, compact=True) for value in values]
    return {"tickmode": "array", "tickvals": values, "ticktext": [label(text) for text in texts]}


def figure(
    traces: Sequence[Mapping[str, Any]],
    *,
    title: str = "",
    currency: str = "",
    percent: bool = False,
    layout: Mapping[str, Any] | None = None,
    reach: tuple[float, float] | None = None,
) -> Figure:
    """Figure of ``traces``; ``title`` states the finding, ``currency`` or ``percent`` what the value axis counts."""
    horizontal = any(trace.get("orientation") == "h" for trace in traces)
    values: dict[str, Any] = {"rangemode": "tozero", "nticks": 6}
    if currency:
        values |= money_ticks(reach or _reach(traces, "x" if horizontal else "y"), currency)
    if percent:
        values["tickformat"] = ".0%"
    base: dict[str, Any] = {"meta": {"title": title}, "xaxis" if horizontal else "yaxis": values}
    if horizontal:
        base["yaxis"] = {"autorange": "reversed"}
    for key, value in (layout or {}).items():
        base[key] = {**base[key], **value} if isinstance(value, Mapping) and key in base else value
    return {"data": [plain(trace) for trace in traces], "layout": plain(base)}


@dataclass(frozen=True)
class Step:
    """One bar of a waterfall: ``total`` anchors stand on zero, the others add to what came before.

    ``url`` opens the deals behind the bar. ``better`` says whether a rise is for ("up") or against ("down") the plan.
    """

    label: str
    value: Decimal
    total: bool = False
    url: str = ""
    better: str = "up"


def _levels(steps: Sequence[Step]) -> list[Decimal]:
    """Where the waterfall stands after each step."""
    level, levels = Decimal(0), []
    for step in steps:
        level = step.value if step.total else level + step.value
        levels.append(level)
    return levels


def waterfall(steps: Sequence[Step], *, currency: str = "", title: str = "") -> Figure:
    """Waterfall whose labels carry sign and amount, so that colour is never the only carrier of meaning."""
    texts = [
        label(formats.money(step.value, currency, compact=True, signed=not step.total)) for step in steps
    ]
    wide = 16 if len(steps) <= 6 else 10
    levels = _levels(steps)
    trace = {
        "type": "waterfall",
        "name": label(currency),
        "x": ["<br>".join(map(label, textwrap.wrap(str(step.label), wide))) for step in steps],
        "y": [step.value for step in steps],
        "measure": ["absolute" if step.total else "relative" for step in steps],
        "text": texts,
        "textposition": "outside",
        "cliponaxis": False,
        "customdata": [step.url for step in steps],
        "hovertemplate": "%{x}<br>%{text}<extra></extra>",
        "increasing": {"marker": {"color": token("for")}},
        "decreasing": {"marker": {"color": token("against")}},
        "totals": {"marker": {"color": token("ink-3")}},
        "connector": {"line": {"color": token("line-strong"), "width": 1}},
    }
    return figure(
        [trace],
        title=title,
        currency=currency,
        reach=(float(min([Decimal(0), *levels])), float(max([Decimal(0), *levels]))),
        layout={
            "margin": {"l": 8, "r": 16, "t": 28, "b": 8},
            "xaxis": {"tickangle": 0},
            "bargap": max(0.32, 1 - 0.09 * len(steps)),
            "meta": {"lies_on_phones": True},
        },
    )


def bars(
    names: Sequence[object],
    values: Sequence[Amount],
    *,
    name: str = "",
    colour: str | Sequence[str] = "token:accent",
    horizontal: bool = False,
    texts: Sequence[str] | None = None,
    urls: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Bar trace with direct labels."""
    along, across = ([label(n) for n in names], list(values))
    trace: dict[str, Any] = {
        "type": "bar",
        "name": label(name),
        "x": across if horizontal else along,
        "y": along if horizontal else across,
        "orientation": "h" if horizontal else "v",
        "marker": {"color": colour},
        "hovertemplate": "%{label}: %{value}<extra></extra>",
    }
    if texts:
        trace |= {
            "text": [label(t) for t in texts],
            "textposition": "outside",
            "cliponaxis": False,
            "hovertemplate": "%{label}: %{text}<extra></extra>",
        }
    if urls:
        trace["customdata"] = list(urls)
    return trace


def step_line(
    x: Sequence[object],
    y: Sequence[Amount],
    *,
    name: str,
    colour: str = "token:accent",
    dash: str = "solid",
    step: bool = True,
    width: float = 2,
    label_at: str = "middle right",
    label_first: bool = False,
    hover: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Line over time, stepped unless told otherwise, with its name written at its end (or start) instead of a legend.

    `hover` says each point in words.
    """
    names = [""] * len(x)
    if names:
        names[0 if label_first else -1] = f" {label(name)}"
    line: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines+text",
        "name": label(name),
        "x": list(x),
        "y": list(y),
        "line": {"color": colour, "width": width, "shape": "hv" if step else "linear", "dash": dash},
        "text": names,
        "textposition": label_at,
        "textfont": {"color": colour, "size": 12},
        "cliponaxis": False,
        "hovertemplate": f"{label(name)}<br>%{{x}}: %{{y:,.3s}}<extra></extra>",
    }
    if hover:
        line |= {"hovertext": [label(one) for one in hover], "hovertemplate": "%{hovertext}<extra></extra>"}
    return line


def band(
    x: Sequence[object],
    low: Sequence[Amount],
    high: Sequence[Amount],
    *,
    colour: str = "accent",
    alpha: float = 0.14,
) -> list[dict[str, Any]]:
    """Cone between two lines (two traces; decoration, absent from the table twin)."""
    edge = {
        "type": "scatter",
        "mode": "lines",
        "line": {"width": 0},
        "hoverinfo": "skip",
        "meta": {"decoration": True},
    }
    return [
        {**edge, "x": list(x), "y": list(low)},
        {**edge, "x": list(x), "y": list(high), "fill": "tonexty", "fillcolor": token(colour, alpha)},
    ]


def heatmap(rows: Sequence[object], columns: Sequence[object], ratios: Sequence[Sequence[Amount]]) -> Figure:
    """Attainment by row and column, diverging round 100 %, the number written in each cell."""
    trace = {
        "type": "heatmap",
        "x": [label(c) for c in columns],
        "y": [label(r) for r in rows],
        "z": [list(row) for row in ratios],
        "text": [[formats.percent(value) for value in row] for row in ratios],
        "texttemplate": "%{text}",
        "zmid": 1,
        "zmin": 0.4,
        "zmax": 1.6,
        "xgap": 2,
        "ygap": 2,
        "showscale": False,
        "colorscale": [[0, token("cat-upside", 0.7)], [0.5, token("sunken")], [1, token("cat-commit", 0.7)]],
        "hovertemplate": "%{y} · %{x}: %{text}<extra></extra>",
    }
    return figure(
        [trace],
        layout={
            "yaxis": {"autorange": "reversed", "showgrid": False},
            "xaxis": {"side": "top", "showgrid": False},
        },
    )


def sankey(
    nodes: Sequence[tuple[str, str]], links: Sequence[tuple[int, int, Amount]], *, title: str = ""
) -> Figure:
    """Flow between nodes given as (name, colour); at most eight nodes read well."""
    colours = [colour for _, colour in nodes]
    trace = {
        "type": "sankey",
        "node": {
            "label": [label(name) for name, _ in nodes],
            "color": colours,
            "pad": 18,
            "thickness": 12,
            "line": {"width": 0},
        },
        "link": {
            "source": [source for source, _, _ in links],
            "target": [target for _, target, _ in links],
            "value": [value for _, _, value in links],
            "color": [
                f"{colours[source]}/0.22" if "/" not in colours[source] else colours[source]
                for source, _, _ in links
            ],
        },
    }
    return figure([trace], title=title)


def response(fig: Figure) -> JsonResponse:
    """The figure as the chart host expects it."""
    return JsonResponse(fig)
