"""The forecast's charts as plotly figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from forecasting.domain.pacing import PacePoint, Pacing
from pipeline.domain.waterfall import Cause, Waterfall
from salesops.ui import charts


def moves_chart(
    waterfall: Waterfall,
    *,
    names: Mapping[Cause, str],
    ends: tuple[str, str],
    urls: Mapping[Cause, str],
    currency: str,
) -> charts.Figure:
    """Opening, one bar per cause in the declared order, closing."""
    bars = [charts.Step(names[bar.cause], bar.change, url=urls.get(bar.cause, "")) for bar in waterfall.bars]
    opening = charts.Step(ends[0], waterfall.opening, total=True)
    closing = charts.Step(ends[1], waterfall.closing, total=True)
    return charts.waterfall([opening, *bars, closing], currency=currency)


def pace_chart(pacing: Pacing, *, names: tuple[str, str, str], days: int, currency: str) -> charts.Figure:
    """Won so far as a step line by day of the period, last year's whole line, and the quota."""
    won, prior, quota = names
    traces = []
    if pacing.quota is not None:
        level: Sequence[Decimal] = [pacing.quota, pacing.quota]
        traces.append(
            charts.step_line(
                [1, days],
                level,
                name=quota,
                colour=charts.token("ink-3"),
                dash="dot",
                step=False,
                label_at="top left",
            )
        )
    if pacing.prior:
        colour = charts.token("ink-3")
        traces.append(
            charts.step_line(*_line(pacing.prior), name=prior, colour=colour, width=1.5, label_at="top left")
        )
    if pacing.points:
        colour = charts.category_colour("WON")
        traces.append(charts.step_line(*_line(pacing.points), name=won, colour=colour, width=2.5))
    axis = {"range": [1, days], "type": "linear", "showgrid": False, "title": {"text": ""}}
    return charts.figure(traces, currency=currency, layout={"xaxis": axis, "yaxis": {"rangemode": "tozero"}})


def _line(points: Sequence[PacePoint]) -> tuple[list[int], list[Decimal]]:
    return [point.number for point in points], [point.won for point in points]
