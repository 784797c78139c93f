"""Which period the date of a quota row means, and the calendar that would help where there is none."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest

from organization.domain.facts import PeriodFacts
from territories.domain.quota_dates import calendar_cure, meant_period

D = dt.date
FEBRUARY = [D(2026, 2, 1), D(2026, 5, 1), D(2026, 8, 1), D(2026, 11, 1), D(2027, 2, 1)]


def quarters(starts: list[dt.date]) -> list[PeriodFacts]:
    return [
        PeriodFacts(n, f"Q{n}", "QUARTER", begin, end)
        for n, (begin, end) in enumerate(pairwise(starts), start=1)
    ]


@pytest.mark.parametrize(
    ("day", "grain", "meant"),
    [
        (D(2026, 5, 1), "QUARTER", "Q2"),
        (D(2026, 4, 24), "QUARTER", "Q2"),
        (D(2026, 5, 8), "QUARTER", "Q2"),
        (D(2026, 5, 9), "QUARTER", None),
        (D(2026, 4, 23), "QUARTER", None),
        (D(2026, 6, 15), "MONTH", "Q2"),
        (D(2026, 1, 31), "MONTH", None),
        (D(2027, 2, 1), "MONTH", None),
    ],
)
def test_the_period_a_date_means(day: dt.date, grain: str, meant: str | None) -> None:
    found = meant_period(quarters(FEBRUARY), day, grain)
    assert (found.name if found else None) == meant


OLD = [D(2022, 5, 30), D(2022, 8, 30), D(2022, 11, 30), D(2023, 2, 28)]


@pytest.mark.parametrize(
    ("days", "grain", "others", "words"),
    [
        (OLD, "QUARTER", {"Old": quarters([*OLD, D(2023, 5, 30)])}, "Activate the calendar “Old”"),
        (OLD, "QUARTER", {"Other": quarters(FEBRUARY)}, "whose year begins in March or June or September or December,"),
        (OLD[:1], "YEAR", {}, "of calendar months whose year begins in June,"),
        ([D(2022, 5, 15), D(2022, 8, 15)], "QUARTER", {}, "(kind Custom) whose quarters begin on 2022-05-15, 2022-08-15,"),
        ([D(2022, 4, 1), D(2022, 5, 1)], "QUARTER", {}, "(kind Custom) whose quarters begin on 2022-04-01, 2022-05-01,"),
        ([D(2022, n, 15) for n in range(1, 13)], "QUARTER", {}, "2022-04-15 and 8 other days,"),
        ([D(1999, 3, 1), D(2001, 4, 5)], "MONTH", {}, "a calendar like “Ours” that covers 1999-03-01 to 2001-04-05,"),
    ],
)  # fmt: skip
def test_the_calendar_that_would_help(
    days: list[dt.date], grain: str, others: dict[str, list[PeriodFacts]], words: str
) -> None:
    assert words in calendar_cure(days, grain, others, "Ours")
