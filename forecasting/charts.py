"""The forecast's charts as plotly figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from forecasting.domain.pacing import PacePoint, Pacing
from pipeline.domain.waterfall import Cause, Waterfall
from salesops.ui import charts, formats


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


@dataclass(frozen=True)
class PaceWords:
    """The names written at the lines of the pacing chart."""

    won: str
    prior: str
    quota: str


def pace_chart(
    pacing: Pacing, *, names: PaceWords, period: tuple[dt.date, dt.date], currency: str
) -> charts.Figure:
    """Won so far as a step line over the days from the first to the last, last year's whole line, and the quota.

    Last year's line is scaled to the quota where there is one: the path that being ahead or behind is said of.
    """
    first, last = period
    prior = pacing.seasonal or pacing.prior
    prior_by_now = pacing.prior_by_now if pacing.expected is None else pacing.expected
    quiet = charts.token("ink-3")
    traces = []
    if pacing.quota is not None:
        level = [PacePoint(day, (day - first).days + 1, pacing.quota) for day in period]
        at = {"dash": "dot", "step": False, "label_at": "top right", "label_first": True}
        traces.append(_pace_line(level, names.quota, first, currency, colour=quiet, **at))
    won_above = not prior or pacing.won >= prior_by_now
    if prior:
        side = "bottom left" if _ends(pacing, first, last) > LATE and won_above else "top left"
        traces.append(_pace_line(prior, names.prior, first, currency, colour=quiet, width=1.5, label_at=side))
    if pacing.points:
        at = {"colour": charts.category_colour("WON"), "width": 2.5}
        side = _side(_ends(pacing, first, last), won_above or not pacing.won)
        traces.append(_pace_line(pacing.points, names.won, first, currency, label_at=side, **at))
    days = tick_days(first, last)
    ticks = {"ticks": "outside", "ticklen": 6, "tickcolor": charts.token("line-strong"), "tickangle": 0}
    axis = {
        **ticks,
        "type": "date",
        "range": [first, last],
        "showgrid": False,
        "tickmode": "array",
        "tickvals": days,
        "ticktext": [charts.label(formats.day(day, "no year")) for day in days],
    }
    late = (
        _ends(pacing, first, last) > LATE
    )  # the line's name, or half of the last day's, stands beyond the end
    room = {"l": 8, "r": 72 if late else 32, "t": 12, "b": 8}
    layout = {"xaxis": axis, "yaxis": {"rangemode": "tozero"}, "margin": room}
    return charts.figure(traces, currency=currency, layout=layout)


EARLY, LATE = 0.15, 0.8


def _ends(pacing: Pacing, first: dt.date, last: dt.date) -> float:
    """How far along the period the line of this year ends (0 to 1)."""
    return (pacing.points[-1].day - first).days / max((last - first).days, 1) if pacing.points else 0.0


def _side(along: float, is_above: bool) -> str:
    """Where a line's name lies on neither line: on the far side of the other one; at the end, in the margin."""
    if along > LATE:
        return "middle right"
    if is_above:
        return "top right" if along < EARLY else "top left"
    return "bottom right"


def _pace_line(
    points: Sequence[PacePoint], name: str, first: dt.date, currency: str, **style: Any
) -> dict[str, Any]:
    """A line over this period's days; one of last year stands on the days with the same number."""
    days = [first + dt.timedelta(days=point.number - 1) for point in points]
    hover = [
        f"{name}, {formats.day(point.day)}: {formats.money(point.won, currency, compact=True)}"
        for point in points
    ]
    return charts.step_line(days, [point.won for point in points], name=name, hover=hover, **style)


def tick_days(first: dt.date, last: dt.date, most: int = 7) -> list[dt.date]:
    """At most so many days to write under an axis: whole weeks from the first day or starts of months, and the last."""
    length = (last - first).days
    if length > 100:
        starts = [day for day in (first + dt.timedelta(days=n) for n in range(length)) if day.day == 1]
        found = starts[:: -(-len(starts) // (most - 1))]
    else:
        step = 7 * max(-(-length // (7 * (most - 1))), 1)
        found = [first + dt.timedelta(days=n) for n in range(0, length, step)]
    room = length / most * 0.9
    return [day for day in found if (last - day).days > room] + [last]
