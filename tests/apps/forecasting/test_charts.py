"""The pacing chart: its axis is the period's days, and no name lies on another line."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from forecasting.charts import PaceWords, pace_chart, tick_days
from forecasting.domain.pacing import WonOn, pacing

FIRST, LAST = dt.date(2026, 11, 1), dt.date(2027, 1, 31)
LAST_YEAR = (dt.date(2025, 11, 1), dt.date(2026, 2, 1))
WORDS = PaceWords("Won", "A year before", "Quota")


def _chart(won: int, *, today: dt.date, prior: int = 100, quota: int = 1000) -> dict[str, Any]:
    early = WonOn(LAST_YEAR[0] + dt.timedelta(days=3), Decimal(prior))
    late = WonOn(LAST_YEAR[1] - dt.timedelta(days=1), Decimal(1000 - prior))
    facts = pacing(
        [WonOn(FIRST, Decimal(won))],
        [early, late],
        quota=Decimal(quota),
        today=today,
        period=(FIRST, LAST + dt.timedelta(days=1)),
        prior_period=LAST_YEAR,
    )
    return pace_chart(facts, names=WORDS, period=(FIRST, LAST), currency="USD")


def _line(chart: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(trace for trace in chart["data"] if trace["name"] == name)
    return found


def test_the_axis_is_calendar_days_and_ends_with_the_period() -> None:
    axis = _chart(500, today=dt.date(2026, 11, 25))["layout"]["xaxis"]
    assert axis["type"] == "date"
    assert axis["range"] == ["2026-11-01", "2027-01-31"]
    assert axis["ticktext"][0] == "1 Nov"
    assert axis["ticktext"][-1] == "31 Jan"
    assert len(axis["tickvals"]) == len(axis["ticktext"]) <= 7


def test_last_years_line_stands_on_this_years_days() -> None:
    prior = _line(_chart(500, today=dt.date(2026, 11, 25)), "A year before")
    assert prior["x"] == ["2026-11-01", "2026-11-04", "2027-01-31"]
    assert prior["hovertext"][1] == "A year before, 4 Nov 2025: $100"


def test_last_years_line_is_the_path_to_this_quota_that_the_sentence_speaks_of() -> None:
    chart = _chart(150, today=dt.date(2026, 11, 25), quota=2000)
    assert _line(chart, "A year before")["y"] == [0, 200, 2000]
    assert _line(chart, "Won")["textposition"] == "bottom right", (
        "150 is above last year's 100, below its path"
    )


def test_the_name_of_this_years_line_keeps_away_from_last_years() -> None:
    today = dt.date(2026, 11, 25)
    assert _line(_chart(500, today=today), "Won")["textposition"] == "top left"
    assert _line(_chart(50, today=today), "Won")["textposition"] == "bottom right"
    over = _chart(1500, today=LAST)
    assert _line(over, "Won")["textposition"] == "middle right"
    assert _line(over, "A year before")["textposition"] == "bottom left"


def test_ticks_are_few_for_every_kind_of_period() -> None:
    for days in (28, 35, 91, 98, 365, 371):
        ticks = tick_days(FIRST, FIRST + dt.timedelta(days=days - 1))
        assert 3 <= len(ticks) <= 7, days
        assert ticks == sorted(set(ticks))
        assert ticks[-1] == FIRST + dt.timedelta(days=days - 1)
